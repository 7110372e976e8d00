"""Option files: reading them without running anything, and `kdsr options`, which copies the package's own."""

from __future__ import annotations

import argparse
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

SOURCE_TREE = Path(__file__).resolve().parent.parent / "options"


class _SafeLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which takes what the plugin line `!!python/name:...` names for nothing."""


_SafeLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


def read_option_file(path: str | Path) -> dict[str, Any]:
    """Read an option file as plain blocks; unlike BasicSR's reader, this runs nothing that the file names.

    Raises:
        ValueError: the file is not YAML, or not an option file.
        OSError: it cannot be read.
    """
    try:
        options = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(options, dict):
        raise ValueError(f"{path}: not an option file: expected keys such as network_g")
    return options


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
