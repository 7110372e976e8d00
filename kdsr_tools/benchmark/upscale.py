"""`kdsr benchmark upscale`: whole images on the CPU, `ImageRestorer` against the plain network and onnxruntime.

Networks have random weights: what they cost does not depend on what they learned.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from kdsr_arch import KDSRStudent
from kdsr_arch.inference.restorer import CROP_SIZE, ImageRestorer
from kdsr_arch.inference.tiling import cut_centre
from kdsr_tools.arguments import add_described_parser, parse_count, parse_size
from kdsr_tools.benchmark.measurement import peak_bytes, run_alone
from kdsr_tools.benchmark.timing import median_ratio, time_in_turn
from kdsr_tools.markdown import format_head, format_row

# The paper's networks, and the small ones of options/blind/.
SMALL = {"num_estimator_block": 2, "num_estimator_feat": 16, "direct_upsampler": True}
NETWORKS: dict[str, dict[str, Any]] = {
    "M": {},
    "L": {"num_feat": 128, "num_block": 28, "num_estimator_block": 5},
    "S": {"num_feat": 48, "num_block": 24, **SMALL},
    "XS": {"num_feat": 32, "num_block": 16, **SMALL},
}
PLAIN, OURS, CROP, ONNX = "plain PyTorch", "ours", "ours, IDR from a crop", "onnxruntime"
MERGED = "ours without the kernels"
PATHS = {"plain": PLAIN, "merged": MERGED, "ours": OURS, "crop": CROP, "onnx": ONNX}
Restore = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """What is measured: a network of a size, on images of a size (height, width), with so many threads."""

    network: str
    scale: int
    size: tuple[int, int]
    threads: int

    def make_student(self) -> KDSRStudent:
        """Make the same network in every process."""
        torch.manual_seed(0)
        return KDSRStudent(self.scale, **NETWORKS[self.network]).eval().requires_grad_(False)

    def make_image(self) -> Tensor:
        """Make the same image in every process."""
        return torch.rand(1, 3, *self.size, generator=torch.Generator().manual_seed(0))


def make_path(name: str, case: Case, folder: Path) -> Restore:
    """Prepare one of the paths."""
    student = case.make_student()
    if name == PLAIN:
        return student
    if name == ONNX:
        return _make_onnx(student, case, folder)
    restorer = ImageRestorer(student)
    if name == MERGED:
        restorer.fast_parts = restorer.plain_parts  # PyTorch's layers, and the upsampler as one convolution
    if name in (OURS, MERGED):
        return restorer
    return lambda lq: restorer.super_resolve(lq, restorer.estimate_idr(cut_centre(lq, CROP_SIZE)))


def _make_onnx(student: KDSRStudent, case: Case, folder: Path) -> Restore:
    import onnxruntime

    path = folder / f"{case.network}_{case.scale}_{case.size[0]}x{case.size[1]}.onnx"
    if not path.exists():
        torch.onnx.export(student, (case.make_image(),), path, dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = case.threads
    # Its threads would otherwise wait for work at the others' expense.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda lq: torch.from_numpy(session.run(None, {name: lq.numpy()})[0])


@torch.no_grad()
def use_memory(name: str, case: Case, folder: Path) -> int:
    """Restore once and give the peak of this process, in bytes."""
    torch.set_num_threads(case.threads)
    make_path(name, case, folder)(case.make_image())
    return peak_bytes()


@torch.no_grad()
def measure(case: Case, names: list[str], *, rounds: int) -> list[str]:
    """Return the table's rows of an image size."""
    torch.set_num_threads(case.threads)
    lq = case.make_image()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = {name: make_path(name, case, folder) for name in names}
        seconds = time_in_turn({name: partial(restore, lq) for name, restore in paths.items()}, rounds=rounds)
        results = {name: restore(lq) for name, restore in paths.items()}
        del paths
        peaks = {name: run_alone(use_memory, name, case, folder) for name in names}
    rows = []
    for name in names:
        ratio = difference = "-"
        if PLAIN in names:
            ratio = f"{median_ratio(seconds[PLAIN], seconds[name]):.2f}"
            difference = f"{(results[name] - results[PLAIN]).abs().max():.1e}"
        time, peak = f"{median(seconds[name]):.3f}", f"{peaks[name] / 2**20:.0f}"
        rows.append(format_row([f"{case.size[0]}x{case.size[1]}", name, time, ratio, peak, difference]))
    return rows


def run(args: argparse.Namespace) -> int:
    """Print the table, size by size."""
    names = [PATHS[key] for key in args.paths]
    if ONNX in names and any(importlib.util.find_spec(module) is None for module in ("onnxruntime", "onnxscript")):
        names.remove(ONNX)
        print("onnxruntime is left out: it needs the extra [onnx]\n")
    network = f"KDSR-{args.network} x{args.scale}, random weights"
    print(f"{network}, {args.threads} threads, {args.rounds} rounds, {torch.backends.cpu.get_cpu_capability()}\n")
    times_and_peak = ("s, median", "times as fast as plain", "process's peak, MiB")
    print(format_head(["LQ", "path", *times_and_peak, "largest difference to plain"]))
    for size in args.sizes:
        case = Case(args.network, args.scale, size, args.threads)
        for row in measure(case, names, rounds=args.rounds):
            print(row, flush=True)
    return 0


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark upscale`."""
    parser = add_described_parser(
        subparsers, "upscale", "whole images on the CPU, against the plain network and onnxruntime"
    )
    sizes = [(64, 64), (180, 320)]
    parser.add_argument(
        "--sizes", type=parse_size, nargs="+", default=sizes, metavar="HxW", help="LQ pixels (default: 64x64 180x320)"
    )
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=list(PATHS), help="what to measure (default: all)")
    parser.add_argument("--network", choices=NETWORKS, default="M", help="KDSR-M, -L, -S or -XS (default: M)")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4, 8), default=4, help="(default: 4)")
    parser.add_argument("--rounds", type=parse_count, default=3, metavar="N", help="timed runs (default: 3)")
    parser.add_argument(
        "--threads", type=parse_count, default=torch.get_num_threads(), metavar="N", help="(default: PyTorch's)"
    )
    parser.set_defaults(run=run)
