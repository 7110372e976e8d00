"""Writing results so that a crash never leaves half a file under the final name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
