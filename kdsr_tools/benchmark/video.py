"""`kdsr benchmark video`: flicker and PSNR with one IDR a scene and with one a frame, and what a film costs.

Films are moving crops of scikit-image's photographs, degraded alike in each frame (noise is drawn anew). Their left
half stands still: what changes there from frame to frame is flicker.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from kdsr_data.degradations.base import build_degradation
from kdsr_tools.arguments import add_described_parser, parse_count, parse_size
from kdsr_tools.benchmark.measurement import peak_bytes, run_alone
from kdsr_tools.checkpoints.shipped import list_models
from kdsr_tools.markdown import format_head, format_row, format_table
from kdsr_tools.upscale.upscaler import Upscaler
from kdsr_tools.upscale.video.scenes import SAMPLE_STEP, FeatureMean

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
SCALE = 4
FILM_SIZE = (64, 96)  # LQ pixels, height and width
STEP = 3  # GT pixels that the moving half goes each frame
BLUR = {"type": "ClassicDegradation", "scale": SCALE, "sigma": 1.8}
DEGRADATIONS: dict[str, dict[str, Any]] = {
    "blur": BLUR,
    "blur, noise 5": {**BLUR, "noise_sigma_255": 5},
    "blur, noise 5, JPEG 60": {**BLUR, "noise_sigma_255": 5, "jpeg_quality": 60},
}
KINDS = FRAME, SCENE = "frame", "scene"
WHAT = ("flicker", "speed", "memory")
MEMORY_FRAMES = (200, 2000)
MEMORY_SIZE = (48, 64)


@dataclass(frozen=True)
class Measured:
    """Of a film: PSNR in dB, flicker, and the static half's mean in each frame, in steps of 8 bits.

    Flicker is the variance over time of each value of the static half, averaged.
    """

    psnr: float
    flicker: float
    means: np.ndarray
    seconds: float


def make_gt(photograph: str, *, count: int) -> list[np.ndarray]:
    """Give GT frames, float32 in [0, 1]: a crop that stands still beside one that moves to the right."""
    import skimage.data

    height, width = (SCALE * side for side in FILM_SIZE)
    pixels = np.asarray(getattr(skimage.data, photograph)(), np.float32)[:height] / 255
    still = pixels[:, : width // 2]
    lasts = pixels.shape[1] - width // 2
    return [
        np.concatenate([still, pixels[:, min(STEP * n + 60, lasts) :][:, : width // 2]], axis=1) for n in range(count)
    ]


def degrade(frames: Sequence[np.ndarray], degradation: dict[str, Any]) -> list[np.ndarray]:
    """Degrade all frames alike, to uint8."""
    process, rng = build_degradation(degradation), np.random.default_rng(0)
    return [(process(frame, rng) * 255).round().astype(np.uint8) for frame in frames]


def restore(upscaler: Upscaler, lqs: Sequence[np.ndarray], idr_from: str) -> list[np.ndarray]:
    """Enlarge a film that is one scene, as `kdsr upscale` does it."""
    if idr_from == FRAME:
        return [upscaler(lq) for lq in lqs]
    features = FeatureMean()
    for lq in lqs[::SAMPLE_STEP]:
        features.add(upscaler.pool_features(lq))
    mean = features.take()
    assert mean is not None
    idr = upscaler.summarise(mean)
    return [upscaler(lq, idr=idr) for lq in lqs]


def measure(upscaler: Upscaler, gts: Sequence[np.ndarray], lqs: Sequence[np.ndarray], idr_from: str) -> Measured:
    """Restore a film and compare it."""
    start = perf_counter()
    srs = restore(upscaler, lqs, idr_from)
    seconds = perf_counter() - start
    errors = [np.mean((sr / 255.0 - gt) ** 2) for sr, gt in zip(srs, gts, strict=True)]
    # Half of the width less than what the network sees of the moving half.
    still = np.stack([sr[:, : sr.shape[1] // 4] for sr in srs]).astype(np.float64)
    return Measured(
        psnr=float(np.mean([-10 * np.log10(error) for error in errors])),
        flicker=float(still.var(axis=0).mean()),
        means=still.mean(axis=(1, 2, 3)),
        seconds=seconds,
    )


def compare_flicker(model: str, *, count: int) -> dict[str, dict[str, list[Measured]]]:
    """Measure a shipped model on all films: by degradation and kind of IDR, a value for each photograph."""
    upscaler = Upscaler.from_shipped(model, device="cpu")
    upscaler(np.zeros((*FILM_SIZE, 3), np.uint8))  # the first picture prepares
    results: dict[str, dict[str, list[Measured]]] = {}
    for name, degradation in DEGRADATIONS.items():
        kinds = results[name] = {FRAME: [], SCENE: []}
        for photograph in PHOTOGRAPHS:
            gts = make_gt(photograph, count=count)
            lqs = degrade(gts, degradation)
            for idr_from, measured in kinds.items():
                measured.append(measure(upscaler, gts, lqs, idr_from))
    return results


def flicker_rows(model: str, results: dict[str, dict[str, list[Measured]]]) -> list[list[str]]:
    """Give the table's rows of a model."""
    rows = []
    for name, kinds in results.items():
        frame, scene = kinds[FRAME], kinds[SCENE]
        seconds = sum(m.seconds for m in scene) / sum(m.seconds for m in frame)
        cells = [f"{np.mean([m.flicker for m in measured]):.3f}" for measured in (frame, scene)]
        cells += [f"{np.mean([m.means.std() for m in measured]):.4f}" for measured in (frame, scene)]
        cells += [f"{np.mean([m.psnr for m in measured]):.3f}" for measured in (frame, scene)]
        rows.append([model, name, *cells, f"{seconds:.2f}"])
    return rows


def plot(results: dict[str, dict[str, list[Measured]]], path: Path) -> None:
    """Draw the static half's mean over time, of the first photograph."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    for axes, (name, kinds) in zip(figure.subplots(1, len(results), squeeze=False)[0], results.items(), strict=True):
        for idr_from, measured in kinds.items():
            axes.plot(measured[0].means - measured[0].means.mean(), label=f"one IDR a {idr_from}")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("frame", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.axes[0].set_ylabel("mean of what stands still,\nsteps of 8 bits", fontsize=8)
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)


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
    """Give rows of frames a second: decoding and encoding alone, pictures one by one, a film with either IDR."""
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


def run(args: argparse.Namespace) -> int:
    """Print the tables that were asked for."""
    models = args.models or [model.name for model in list_models()]
    if "flicker" in args.what:
        columns = [f"{what}, one IDR a {kind}" for what in ("flicker", "mean's deviation", "PSNR") for kind in KINDS]
        print(format_head(["model", "degradation", *columns, "seconds, scene / frame"]))
        for model in models:
            results = compare_flicker(model, count=args.frames)
            for row in flicker_rows(model, results):
                print(format_row(row), flush=True)
            if args.plot:
                plot(results, args.plot)
    if "speed" in args.what:
        rows = [
            row
            for model in models
            for size in args.sizes
            for row in measure_speed(size, count=args.frames, model=model)
        ]
        print(format_table(["model", "LQ", "way", "frames a second", "times as fast as pictures"], rows))
    if "memory" in args.what:
        peaks = [run_alone(use_memory, count, models[0]) for count in MEMORY_FRAMES]
        for count, peak in zip(MEMORY_FRAMES, peaks, strict=True):
            print(f"{count} frames: {peak / 2**20:.0f} MiB, {100 * peak / peaks[0] - 100:+.1f} %")
    return 0


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark video`."""
    parser = add_described_parser(subparsers, "video", "films: flicker, PSNR, frames a second, memory")
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT), help="(default: all)")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="shipped models (default: all)")
    parser.add_argument("--frames", type=parse_count, default=24, metavar="N", help="of each film (default: 24)")
    sizes = [(180, 320), (360, 640)]
    parser.add_argument(
        "--sizes", type=parse_size, nargs="+", default=sizes, metavar="HxW", help="LQ pixels, for speed"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the last model's flicker")
    parser.set_defaults(run=run)
