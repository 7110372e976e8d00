"""`kdsr options`: the option files that come with the package, copied to where they can be changed."""

from __future__ import annotations

import argparse
import shutil
from importlib.util import find_spec
from pathlib import Path

SOURCE_TREE = Path(__file__).resolve().parent.parent / "options"


def packaged_options() -> Path:
    """Give the folder with the project's option files, in a clone or where pip installed them."""
    return (
        SOURCE_TREE if SOURCE_TREE.is_dir() else Path(next(iter(find_spec("kdsr_options").submodule_search_locations)))
    )


def list_options() -> list[str]:
    """List the option files by their path inside the folder."""
    root = packaged_options()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.yml"))


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
    parser = subparsers.add_parser("options", help="list the option files, or copy them to a folder")
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
