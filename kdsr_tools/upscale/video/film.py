"""One film from its file to the result: what is found out first, then restored in parts, then joined."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from kdsr_tools.upscale.video.carrying import choose_streams
from kdsr_tools.upscale.video.colours import to_pixels
from kdsr_tools.upscale.video.encoding import choose_encoder
from kdsr_tools.upscale.video.joining import join_parts
from kdsr_tools.upscale.video.names import CONTAINERS
from kdsr_tools.upscale.video.parts import PART_FRAMES, Parts, PartWriter
from kdsr_tools.upscale.video.pipeline import Behind, ahead
from kdsr_tools.upscale.video.plan import Plan, make_plan
from kdsr_tools.upscale.video.reading import FilmReader, open_film, without_gaps
from kdsr_tools.upscale.video.settings import EncoderSettings, FilmSettings

if TYPE_CHECKING:
    from kdsr_tools.upscale.upscaler import Upscaler

BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} frames, {rate_noinv_fmt}, {remaining} left"


class FilmFrame(NamedTuple):
    """A restored frame: when it is shown, in seconds, and its RGB (H, W, 3), uint8 or uint16."""

    seconds: Fraction
    pixels: np.ndarray


@dataclass(frozen=True)
class FilmReport:
    """What became of a film.

    Args:
        repeated: numbers of frames that were damaged and show the one before.
        missing: what a file that is cut off lacks.
        notes: what the result could not keep.
    """

    width: int
    height: int
    frames: int
    scenes: int
    seconds: float
    repeated: tuple[int, ...] = ()
    missing: str = ""
    notes: tuple[str, ...] = ()


class Film:
    """A film and its result.

    Args:
        note: told, in a sentence, what the result cannot keep.
        show_bar: whether progress is shown on stderr; None: if that is a terminal.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        upscaler: Upscaler,
        settings: FilmSettings,
        *,
        note: Callable[[str], object],
        show_bar: bool | None = None,
    ):
        if target.suffix.lower() not in CONTAINERS:
            raise ValueError(f"{target}: films are written as {', '.join(CONTAINERS)}; got {target.suffix!r}")
        self.source = source
        self.target = target
        self.upscaler = upscaler
        self.settings = settings
        self.note = note
        self.hides_bar = None if show_bar is None else not show_bar
        with open_film(source) as container:
            self.streams = choose_streams(container, source, target, note=note)
        self.parts = Parts(target, self._describe())
        self.plan = self._find_plan()
        height, width = upscaler.result_size(self.plan.look.height, self.plan.look.width)
        self.size = width, height
        self.encoder = choose_encoder(settings.encoder, self.plan, target, size=self.size, note=note)
        if self.plan.damaged:
            count = "1 frame is" if len(self.plan.damaged) == 1 else f"{len(self.plan.damaged)} frames are"
            note(f"{count} damaged; each shows the one before")
        # All that can be refused has been.
        if not self.parts.plan_path.exists():
            self.plan.save(self.parts.plan_path)

    def render(self, *, number: int = 0, count: int = 1) -> None:
        """Make the parts that are missing, of which this process, `number` of `count`, takes its share."""
        wanted = [part for part in self.parts.list_missing(self.plan.num_frames) if part % count == number]
        if not wanted:
            return
        total = sum(min(PART_FRAMES, self.plan.num_frames - part * PART_FRAMES) for part in wanted)
        with (
            tqdm(total=total, bar_format=BAR, disable=self.hides_bar, file=sys.stderr, leave=False) as bar,
            PartWriter(self.parts, self.encoder, self.plan.look, num_frames=self.plan.num_frames) as writer,
            Behind[tuple[int, np.ndarray]](lambda item: writer.write(*item)) as encoding,
        ):
            for restored in restore(self.source, self.plan, self.upscaler, parts=wanted):
                encoding.put(restored)
                bar.update()

    def join(self) -> None:
        """Write the result, and remove the parts."""
        missing = self.parts.list_missing(self.plan.num_frames)
        if missing:
            raise ValueError(f"{self.target}: {len(missing)} parts are not made yet; run the command again")
        join_parts(self.parts, self.plan, self.encoder, self.source, streams=self.streams, size=self.size)
        self.parts.remove()

    def _describe(self) -> dict[str, object]:
        """Return what the result depends on."""
        stat, network = self.source.stat(), self.upscaler.loaded.path
        is_file = network is not None and Path(network).is_file()
        return {
            "version": metadata.version("kdsr"),
            "source": (str(self.source.resolve()), stat.st_size, stat.st_mtime_ns),
            "network": (str(network), Path(network).stat().st_mtime_ns if is_file else 0),
            "sharpness": self.upscaler.loaded.sharpness,
            "upscaler": (self.upscaler.scale, self.upscaler.precision, self.upscaler.idr_source, *self.upscaler.knobs),
            "settings": str(self.settings),
        }

    def _find_plan(self) -> Plan:
        if self.parts.plan_path.exists():
            return Plan.load(self.parts.plan_path)
        estimator = self.upscaler if self.settings.has_scene_idrs and self.upscaler.is_student else None
        with tqdm(unit=" frames", desc="looking", disable=self.hides_bar, file=sys.stderr, leave=False) as bar:
            return make_plan(self.source, estimator, max_pixels=self.settings.max_pixels, progress=bar.update)


def restore(
    source: Path, plan: Plan, upscaler: Upscaler, *, parts: Collection[int] | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield restored frames with their numbers: those of some parts, or all.

    Frames before and between these parts are decoded all the same: seeking is not exact in every file.
    """
    for number, lq, is_new in ahead(_decode(source, plan, parts)):
        if is_new:
            pixels = upscaler(lq, idr=plan.find_idr(number))
        yield number, pixels


def _decode(source: Path, plan: Plan, parts: Collection[int] | None) -> Iterator[tuple[int, np.ndarray, bool]]:
    """Yield frames with their numbers, and whether they show something else than the frame before."""
    shown = None
    last = plan.num_frames if parts is None else min((max(parts) + 1) * PART_FRAMES, plan.num_frames)
    with FilmReader(source) as reader:
        for number, frame in enumerate(itertools.islice(without_gaps(iter(reader)), last)):
            if parts is None or number // PART_FRAMES in parts:
                is_new = frame is not shown
                if is_new:
                    pixels, shown = to_pixels(frame, plan.look.colours), frame
                yield number, pixels, is_new


def make_film(
    upscaler: Upscaler,
    source: Path,
    target: Path,
    *,
    idr_from: str,
    encoder: EncoderSettings,
    overwrite: bool,
    show_bar: bool | None,
) -> FilmReport:
    """Make a film; see `Upscaler.video`."""
    start, notes = perf_counter(), list[str]()
    if not overwrite and os.path.exists(target):
        raise FileExistsError(f"{target}: the file exists already; choose another name, or overwrite=True")
    settings = FilmSettings(encoder, has_scene_idrs=_has_scene_idrs(idr_from))
    film = Film(source, target, upscaler, settings, note=notes.append, show_bar=show_bar)
    film.render()
    film.join()
    return FilmReport(
        *film.size,
        frames=film.plan.num_frames,
        scenes=len(film.plan.scenes),
        seconds=perf_counter() - start,
        repeated=tuple(film.plan.damaged),
        missing=film.plan.missing,
        notes=tuple(notes),
    )


def restore_frames(upscaler: Upscaler, source: Path, *, idr_from: str) -> Iterator[FilmFrame]:
    """Yield restored frames; see `Upscaler.frames`."""
    settings = FilmSettings(has_scene_idrs=_has_scene_idrs(idr_from))
    estimator = upscaler if settings.has_scene_idrs and upscaler.is_student else None
    plan = make_plan(source, estimator, max_pixels=settings.max_pixels)
    for number, pixels in restore(source, plan, upscaler):
        yield FilmFrame(plan.times[number] * plan.look.time_base, pixels)


def _has_scene_idrs(idr_from: str) -> bool:
    if idr_from not in ("scene", "frame"):
        raise ValueError(f"idr_from: expected 'scene' or 'frame', got {idr_from!r}")
    return idr_from == "scene"
