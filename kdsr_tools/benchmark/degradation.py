"""`kdsr benchmark degradation`: training samples a second on one core, against BasicSR's Real-ESRGAN pipeline.

BasicSR's model sharpens GT where it degrades: most of its time on the CPU, and no part of the degradation. So it is
measured both as it is and without.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import Any
from unittest import mock

import cv2
import skimage.data
import torch
from basicsr.data.realesrgan_dataset import RealESRGANDataset
from basicsr.models.realesrgan_model import RealESRGANModel
from basicsr.utils import DiffJPEG, USMSharp

from kdsr_compat.devices import support_cpu_degradation
from kdsr_data import DegradedImageDataset, degraded_image_dataset
from kdsr_data.degradations import second_order
from kdsr_data.image_source import ImageSource
from kdsr_tools.arguments import add_described_parser
from kdsr_tools.benchmark.timing import time_in_turn
from kdsr_tools.markdown import format_table

PHOTOGRAPHS = ("astronaut.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
MOST_IMAGES = 32
SCALE, DEGRADED_SIZE, GT_SIZE = 4, 400, 256
# Samples of ours in each round, against one of BasicSR's, which takes much longer.
SAMPLES_A_ROUND = 10
# Functions by what the profile calls them, and where they are looked up.
STEPS = {
    "reading": (ImageSource, "read"),
    "cropping": (degraded_image_dataset, "paired_random_crop"),
    "flipping": (degraded_image_dataset, "augment"),
    "making kernels": (second_order, "draw_kernel"),
    "blur": (second_order, "blur"),
    "resize": (second_order, "resize"),
    "noise": (second_order, "add_noise"),
    "JPEG": (second_order, "jpeg"),
    "final sinc": (second_order, "final_sinc"),
    "rounding": (second_order, "round_to_8_bit"),
}


def copy_images(source: Path | None, folder: Path) -> int:
    """Copy the first images of a folder, or scikit-image's photographs, with BasicSR's list of them; return how many.

    Raises:
        ValueError: an image is smaller than what is degraded, which the pipelines would treat differently.
    """
    if source is None:
        paths = [Path(skimage.data.__file__).parent / name for name in PHOTOGRAPHS]
    else:
        images = ImageSource(source, io_backend={"type": "disk"})
        paths = [Path(images.path(index)) for index in range(min(len(images), MOST_IMAGES))]
    names = [f"{number:02}{path.suffix}" for number, path in enumerate(paths)]
    for name, path in zip(names, paths, strict=True):
        (folder / name).write_bytes(path.read_bytes())
    (folder / "meta_info.txt").write_text("\n".join(names))
    copies = ImageSource(folder, io_backend={"type": "disk"})
    for index, path in enumerate(paths):
        if min(copies.read(index).shape[:2]) < DEGRADED_SIZE:
            raise ValueError(f"{path}: expected images of at least {DEGRADED_SIZE}x{DEGRADED_SIZE} pixels")
    return len(paths)


def basicsr_objects(folder: Path, *, sharpen: bool = True) -> tuple[RealESRGANDataset, RealESRGANModel]:
    """Build BasicSR's data set over `meta_info.txt` of a folder, and its model as far as `feed_data` needs it."""
    stages = {
        "": {"blur_sigma": [0.2, 3], "resize_range": [0.15, 1.5], "resize_prob": [0.2, 0.7, 0.1]},
        "2": {"blur_sigma": [0.2, 1.5], "resize_range": [0.3, 1.2], "resize_prob": [0.3, 0.4, 0.3]},
    }
    noise = {"": {"noise_range": [1, 30], "poisson_scale_range": [0.05, 3]}}
    noise["2"] = {"noise_range": [1, 25], "poisson_scale_range": [0.05, 2.5]}
    shapes = ["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]
    opt: dict[str, Any] = {"scale": SCALE, "gt_size": GT_SIZE, "second_blur_prob": 0.8}
    opt |= {"final_sinc_prob": 0.8, "use_hflip": True, "use_rot": False, "io_backend": {"type": "disk"}}
    opt |= {"dataroot_gt": str(folder), "meta_info": str(folder / "meta_info.txt")}
    for suffix, stage in stages.items():
        common = {"blur_kernel_size": 21, "kernel_list": shapes, "kernel_prob": [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]}
        common |= {"sinc_prob": 0.1, "betag_range": [0.5, 4], "betap_range": [1, 2], "gaussian_noise_prob": 0.5}
        common |= {"gray_noise_prob": 0.4, "jpeg_range": [30, 95], **stage, **noise[suffix]}
        opt |= {f"{key}{suffix}": value for key, value in common.items()}
    data_set = RealESRGANDataset(opt)
    model = RealESRGANModel.__new__(RealESRGANModel)  # without its networks, which feed_data does not touch
    model.opt, model.device, model.is_train = opt, torch.device("cpu"), True
    model.jpeger, model.usm_sharpener = DiffJPEG(differentiable=False), USMSharp() if sharpen else torch.nn.Identity()
    # Its pool of pairs lies on the GPU; without it, BasicSR's side has a little less to do.
    model._dequeue_and_enqueue = lambda: None
    return data_set, model


def basicsr_pipeline(data_set: RealESRGANDataset, model: RealESRGANModel) -> Callable[[int], torch.Tensor]:
    """Return BasicSR's own path to an LQ batch of one: its data set, then `feed_data` on the CPU."""
    return lambda index: feed_basicsr(model, data_set[index])


def feed_basicsr(model: RealESRGANModel, sample: dict[str, Any]) -> torch.Tensor:
    """Make the LQ batch (1, 3, h, w) of one sample of BasicSR's data set."""
    model.feed_data({key: value[None] for key, value in sample.items() if isinstance(value, torch.Tensor)})
    return model.lq


def our_pipeline(folder: Path, degradation: dict[str, Any]) -> DegradedImageDataset:
    """Return our data set with the same crops."""
    return DegradedImageDataset(
        {
            "name": "benchmark",
            "type": "DegradedImageDataset",
            "phase": "train",
            "scale": SCALE,
            "dataroot_gt": str(folder),
            "gt_size": GT_SIZE,
            "degraded_size": DEGRADED_SIZE,
            "use_hflip": True,
            "degradation": degradation,
        }
    )


def measure(
    pipelines: dict[str, tuple[Callable[[int], Any], int]], *, num_images: int, rounds: int
) -> dict[str, list[float]]:
    """Time each pipeline in turn; return seconds a sample by round.

    Args:
        pipelines: by name, what makes a sample of an index, and how many samples a round takes of it.
    """
    works = {name: _take_samples(*pipeline, num_images=num_images) for name, pipeline in pipelines.items()}
    seconds = time_in_turn(works, rounds=rounds)
    return {name: [value / pipelines[name][1] for value in values] for name, values in seconds.items()}


def _take_samples(make_sample: Callable[[int], Any], count: int, *, num_images: int) -> Callable[[], None]:
    """Make what takes `count` samples, from one image further on each time."""
    starts = itertools.count()

    def work() -> None:
        start = next(starts)
        for index in range(count):
            make_sample((start + index) % num_images)

    return work


def profile_steps(make_sample: Callable[[int], Any], *, num_images: int, count: int) -> dict[str, float]:
    """Return the milliseconds a sample that each step takes, without the steps inside it."""
    spent: dict[str, float] = defaultdict(float)
    inside: list[float] = []  # for each step that runs, the time of the steps inside it

    def timed(name: str, step: Callable) -> Callable:
        def run_step(*args: Any, **kwargs: Any) -> Any:
            inside.append(0.0)
            start = perf_counter()
            result = step(*args, **kwargs)
            duration = perf_counter() - start
            spent[name] += duration - inside.pop()
            if inside:
                inside[-1] += duration
            return result

        return run_step

    with ExitStack() as stack:
        for name, (owner, attribute) in STEPS.items():
            stack.enter_context(mock.patch.object(owner, attribute, timed(name, getattr(owner, attribute))))
        make_whole_sample = timed("the rest", make_sample)
        for index in range(count):
            make_whole_sample(index % num_images)
    return {name: 1000 * value / count for name, value in spent.items()}


def run(args: argparse.Namespace) -> int:
    """Print samples a second, the ratios to BasicSR, and where our time goes."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    support_cpu_degradation()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        num_images = copy_images(args.images, folder)
        second_order_set = our_pipeline(folder, {"type": "SecondOrderDegradation"})
        classic_set = our_pipeline(folder, {"type": "ClassicDegradation", "sigma": [0.2, 4.0]})
        pipelines = {
            "BasicSR, Real-ESRGAN": (basicsr_pipeline(*basicsr_objects(folder)), 1),
            "BasicSR, without sharpening": (basicsr_pipeline(*basicsr_objects(folder, sharpen=False)), 1),
            "ours, second order": (second_order_set.__getitem__, SAMPLES_A_ROUND),
            "ours, classic": (classic_set.__getitem__, SAMPLES_A_ROUND),
        }
        seconds = measure(pipelines, num_images=num_images, rounds=args.rounds)
        count = args.rounds * SAMPLES_A_ROUND
        steps = profile_steps(second_order_set.__getitem__, num_images=num_images, count=count)
    _print_results(seconds, steps)
    return 0


def _print_results(seconds: dict[str, list[float]], steps: dict[str, float]) -> None:
    whole, degradation_alone = (fmean(values) for values in list(seconds.values())[:2])
    print(f"One thread, {DEGRADED_SIZE}x{DEGRADED_SIZE} degraded, {GT_SIZE}x{GT_SIZE} pairs, x{SCALE}\n")
    titles = ("ms a sample, mean (median)", "samples a second", "times BasicSR", "times it without sharpening")
    rows = []
    for name, values in seconds.items():
        mean = fmean(values)
        speeds = [f"{speed:.1f}" for speed in (1 / mean, whole / mean, degradation_alone / mean)]
        rows.append([name, f"{1000 * mean:.1f} ({1000 * median(values):.1f})", *speeds])
    print(format_table(["pipeline", *titles], rows))
    slowest_first = sorted(steps.items(), key=lambda item: -item[1])
    rows = [[name, f"{value:.2f}"] for name, value in slowest_first]
    print("\n" + format_table(["step of ours, second order", "ms a sample"], rows))


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark degradation`."""
    parser = add_described_parser(subparsers, "degradation", "training samples a second on one core, against BasicSR's")
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help=f"its first {MOST_IMAGES} (default: scikit-image's photographs)"
    )
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="samples of BasicSR's (default: 20)")
    parser.set_defaults(run=run)
