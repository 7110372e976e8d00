"""`kdsr benchmark degradation`: training samples a second on one core, against BasicSR's Real-ESRGAN pipeline."""

from __future__ import annotations

import kdsr_compat

import argparse
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

from kdsr_data import DegradedImageDataset, second_order

PHOTOGRAPHS = ("astronaut.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
SCALE, DEGRADED_SIZE, GT_SIZE = 4, 400, 256
# Samples of ours in each round, against one of BasicSR's, which takes much longer.
SAMPLES_A_ROUND = 10
STEPS = ("draw_kernel", "filter_image", "resize", "add_noise", "jpeg")


def basicsr_objects(folder: Path) -> tuple[RealESRGANDataset, RealESRGANModel]:
    """Build BasicSR's data set over `meta_info.txt` of a folder, and its model as far as `feed_data` needs it."""
    kdsr_compat.support_cpu_degradation()
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
    model.jpeger, model.usm_sharpener = DiffJPEG(differentiable=False), USMSharp()
    # Its pool of pairs lies on the GPU; without it, BasicSR's side has a little less to do.
    model._dequeue_and_enqueue = lambda: None
    return data_set, model


def basicsr_pipeline(data_set: RealESRGANDataset, model: RealESRGANModel) -> Callable[[int], torch.Tensor]:
    """Give BasicSR's own path to an LQ batch of one: its data set, then `feed_data` on the CPU."""

    def make_sample(index: int) -> torch.Tensor:
        sample = data_set[index]
        model.feed_data({key: value[None] for key, value in sample.items() if isinstance(value, torch.Tensor)})
        return model.lq

    return make_sample


def our_pipeline(folder: Path, degradation: dict[str, Any]) -> DegradedImageDataset:
    """Give our data set with the same crops."""
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


def measure(pipelines: dict[str, tuple[Callable[[int], Any], int]], *, rounds: int) -> dict[str, list[float]]:
    """Time each pipeline in turn, round by round; give seconds a sample.

    Args:
        pipelines: by name, what makes a sample of an index, and how many samples a round takes of it.
    """
    seconds = defaultdict(list)
    for number in range(rounds + 1):
        for name, (make_sample, count) in pipelines.items():
            start = perf_counter()
            for index in range(count):
                make_sample((number + index) % len(PHOTOGRAPHS))
            if number > 0:  # the first round warms up
                seconds[name].append((perf_counter() - start) / count)
    return seconds


def profile_steps(make_sample: Callable[[int], Any], *, count: int) -> dict[str, float]:
    """Give the milliseconds a sample that each step of the second-order degradation takes."""
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, step: Callable) -> Callable:
        def run_step(*args: Any, **kwargs: Any) -> Any:
            start = perf_counter()
            try:
                return step(*args, **kwargs)
            finally:
                spent[name] += perf_counter() - start

        return run_step

    with ExitStack() as stack:
        for name in STEPS:
            stack.enter_context(mock.patch.object(second_order, name, timed(name, getattr(second_order, name))))
        start = perf_counter()
        for index in range(count):
            make_sample(index % len(PHOTOGRAPHS))
        total = perf_counter() - start
    spent["reading, cropping, rounding"] = total - sum(spent.values())
    return {name: 1000 * value / count for name, value in spent.items()}


def run(args: argparse.Namespace) -> int:
    """Print samples a second, the ratio to BasicSR, and where our time goes."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in PHOTOGRAPHS:
            (folder / name).write_bytes((Path(skimage.data.__file__).parent / name).read_bytes())
        (folder / "meta_info.txt").write_text("\n".join(PHOTOGRAPHS))
        second_order_set = our_pipeline(folder, {"type": "SecondOrderDegradation"})
        classic_set = our_pipeline(folder, {"type": "ClassicDegradation", "sigma": [0.2, 4.0]})
        pipelines = {
            "BasicSR, Real-ESRGAN": (basicsr_pipeline(*basicsr_objects(folder)), 1),
            "ours, second order": (second_order_set.__getitem__, SAMPLES_A_ROUND),
            "ours, classic": (classic_set.__getitem__, SAMPLES_A_ROUND),
        }
        seconds = measure(pipelines, rounds=args.rounds)
        steps = profile_steps(second_order_set.__getitem__, count=args.rounds * SAMPLES_A_ROUND)
    _print_results(seconds, steps)
    return 0


def _print_results(seconds: dict[str, list[float]], steps: dict[str, float]) -> None:
    reference = fmean(next(iter(seconds.values())))
    print(f"One thread, {DEGRADED_SIZE}x{DEGRADED_SIZE} degraded, {GT_SIZE}x{GT_SIZE} pairs, x{SCALE}\n")
    print("| pipeline | ms a sample, mean (median) | samples a second | times BasicSR |\n|---|---|---|---|")
    for name, values in seconds.items():
        mean = fmean(values)
        row = f"{1000 * mean:.1f} ({1000 * median(values):.1f}) | {1 / mean:.1f} | {reference / mean:.1f}"
        print(f"| {name} | {row} |")
    print("\n| step of ours, second order | ms a sample |\n|---|---|")
    for name, value in sorted(steps.items(), key=lambda item: -item[1]):
        print(f"| {name} | {value:.1f} |")


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark degradation`."""
    parser = subparsers.add_parser("degradation", help="training samples a second on one core, against BasicSR's")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="samples of BasicSR's (default: 20)")
    parser.set_defaults(run=run)
