"""What a launcher's command line says about options: the file (`-opt`) and entries over it (`--force_yml`)."""

from __future__ import annotations

import ast
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kdsr_options.files import read_option_file
from kdsr_options.numbers import to_number
from kdsr_options.schema import OptionError, Problem, suggest

WORDS = {"~": None, "none": None, "true": True, "false": False}


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


def read_options(command_line: CommandLine) -> dict[str, Any]:
    """Read the option file and put the command line's entries over it; nothing where it names no file.

    Raises:
        OptionError: naming the file, a key that stands twice, or an entry.
    """
    path = command_line.file
    if path is None:
        return {}  # BasicSR's own parser says what is missing
    try:
        options = read_option_file(path)
    except OptionError:
        raise
    except OSError as error:
        raise OptionError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:
        raise OptionError([Problem(str(path), f"is {str(error).removeprefix(f'{path}: ')}")]) from error
    problems = [problem for entry in command_line.entries if (problem := _force(options, entry))]
    if problems:
        raise OptionError(problems)
    return options


def _force(options: dict[str, Any], entry: str) -> Problem | None:
    """Put one entry over the options, as BasicSR does; return what is wrong with it."""
    if entry.count("=") != 1:
        return Problem("--force_yml", f"expected key=value or block:key=value, got {entry!r}")
    keys, text = (part.strip() for part in entry.split("="))
    *parents, last = keys.split(":")
    block: Any = options
    for parent in parents:
        if not isinstance(block, Mapping) or parent not in block:
            known = block if isinstance(block, Mapping) else ()
            return Problem(f"--force_yml {entry}", f"there is no block {parent!r}{suggest(parent, known)}")
        block = block[parent]
    if not isinstance(block, dict):
        return Problem(f"--force_yml {entry}", f"{':'.join(parents)} is no block of keys")
    try:
        block[last] = _to_value(text)
    except (SyntaxError, ValueError):
        return Problem(f"--force_yml {entry}", f"expected a list of plain values, got {text}")
    return None


def _to_value(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    number = to_number(text.removeprefix("!!float").strip())
    if number is not None:
        return number
    return ast.literal_eval(text) if text.startswith("[") else text
