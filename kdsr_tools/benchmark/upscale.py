"""`kdsr benchmark upscale`: whole images on the CPU, `ImageRestorer` against the plain network and onnxruntime.

Networks have random weights: what they cost does not depend on what they learned.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from kdsr_arch import KDSRStudent
from kdsr_arch.inference.restorer import CROP_SIZE, ImageRestorer
from kdsr_arch.inference.tiling import cut_centre
from kdsr_tools.benchmark.measurement import peak_bytes, run_alone

# The paper's networks, and the small ones of options/blind/.
SMALL = {"num_estimator_block": 2, "num_estimator_feat": 16, "direct_upsampler": True}
NETWORKS: dict[str, dict[str, Any]] = {
    "M": {},
    "L": {"num_feat": 128, "num_block": 28, "num_estimator_block": 5},
    "S": {"num_feat": 48, "num_block": 24, **SMALL},
    "XS": {"num_feat": 32, "num_block": 16, **SMALL},
}
PLAIN, OURS, CROP, ONNX = "plain PyTorch", "ours", "ours, IDR from a crop", "onnxruntime"
PATHS = {"plain": PLAIN, "ours": OURS, "crop": CROP, "onnx": ONNX}
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
    if name == OURS:
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


def measure_seconds(paths: dict[str, Restore], lq: Tensor, *, rounds: int) -> dict[str, list[float]]:
    """Time the paths in turn, round by round; give the seconds of each, one more round at the beginning left out."""
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    for number in range(rounds + 1):
        for name, restore in paths.items():
            start = perf_counter()
            restore(lq)
            if number > 0:
                seconds[name].append(perf_counter() - start)
    return seconds


@torch.no_grad()
def use_memory(name: str, case: Case, folder: Path) -> int:
    """Restore once and give the peak of this process, in bytes."""
    torch.set_num_threads(case.threads)
    make_path(name, case, folder)(case.make_image())
    return peak_bytes()


@torch.no_grad()
def measure(case: Case, names: list[str], *, rounds: int) -> list[str]:
    """Give the table's rows of an image size."""
    torch.set_num_threads(case.threads)
    lq = case.make_image()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = {name: make_path(name, case, folder) for name in names}
        seconds = measure_seconds(paths, lq, rounds=rounds)
        results = {name: restore(lq) for name, restore in paths.items()}
        del paths
        peaks = {name: run_alone(use_memory, name, case, folder) for name in names}
    rows = []
    for name in names:
        ratio = difference = "-"
        if PLAIN in names:
            # Round by round, so that a pause of the machine spoils one round and not the ratio.
            faster = median(plain / own for plain, own in zip(seconds[PLAIN], seconds[name], strict=True))
            ratio, difference = f"{faster:.2f}", f"{(results[name] - results[PLAIN]).abs().max():.1e}"
        time, peak = f"{median(seconds[name]):.3f}", f"{peaks[name] / 2**20:.0f}"
        rows.append(f"| {case.size[0]}x{case.size[1]} | {name} | {time} | {ratio} | {peak} | {difference} |")
    return rows


def run(args: argparse.Namespace) -> int:
    """Print the table, size by size."""
    names = [PATHS[key] for key in args.paths]
    if ONNX in names and any(importlib.util.find_spec(module) is None for module in ("onnxruntime", "onnxscript")):
        names.remove(ONNX)
        print("onnxruntime is left out: it needs the extra [onnx]\n")
    network = f"KDSR-{args.network} x{args.scale}, random weights"
    print(f"{network}, {args.threads} threads, {args.rounds} rounds, {torch.backends.cpu.get_cpu_capability()}\n")
    print("| LQ | path | s, median | times as fast as plain | process's peak, MiB | largest difference to plain |")
    print("|---|---|---|---|---|---|")
    for size in args.sizes:
        case = Case(args.network, args.scale, size, args.threads)
        for row in measure(case, names, rounds=args.rounds):
            print(row, flush=True)
    return 0


def read_size(text: str) -> tuple[int, int]:
    """Read HEIGHTxWIDTH."""
    try:
        height, width = (int(number) for number in text.lower().split("x"))
    except ValueError:
        height = width = 0
    if min(height, width) < 1:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH in LQ pixels, such as 180x320, got {text!r}")
    return height, width


def _read_positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark upscale`."""
    parser = subparsers.add_parser("upscale", help="whole images on the CPU, against the plain network and onnxruntime")
    sizes = [(64, 64), (180, 320)]
    parser.add_argument(
        "--sizes", type=read_size, nargs="+", default=sizes, metavar="HxW", help="LQ pixels (default: 64x64 180x320)"
    )
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=list(PATHS), help="what to measure (default: all)")
    parser.add_argument("--network", choices=NETWORKS, default="M", help="KDSR-M, -L, -S or -XS (default: M)")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4, 8), default=4, help="(default: 4)")
    parser.add_argument("--rounds", type=_read_positive, default=3, metavar="N", help="timed runs (default: 3)")
    parser.add_argument(
        "--threads", type=_read_positive, default=torch.get_num_threads(), metavar="N", help="(default: PyTorch's)"
    )
    parser.set_defaults(run=run)
