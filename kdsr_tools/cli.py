"""The `kdsr` command: finds the subcommand and turns errors that users can mend into one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from kdsr_compat.wait_policy import wait_briefly
from kdsr_tools.files import describe_error

# Name: (module, help). Each module brings `add_parser(subparsers)`, which sets the function that runs it as `run`. Only
# the chosen one is imported, since most of them take seconds.
SUBCOMMANDS = {
    "upscale": ("upscale.command", "make pictures larger and sharper"),
    "convert": ("checkpoints.convert", "checkpoints under other names or in other files"),
    "export": ("checkpoints.export", "a network as an ONNX file"),
    "info": ("checkpoints.info", "what a checkpoint holds, its size and its cost"),
    "quickstart": ("quickstart", "data and report of `make quickstart`"),
    "tiles": ("tiles", "cut photographs into an LMDB of tiles, which trains faster"),
    "benchmark": ("benchmark.command", "measure speed and memory on this machine"),
    "compare": ("compare.command", "any models on any images, in figures and on one page"),
    "inspect": ("idr.command", "what a student's degradation representation knows"),
    "curves": ("curves", "losses and validation metrics of experiments, on one page"),
    "options": ("option_files", "list the option files, or copy them to a folder"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; give the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted."""
    wait_briefly()  # before a subcommand brings PyTorch
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="kdsr", description="Blind super-resolution with KDSR.")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, summary) in SUBCOMMANDS.items():
        if argv[:1] == [name]:
            import_module(f"kdsr_tools.{module}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    args = parser.parse_args(argv)
    try:
        return args.run(args)
    except (ValueError, OSError) as error:
        print(f"kdsr: {describe_error(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("kdsr: interrupted", file=sys.stderr)
        return 130
