"""`kdsr diagnose`: its arguments. The work is imported when it begins, so that `--help` answers at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from kdsr_tools.arguments import parse_count
from kdsr_tools.upscale.command import add_device_arguments


def add_parser(subparsers) -> None:
    """Add `kdsr diagnose`."""
    parser = subparsers.add_parser(
        "diagnose",
        description="Tell what happened to pictures: how wide the blur is and where it points, the level of noise, the "
        "quality of JPEG, or that they are clean; each with an interval that holds the truth nine times of ten.",
        epilog="Exit code: 0 all diagnosed, 1 a picture failed, 2 wrong arguments, 130 interrupted.",
    )
    parser.add_argument("inputs", nargs="+", metavar="PICTURE", help="files, folders, patterns; - is stdin")
    parser.add_argument("--model", metavar="NAME|FILE", help="a shipped model, or a checkpoint with heads")
    parser.add_argument("-r", "--recursive", action="store_true", help="search subfolders")
    parser.add_argument("--map", type=Path, metavar="FOLDER", help="write pictures that show blur and noise by tiles")
    parser.add_argument("--json", action="store_true", help="print it for programs")
    parser.add_argument(
        "--max-pixels", type=parse_count, metavar="N", help="refuse larger pictures (default 200000000)"
    )
    add_device_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Diagnose the pictures; return the exit code."""
    from kdsr_tools.diagnose import work

    return work.diagnose(args)
