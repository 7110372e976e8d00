"""`kdsr options`, which lists the project's own option files, or copies them."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from kdsr_options.files import list_options, packaged_options


def copy_options(destination: Path) -> list[Path]:
    """Copy every option file to `destination`, where those already there are left alone; give the new ones."""
    written = []
    for name in list_options():
        target = destination / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(packaged_options() / name, target)
            written.append(target)
    return written


def add_parser(subparsers) -> None:
    """Add `kdsr options`."""
    parser = subparsers.add_parser("options")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="copy them here; existing files are kept")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the option files, or copy them."""
    if args.to is None:
        print("\n".join(list_options()))
        return 0
    written = copy_options(args.to)
    kept = len(list_options()) - len(written)
    print(f"{len(written)} option files written to {args.to}" + (f", {kept} already there were kept" if kept else ""))
    return 0
