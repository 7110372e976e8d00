"""The `kdsr` command: finds the subcommand and turns errors that users can mend into one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from kdsr_tools import benchmark, option_files, quickstart, tiles

# Each brings `add_parser(subparsers)`, which sets the function that runs it as `run`.
SUBCOMMANDS = (quickstart, tiles, benchmark, option_files)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; give the exit code: 0 done, 1 failed, 2 wrong arguments."""
    parser = argparse.ArgumentParser(prog="kdsr", description="Blind super-resolution with KDSR.")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for subcommand in SUBCOMMANDS:
        subcommand.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        return args.run(args)
    except (ValueError, OSError) as error:
        print(f"kdsr: {error}", file=sys.stderr)
        return 1
