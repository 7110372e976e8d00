"""What a launcher's command line says about options: the file (`-opt`) and entries over it (`--force_yml`)."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class CommandLine(NamedTuple):
    """The option file, if one is named, and the entries `block:key=value` that go over it."""

    file: Path | None
    entries: list[str]


def parse_command_line(argv: Sequence[str]) -> CommandLine:
    """Read what concerns options from the arguments of BasicSR's launchers."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("-opt", type=Path)
    parser.add_argument("--force_yml", nargs="+", default=[])
    args, _ = parser.parse_known_args(argv)
    return CommandLine(args.opt, args.force_yml)
