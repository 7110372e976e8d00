"""What the arguments of several commands share."""

from __future__ import annotations

import argparse
import re


def parse_size(text: str) -> tuple[int, int]:
    """Turn `180x320` into (180, 320), height and width.

    Raises:
        argparse.ArgumentTypeError: it is no size.
    """
    found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected height x width such as 180x320, got {text!r}")
    return int(found[1]), int(found[2])


def parse_count(text: str) -> int:
    """Turn text into a number from 1 on. Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def add_described_parser(subparsers: argparse._SubParsersAction, name: str, summary: str) -> argparse.ArgumentParser:
    """Add the parser of a subcommand whose own help begins with what the list of subcommands says."""
    return subparsers.add_parser(name, help=summary, description=as_sentence(summary))


def as_sentence(summary: str) -> str:
    """Write a summary with a capital letter and a full stop."""
    return f"{summary[0].upper()}{summary[1:]}."
