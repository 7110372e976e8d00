"""Writing results so that a crash never leaves half a file under the final name, and saying what went wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def describe_error(error: BaseException) -> str:
    """Give an error's message, or its kind if it has none; the system's own messages begin with the file's name."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error).strip() or type(error).__name__


@contextmanager
def write_then_rename(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes that name when the block ends well and is removed otherwise.

    The suffix stays, so that writers which choose the format by it work; the writer may make a file or a folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
