"""Where a training's seed comes from: BasicSR draws one, in every process another, if the file names none."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path

import torch

from kdsr_model.run.signals import is_distributed


def file_names_a_seed(argv: list[str]) -> bool:
    """Tell whether a command line, or the option file that it names, has a `manual_seed`."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("-opt")
    parser.add_argument("--force_yml", nargs="+", default=[])
    args, _ = parser.parse_known_args(argv)
    if any(entry.startswith("manual_seed") for entry in args.force_yml):
        return True
    return bool(args.opt and re.search(r"^manual_seed:\s*\d", Path(args.opt).read_text(encoding="utf-8"), re.MULTILINE))


def first_process_number(number: int) -> int:
    """Give the first process's number to all."""
    if not is_distributed():
        return number
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    shared = torch.tensor(number, device=device)
    torch.distributed.broadcast(shared, src=0)
    return int(shared)
