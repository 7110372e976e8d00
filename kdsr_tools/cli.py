"""The `kdsr` command: finds the subcommand and turns errors that users can mend into one line."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from kdsr_compat.wait_policy import wait_briefly
from kdsr_tools.arguments import as_sentence
from kdsr_tools.files import PACKAGES, describe_error

# What pages are made with; the extra `report` brings them.
REPORT_MODULES = ("jinja2", "matplotlib", "sklearn")


class Subcommand(NamedTuple):
    """A module that brings `add_parser(subparsers)`, which sets the function that runs it as `run`; and what it does.

    Only the chosen one is imported, since most of them take seconds.
    """

    module: str
    summary: str
    makes_pages: bool = False


SUBCOMMANDS = {
    "upscale": Subcommand("upscale.command", "make pictures larger and sharper"),
    "diagnose": Subcommand("diagnose.command", "what happened to pictures: blur, noise, JPEG, or nothing"),
    "convert": Subcommand("checkpoints.convert", "checkpoints under other names or in other files"),
    "export": Subcommand("checkpoints.export", "a network as an ONNX file"),
    "info": Subcommand("checkpoints.info", "what a checkpoint holds, its size and its cost"),
    "quickstart": Subcommand("quickstart", "data and report of `make quickstart`", makes_pages=True),
    "tiles": Subcommand("tiles", "cut photographs into an LMDB of tiles, which trains faster"),
    "benchmark": Subcommand("benchmark.command", "measure speed and memory on this machine"),
    "compare": Subcommand("compare.command", "any models on any images, in figures and on one page", makes_pages=True),
    "inspect": Subcommand("idr.command", "what a student's degradation representation knows", makes_pages=True),
    "curves": Subcommand("curves", "losses and validation metrics of experiments, on one page", makes_pages=True),
    "options": Subcommand("option_files", "list the option files, or copy them to a folder"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted."""
    wait_briefly()  # before a subcommand brings PyTorch
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does: where a name cannot be shown, it is escaped, and the work goes on.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kdsr"):
            raise
        print(f"kdsr: {describe_error(error)}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"kdsr: {describe_error(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("kdsr: interrupted", file=sys.stderr)
        return 130


def _run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="kdsr", description="Blind super-resolution with KDSR.")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, summary, makes_pages) in SUBCOMMANDS.items():
        if argv[:1] == [name]:
            if makes_pages:
                require_report_packages(name)
            import_module(f"kdsr_tools.{module}").add_parser(subparsers)
            chosen = subparsers.choices[name]
            chosen.description = chosen.description or as_sentence(summary)
        else:
            subparsers.add_parser(name, help=summary)
    args = parser.parse_args(argv)
    return args.run(args)


def require_report_packages(name: str) -> None:
    """Look for what pages are made with, before hours of measuring.

    Raises:
        ValueError: naming what is missing, and the extra that brings it.
    """
    missing = [PACKAGES.get(module, module) for module in REPORT_MODULES if find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        packages = " and ".join(missing)
        raise ValueError(f"{name} needs {packages}, which {verb} not installed: pip install 'kdsr[report]'")
