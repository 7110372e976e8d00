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

SIDE = 64  # pixels
# What it may take: so many times the import of PyTorch, and so many seconds more.
LIMIT_FACTOR, LIMIT_SECONDS = 1.3, 1.0


def cpu_seconds(arguments: Sequence[str]) -> float:
    """Run Python with arguments; give the seconds that its threads computed, whoever else is at work.

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
    """Give the seconds of `import torch`, and of `kdsr upscale` with the default model, each in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "small.png")
        Image.fromarray(np.random.default_rng(0).integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)).save(picture)
        torch_seconds = cpu_seconds(["-c", "import torch"])
        return torch_seconds, cpu_seconds(["-m", "kdsr_tools", "upscale", str(picture)])


def run(args: argparse.Namespace) -> int:
    """Print both and their ratio."""
    rounds = [measure_round() for _ in range(args.rounds)]
    torch_seconds, ours = (median(side) for side in zip(*rounds, strict=True))
    # Round by round, so that a pause of the machine spoils one round and not the ratio.
    ratio = median(one / other for other, one in rounds)
    print(f"{args.rounds} rounds, medians; the limit is {LIMIT_FACTOR} x `import torch` + {LIMIT_SECONDS:g} s\n")
    print("| | s of the processor | times `import torch` | limit, s |")
    print("|---|---|---|---|")
    print(f"| `import torch` | {torch_seconds:.2f} | 1.00 | |")
    limit = LIMIT_FACTOR * torch_seconds + LIMIT_SECONDS
    print(f"| `kdsr upscale`, one picture of {SIDE}x{SIDE} pixels | {ours:.2f} | {ratio:.2f} | {limit:.2f} |")
    return 0


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark startup`."""
    parser = subparsers.add_parser("startup", help="how long `kdsr upscale` takes to begin, against `import torch`")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="processes of each (default: 5)")
    parser.set_defaults(run=run)
