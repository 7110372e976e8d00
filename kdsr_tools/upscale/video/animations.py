"""Short films in the formats of pictures: GIF, APNG and animated WebP stay what they are.

Pillow reads and writes them. It joins frames that are equal to the one before, whose durations add up, and keeps the
result's frames in memory until the last one is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kdsr_data.pictures.picture import Unusable
from kdsr_data.pictures.reading import decoding
from kdsr_tools.files import write_then_rename
from kdsr_tools.upscale.video.names import ANIMATIONS
from kdsr_tools.upscale.video.scenes import SAMPLE_STEP, CutDetector, FeatureMean

if TYPE_CHECKING:
    from torch import Tensor

    from kdsr_tools.upscale.upscaler import Upscaler

OPAQUE = 255
CLEAR_AFTERWARDS = 2


@dataclass(frozen=True)
class Made:
    """What became of an animation: size in pixels, frames, scenes."""

    width: int
    height: int
    frames: int
    scenes: int


@dataclass
class _Frames:
    """Each frame's duration and number of its scene; each scene's IDR."""

    durations: list[float] = field(default_factory=list)
    scenes: list[int] = field(default_factory=list)
    idrs: list[Tensor | None] = field(default_factory=list)


def upscale_animation(
    source: Path, target: Path, upscaler: Upscaler, *, has_scene_idrs: bool, max_pixels: int, quality: int | None = None
) -> Made:
    """Enlarge a GIF, APNG or WebP with its times, transparency and number of repetitions.

    Args:
        has_scene_idrs: one IDR for each scene.
        quality: of WebP; None is lossless.

    Raises:
        ValueError: it cannot be read, or its frames are larger than `max_pixels`.
    """
    file_format = ANIMATIONS[target.suffix.lower()]
    with decoding(str(source)):
        image = Image.open(source)
    with image:
        estimator = upscaler if has_scene_idrs and upscaler.is_student else None
        frames = _look(image, _read(image, source, max_pixels=max_pixels), estimator)
        results = [
            upscaler(pixels, idr=frames.idrs[frames.scenes[number]])
            for number, pixels in enumerate(_read(image, source, max_pixels=max_pixels))
        ]
        options: dict[str, object] = {"duration": frames.durations}
        options |= {"loop": image.info["loop"]} if "loop" in image.info else {}
    if all((pixels[..., 3] == OPAQUE).all() for pixels in results):
        results = [np.ascontiguousarray(pixels[..., :3]) for pixels in results]
    if file_format == "WEBP":
        options |= {"lossless": quality is None, "quality": quality or 80}
    elif file_format == "GIF":
        options["disposal"] = CLEAR_AFTERWARDS
    first, *others = map(Image.fromarray, results)
    with write_then_rename(target) as temporary:
        first.save(temporary, file_format, save_all=True, append_images=others, **options)
    return Made(first.width, first.height, len(frames.scenes), len(frames.idrs))


def _read(image: Image.Image, source: Path, *, max_pixels: int) -> Iterator[np.ndarray]:
    """Yield the frames, each whole, as RGBA."""
    for number in itertools.count():
        with decoding(str(source)):
            try:
                image.seek(number)
            except EOFError:
                return
            if image.width * image.height > max_pixels:  # of each frame: those of a GIF may reach beyond its size
                raise Unusable(
                    f"{image.width}x{image.height} pixels are more than the limit of {max_pixels}; raise it with "
                    "--max-pixels"
                )
            pixels = np.asarray(image.convert("RGBA"))
        yield pixels


def _look(image: Image.Image, pictures: Iterable[np.ndarray], upscaler: Upscaler | None) -> _Frames:
    """Find scenes and, with an upscaler, one IDR for each; without, frames have their own."""
    detector, features, found = CutDetector(), FeatureMean(), _Frames()

    def end_scene() -> None:
        mean = features.take()
        found.idrs.append(None if mean is None or upscaler is None else upscaler.summarise(mean))

    for number, pixels in enumerate(pictures):
        found.durations.append(image.info.get("duration", 0))
        if detector.is_cut(pixels[..., :3]):
            if number:
                end_scene()
            first = number
        if upscaler is not None and (number - first) % SAMPLE_STEP == 0:
            features.add(upscaler.pool_features(pixels))
        found.scenes.append(len(found.idrs))
    end_scene()
    return found
