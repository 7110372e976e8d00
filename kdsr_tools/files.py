"""Writing results so that a crash never leaves half a file under the final name, and saying what went wrong."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = "kdsr"
# Packages that are called otherwise than what they bring.
PACKAGES = {"sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv-python"}
LONGEST_STEM = 180  # bytes
# RuntimeError: PyTorch's, such as that of memory that ran out.
FORESEEN = (ValueError, OSError, MemoryError, RuntimeError, ImportError)


def describe_error(error: BaseException) -> str:
    """Return an error's message, or its kind if it has none; the system's own messages begin with the file's name.

    Kinds other than those that are raised with a sentence for users come with their name.
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _describe_missing(error.name.partition(".")[0])
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    kind, message = type(error).__name__, str(error).strip()
    return message if message and isinstance(error, FORESEEN) else ": ".join(filter(None, (kind, message)))


def _describe_missing(module: str) -> str:
    """Say that a module is not installed, and which extra of this project brings it."""
    package = PACKAGES.get(module, module)
    return f"this needs {package}, which is not installed: pip install {_find_extra(package) or package}"


def _find_extra(package: str) -> str | None:
    from importlib import metadata  # which every command would wait for

    try:
        requirements = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:  # run from a folder
        return None
    pattern = rf"{re.escape(package)}\b.*extra == ['\"](.+?)['\"]"
    extras = [found[1] for text in requirements if (found := re.match(pattern, text, flags=re.IGNORECASE))]
    # That for developers has everything.
    return min((f"'{PROJECT}[{extra}]'" for extra in extras), key=lambda name: "[dev]" in name, default=None)


@contextmanager
def write_then_rename(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which takes that name when the block ends well and is removed otherwise.

    The suffix stays, so that writers which choose the format by it work; the writer may make a file or a folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Cut short: a name that just fits into the file system's 255 bytes leaves no room for what comes round it.
    stem = os.fsdecode(os.fsencode(path.stem)[:LONGEST_STEM])
    if stem != path.stem:
        stem += hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    temporary = path.with_name(f".{stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
