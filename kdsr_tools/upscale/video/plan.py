"""What a first reading finds out about a film, before anything is restored: times, scenes, damage, colours.

It takes decoding alone and one estimate of the degradation in `SAMPLE_STEP` frames; in return the number of frames is
known, what cannot be done is refused before hours of work, and the film never has to be in memory.
"""

from __future__ import annotations

import itertools
import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from torch import Tensor

from kdsr_tools.files import write_then_rename
from kdsr_tools.upscale.video.colours import Colours, to_pixels
from kdsr_tools.upscale.video.reading import FilmError, FilmReader, find_display_matrix
from kdsr_tools.upscale.video.scenes import SAMPLE_STEP, CutDetector, FeatureMean

HDR_SIDE_DATA = {
    "MASTERING_DISPLAY_METADATA": "the mastering display's data",
    "CONTENT_LIGHT_LEVEL": "the content's light level",
    "DYNAMIC_HDR_PLUS": "HDR10+ data",
    "DOVI_METADATA": "Dolby Vision data",
}
# Denominators that every encoder takes.
LARGEST_DENOMINATOR = 60000


@dataclass(frozen=True)
class Look:
    """How a film's frames are stored and shown.

    Args:
        rate: frames a second, on average.
        time_base: seconds of a tick.
        pixel_aspect: a pixel's width in heights.
        display_matrix: the nine numbers that turn and flip frames for display; None where there are none.
        left_out: names of HDR data that the result will lack.
    """

    width: int
    height: int
    pixel_format: str
    rate: Fraction
    time_base: Fraction
    pixel_aspect: Fraction
    colours: Colours
    display_matrix: tuple[int, ...] | None
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: VideoFrame, reader: FilmReader) -> Look:
        """Read the look of a film's first good frame."""
        known = {kind.name for kind in SideDataType if kind in frame.side_data}
        matrix = find_display_matrix(frame)
        return cls(
            width=frame.width,
            height=frame.height,
            pixel_format=frame.format.name,
            rate=reader.rate.limit_denominator(LARGEST_DENOMINATOR),
            time_base=reader.time_base,
            pixel_aspect=reader.stream.sample_aspect_ratio or Fraction(1),
            colours=Colours.of(frame),
            display_matrix=None if matrix is None else tuple(matrix),
            left_out=tuple(text for name, text in HDR_SIDE_DATA.items() if name in known),
        )


@dataclass
class Plan:
    """A film's frames and scenes.

    Args:
        times: of each frame, in ticks, and where the last one ends.
        damaged: numbers of frames that show the one before.
        scenes: numbers of the frames that scenes begin with.
        idrs: one for each scene, (1, C) as a list; none where frames have their own.
        missing: what a file that is cut off lacks.
    """

    look: Look
    times: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    scenes: list[int] = field(default_factory=list)
    idrs: list[list[float]] = field(default_factory=list)
    missing: str = ""

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return len(self.times) - 1

    @property
    def is_steady(self) -> bool:
        """Return whether all frames last equally long; a tick's difference is rounding."""
        steps = [after - before for before, after in itertools.pairwise(self.times)]
        return max(steps) - min(steps) <= 1

    def find_idr(self, number: int) -> Tensor | None:
        """Return the IDR (1, C) of the scene of a frame; None where frames have their own."""
        if not self.idrs:
            return None
        scene = max(bisect_right(self.scenes, number) - 1, 0)
        return torch.tensor(self.idrs[scene], dtype=torch.float32)[None]

    def save(self, path: Path) -> None:
        """Write the plan as JSON, whole or not at all."""
        with write_then_rename(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read a plan that was saved."""
        values = json.loads(path.read_text(encoding="utf-8"))
        look = values.pop("look")
        for name in ("rate", "time_base", "pixel_aspect"):
            look[name] = Fraction(look[name])
        look["colours"] = Colours(**look["colours"])
        for name in ("display_matrix", "left_out"):
            look[name] = None if look[name] is None else tuple(look[name])
        return cls(look=Look(**look), **values)


class Estimator(Protocol):
    """Estimates degradations; `Upscaler` does."""

    def pool_features(self, image: np.ndarray) -> Tensor:
        """Return the estimator's pooled features (1, F) of a frame."""

    def summarise(self, features: Tensor) -> Tensor:
        """Turn pooled features into an IDR (1, C)."""


def make_plan(
    path: Path, estimator: Estimator | None, *, max_pixels: int, progress: Callable[[], object] = lambda: None
) -> Plan:
    """Read a film once.

    Args:
        estimator: for one IDR a scene; None estimates nothing.
        max_pixels: refuse larger frames.
        progress: called after each frame.

    Raises:
        FilmError: it is none, is interlaced or encrypted, changes its size, or has no frame that can be decoded.
    """
    with FilmReader(path) as reader:
        maker = _PlanMaker(path, reader, estimator, max_pixels)
        for read in reader:
            maker.add(read.time, None if read.is_damaged and maker.plan else read.frame, is_damaged=read.is_damaged)
            progress()
        return maker.finish()


class _PlanMaker:
    """Gathers what frames tell, one after the other."""

    def __init__(self, path: Path, reader: FilmReader, estimator: Estimator | None, max_pixels: int):
        self.path = path
        self.reader = reader
        self.estimator = estimator
        self.max_pixels = max_pixels
        self.plan: Plan | None = None
        self.times: list[int] = []
        self.damaged: list[int] = []
        self.detector = CutDetector()
        self.features = FeatureMean()
        self.since_sample = 0

    def add(self, time: int, frame: VideoFrame | None, *, is_damaged: bool) -> None:
        """Take the next frame; None is one that cannot be used."""
        if is_damaged:
            self.damaged.append(len(self.times))
        self.times.append(time)
        if frame is None:
            return
        plan = self.plan = self.plan or Plan(self._check_first(frame))
        self._check(frame, plan.look)
        pixels = to_pixels(frame, plan.look.colours)
        if self.detector.is_cut(pixels):
            self._end_scene(plan)
            plan.scenes.append(len(self.times) - 1)
            self.since_sample = 0
        if self.estimator is not None and self.since_sample % SAMPLE_STEP == 0:
            self.features.add(self.estimator.pool_features(pixels))
        self.since_sample += 1

    def finish(self) -> Plan:
        """Return the plan, once all frames were added."""
        if self.plan is None:
            frames = f"none of its {len(self.times)} frames can be decoded" if self.times else "it has no frames"
            raise FilmError(f"{self.path}: {frames}")
        self._end_scene(self.plan)
        self.plan.times, self.plan.damaged = [*self.times, self.reader.end], self.damaged
        self.plan.missing = self.reader.missing
        return self.plan

    def _end_scene(self, plan: Plan) -> None:
        features = self.features.take()
        if features is not None and self.estimator is not None:
            plan.idrs.append(self.estimator.summarise(features)[0].tolist())

    def _check_first(self, frame: VideoFrame) -> Look:
        if frame.width * frame.height > self.max_pixels:
            raise FilmError(
                f"{self.path}: {frame.width}x{frame.height} pixels are more than the limit of {self.max_pixels}; "
                "raise it with --max-pixels"
            )
        return Look.of(frame, self.reader)

    def _check(self, frame: VideoFrame, look: Look) -> None:
        number = len(self.times)
        if frame.interlaced_frame:
            raise FilmError(
                f"{self.path}: frame {number} is interlaced, which would be enlarged with its comb; deinterlace the "
                "film first, for instance: ffmpeg -i IN -vf bwdif=mode=send_frame -crf 12 OUT.mkv"
            )
        if (frame.width, frame.height) != (look.width, look.height):
            raise FilmError(
                f"{self.path}: frame {number} has {frame.width}x{frame.height} pixels, those before "
                f"{look.width}x{look.height}; cut the film where its size changes, and upscale each part"
            )
