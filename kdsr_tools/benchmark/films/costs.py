"""What a film costs: frames a second against pictures one by one, and memory that does not grow with its length."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from kdsr_tools.benchmark.films.flicker import FRAME, SCALE
from kdsr_tools.benchmark.measurement import peak_bytes
from kdsr_tools.upscale.upscaler import Upscaler

MEMORY_FRAMES = (200, 2000)
MEMORY_SIZE = (48, 64)


def write_film(path: Path, *, size: tuple[int, int], count: int) -> None:
    """Write a film of a moving photograph."""
    import av
    import skimage.data

    photograph = np.tile(skimage.data.astronaut(), (2, 3, 1))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = size
        for number in range(count):
            left = number % 400
            pixels = np.ascontiguousarray(photograph[: size[0], left : left + size[1]])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode(None))


class _Repeating(Upscaler):
    """In the place of a network: repeats pixels, which costs next to nothing."""

    def __call__(self, image: np.ndarray | Image.Image, *, idr: Tensor | None = None) -> np.ndarray:
        return np.asarray(image).repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def measure_speed(size: tuple[int, int], *, count: int, model: str) -> list[list[str]]:
    """Return rows of frames a second: decoding and encoding alone, pictures one by one, a film with either IDR."""
    upscaler = Upscaler.from_shipped(model, device="cpu")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "a.mkv"
        write_film(source, size=size, count=count)
        repeating = _Repeating.from_shipped(model, device="cpu")
        lqs = [frame.pixels[::SCALE, ::SCALE] for frame in repeating.frames(source, idr_from=FRAME)]
        upscaler(lqs[0])  # prepares
        works: dict[str, Callable[[], object]] = {
            "decode and encode alone": lambda: repeating.video(source, folder / "0.mkv", idr_from=FRAME),
            "pictures one by one": lambda: [upscaler(lq) for lq in lqs],
            "film, one IDR a frame": lambda: upscaler.video(source, folder / "1.mkv", idr_from=FRAME),
            "film, one IDR a scene": lambda: upscaler.video(source, folder / "2.mkv"),
        }
        seconds = {}
        for name, work in works.items():
            start = perf_counter()
            work()
            seconds[name] = perf_counter() - start
    pictures = seconds["pictures one by one"]
    name = f"{size[0]}x{size[1]}"
    return [[model, name, way, f"{count / s:.2f}", f"{pictures / s:.2f}"] for way, s in seconds.items()]


def use_memory(count: int, model: str) -> int:
    """Enlarge a film of so many frames, and give the peak of this process, in bytes."""
    upscaler = Upscaler.from_shipped(model, device="cpu", max_memory=2**28)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "a.mkv"
        write_film(source, size=MEMORY_SIZE, count=count)
        upscaler.video(source, Path(temporary) / "b.mkv")
    return peak_bytes()
