"""`kdsr options`, which lists the project's own option files, or copies them."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from kdsr_options.files import list_options, packaged_options
from kdsr_options.schema import suggest


def copy_options(destination: Path, names: Sequence[str] = ()) -> list[Path]:
    """Copy option files (none named: all) to `destination`, but not over those there; return the new ones.

    Raises:
        ValueError: there is no such option file.
    """
    written = []
    for name in names:
        if name not in list_options():
            raise ValueError(f"there is no option file {name!r}{suggest(name, list_options())}")
    for name in names or list_options():
        target = destination / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(packaged_options() / name, target)
            written.append(target)
    return written


def add_parser(subparsers) -> None:
    """Add `kdsr options`."""
    parser = subparsers.add_parser("options")
    parser.add_argument("names", nargs="*", metavar="NAME", help="copy only these, as the list calls them; needs --to")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="copy them here; existing files are kept")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the option files, or copy them."""
    if args.to is None:
        if args.names:
            raise ValueError("give the folder to copy to: --to FOLDER")
        print("\n".join(list_options()))
        return 0
    written = copy_options(args.to, args.names)
    kept = len(args.names or list_options()) - len(written)
    print(f"{len(written)} option files written to {args.to}" + (f", {kept} already there were kept" if kept else ""))
    return 0
