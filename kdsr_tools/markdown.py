"""Tables in Markdown, as commands print them and reports hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def format_row(cells: Iterable[str]) -> str:
    """Write one row."""
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def format_head(columns: Sequence[str]) -> str:
    """Write the titles of a table's columns and the line below them."""
    return f"{format_row(columns)}\n{'|---' * len(columns)}|"


def format_table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a whole table, without a line's end."""
    return "\n".join([format_head(columns), *map(format_row, rows)])
