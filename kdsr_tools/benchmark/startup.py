"""`kdsr benchmark startup`: the processor's seconds of `kdsr upscale` on a small picture, against `import torch`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from kdsr_tools.arguments import add_described_parser, parse_count
from kdsr_tools.benchmark.timing import median_ratio
from kdsr_tools.markdown import format_table

SIDE = 64  # pixels
# What it may take: so many times the import of PyTorch, and so many seconds more.
LIMIT_FACTOR, LIMIT_SECONDS = 1.3, 1.0


def cpu_seconds(arguments: Sequence[str]) -> float:
    """Run Python with arguments; return the seconds that its threads computed, whoever else is at work.

    Raises:
        ValueError: this system does not tell.
    """
    before = os.times()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    seconds = after.children_user - before.children_user + after.children_system - before.children_system
    if seconds <= 0:
        raise ValueError("this system does not tell how long other processes computed; measure on Linux or macOS")
    return seconds


def measure_round() -> tuple[float, float]:
    """Return the seconds of `import torch`, and of `kdsr upscale` with the default model, each in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "small.png")
        Image.fromarray(np.random.default_rng(0).integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)).save(picture)
        torch_seconds = cpu_seconds(["-c", "import torch"])
        return torch_seconds, cpu_seconds(["-m", "kdsr_tools", "upscale", str(picture)])


def run(args: argparse.Namespace) -> int:
    """Print both and their ratio."""
    torch_seconds, ours = map(list, zip(*(measure_round() for _ in range(args.rounds)), strict=True))
    print(f"{args.rounds} rounds, medians; the limit is {LIMIT_FACTOR} x `import torch` + {LIMIT_SECONDS:g} s\n")
    limit = LIMIT_FACTOR * median(torch_seconds) + LIMIT_SECONDS
    ratio = median_ratio(ours, torch_seconds)
    rows = [
        ["`import torch`", f"{median(torch_seconds):.2f}", "1.00", "-"],
        [f"`kdsr upscale`, {SIDE}x{SIDE} pixels", f"{median(ours):.2f}", f"{ratio:.2f}", f"{limit:.2f}"],
    ]
    print(format_table(["", "s of the processor", "times `import torch`", "limit, s"], rows))
    return 0


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark startup`."""
    parser = add_described_parser(
        subparsers, "startup", "how long `kdsr upscale` computes on a small picture, against `import torch`"
    )
    parser.add_argument("--rounds", type=parse_count, default=5, metavar="N", help="processes of each (default: 5)")
    parser.set_defaults(run=run)
