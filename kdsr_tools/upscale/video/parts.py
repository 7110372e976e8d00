"""A result's finished parts: a hidden folder beside it, where interrupted work goes on and processes share it.

Each part holds `PART_FRAMES` encoded frames and begins with a keyframe, so that parts are joined without encoding
again. The folder's name has a digest of all that the result depends on: parts of other work are never taken for these.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np

from kdsr_tools.upscale.video.colours import to_frame
from kdsr_tools.upscale.video.encoding import Encoder
from kdsr_tools.upscale.video.plan import Look

# Ten seconds, as a rule, and as often as encoders set a keyframe by themselves.
PART_FRAMES = 240
# The container of parts: it holds packets as encoders give them.
PART_FORMAT = "nut"


class Parts:
    """The parts of one result.

    Args:
        key: what the result depends on.
    """

    def __init__(self, target: Path, key: Mapping[str, object]):
        digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()[:12]
        self.target = target
        self.folder = target.with_name(f".{target.name}.{digest}.parts")

    @property
    def plan_path(self) -> Path:
        """Where the plan is kept."""
        return self.folder / "plan.json"

    def path(self, number: int) -> Path:
        """Where a part is, or will be."""
        return self.folder / f"{number:05}.{PART_FORMAT}"

    def list_missing(self, num_frames: int) -> list[int]:
        """List the numbers of the parts that are still to be made."""
        return [number for number in range(count_parts(num_frames)) if not self.path(number).exists()]

    def remove(self) -> None:
        """Remove the parts, and those that earlier work on this result has left."""
        for folder in self.target.parent.glob(f".{glob.escape(self.target.name)}.*.parts"):
            shutil.rmtree(folder, ignore_errors=True)


def count_parts(num_frames: int) -> int:
    """Return the number of parts of a film."""
    return -(-num_frames // PART_FRAMES)


class PartWriter:
    """Encodes frames, given in order with their numbers, into parts; each gets its name when its last frame is there.

    As a context: a part that is not finished at its end is removed.
    """

    def __init__(self, parts: Parts, encoder: Encoder, look: Look, *, num_frames: int):
        self.parts = parts
        self.encoder = encoder
        self.look = look
        self.num_frames = num_frames
        self._open: _OpenPart | None = None

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, *error: object) -> None:
        if self._open is not None:
            self._open.abandon()

    def write(self, number: int, pixels: np.ndarray) -> None:
        """Encode a frame of the result."""
        if self._open is None:
            size = pixels.shape[1], pixels.shape[0]
            self._open = _OpenPart(self.parts.path(number // PART_FRAMES), self.encoder, self.look, size)
        self._open.write(pixels)
        if (number + 1) % PART_FRAMES == 0 or number + 1 == self.num_frames:
            self._open.finish()
            self._open = None


class _OpenPart:
    """A part that is being written, under a temporary name."""

    def __init__(self, path: Path, encoder: Encoder, look: Look, size: tuple[int, int]):
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self.look = look
        self.pixel_format = encoder.pixel_format
        self.count = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        # Python's file: FFmpeg's own would not say that the disk was full when it was closed.
        self._file = self.temporary.open("wb", buffering=0)
        self._container = av.open(self._file, "w", format=PART_FORMAT)
        self._stream = encoder.add_stream(self._container, look, size=size)

    def write(self, pixels: np.ndarray) -> None:
        """Encode a frame."""
        frame = to_frame(pixels, self.look.colours.for_yuv, self.pixel_format)
        frame.pts, frame.time_base = self.count, 1 / self.look.rate
        self.count += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and give the part its name."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._file.close()
        os.replace(self.temporary, self.path)

    def abandon(self) -> None:
        """Remove what was written."""
        self._file.close()
        self.temporary.unlink(missing_ok=True)
