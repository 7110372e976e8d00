"""Numbers as people write them: the rule of YAML 1.2 (core schema, 10.3.2), under which `1e-4` is one.

PyYAML knows YAML 1.1, where `1e-4`, `1e5` and `1.5e5` are text: it wants a dot and a sign (`1.0e+5`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
LARGEST_EXACT = 2**53  # up to which every whole number has a float of its own


def to_number(text: str) -> int | float | None:
    """Return the number that a text is, or None; `1e5` is whole, so that it can count iterations."""
    if not NUMBER.fullmatch(text):
        return None
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    value = float(text)
    is_whole = "e" in text.lower() and value.is_integer() and abs(value) <= LARGEST_EXACT
    return int(value) if is_whole else value


def mend_numbers(options: Any, as_written: Any) -> Any:
    """Return options as another reader has parsed them, with numbers where only that reader took them for text.

    Args:
        options: nested blocks and lists, mended in place.
        as_written: the same from `read_option_file`, which knows what was quoted.
    """
    if isinstance(options, dict) and isinstance(as_written, Mapping):
        for key in options.keys() & as_written.keys():
            options[key] = mend_numbers(options[key], as_written[key])
    elif isinstance(options, list) and isinstance(as_written, list) and len(options) == len(as_written):
        options[:] = map(mend_numbers, options, as_written)
    elif isinstance(options, str) and isinstance(as_written, int | float) and to_number(options) == as_written:
        return as_written
    return options
