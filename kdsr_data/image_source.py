"""Where GT images come from: a folder, a list file or an LMDB, read through BasicSR's `FileClient`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from basicsr.utils import FileClient

from kdsr_data.image_io import ImageReadError, decode_image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
# A line of BasicSR's lists: `sub/name.png (480,480,3)`, in an LMDB with the compression level behind it.
META_INFO_LINE = re.compile(r"^(?P<name>.+?)(?:\s+\(\d+,\s*\d+(?:,\s*\d+)?\)(?:\s+\d+)?)?$")

# lmdb opens a file once in a process and those forked from it, so the sources of one LMDB (a set and its parts,
# training and validation) share it. BasicSR opens it to read and without locks, so it may be used after a fork.
_LMDB_CLIENTS: WeakValueDictionary[Path, FileClient] = WeakValueDictionary()


def find_io_backend(dataroot: str | Path) -> dict[str, str]:
    """Tell BasicSR's `io_backend` block for a data root: the name of an LMDB ends in `.lmdb`."""
    return {"type": "lmdb" if Path(dataroot).suffix == ".lmdb" else "disk"}


class ImageSource:
    """The images of a data set, by index; the order is the same on every machine.

    Args:
        dataroot: a folder, searched with all its subfolders, or an LMDB folder whose name ends in `.lmdb`.
        io_backend: `{type: disk}` or `{type: lmdb}`, BasicSR's block.
        meta_info: a file that lists the images to use, one name a line, relative to `dataroot`.

    Raises:
        FileNotFoundError: `dataroot` or `meta_info` does not exist.
        ValueError: there is not one image, or a listed name leads out of `dataroot`.
    """

    def __init__(self, dataroot: str | Path, *, io_backend: Mapping[str, Any], meta_info: str | Path | None = None):
        self.dataroot = Path(dataroot)
        self.is_lmdb = io_backend["type"] == "lmdb"
        if not self.dataroot.is_dir():
            raise FileNotFoundError(f"{self.dataroot}: there is no such folder")
        self.names = self._list_names(meta_info)
        if not self.names:
            where = meta_info or self.dataroot
            raise ValueError(f"{where}: no images found (looked for {', '.join(IMAGE_SUFFIXES)})")
        self._file_client: FileClient | None = None  # opened at the first read

    def _list_names(self, meta_info: str | Path | None) -> list[str]:
        if meta_info is None and self.is_lmdb:
            meta_info = self.dataroot / "meta_info.txt"
        if meta_info is None:
            return sorted(_find_images(self.dataroot))
        if not Path(meta_info).is_file():
            raise FileNotFoundError(f"{meta_info}: there is no such file")
        lines = Path(meta_info).read_text(encoding="utf-8").splitlines()
        names = [META_INFO_LINE.match(line.strip())["name"] for line in lines if line.strip()]
        for name in names:
            _refuse_outside(name, meta_info)
        return names

    def __len__(self) -> int:
        return len(self.names)

    def key(self, index: int) -> str:
        """Give an image's name relative to the root, without its suffix: also its key in an LMDB."""
        name = self.names[index]
        return name[: name.rindex(".")] if name.lower().endswith(IMAGE_SUFFIXES) else name

    def path(self, index: int) -> str:
        """Give the image's path, as messages show it."""
        return str(self.dataroot / (self.key(index) if self.is_lmdb else self.names[index]))

    def read(self, index: int) -> np.ndarray:
        """Read an image as RGB float32 (H, W, 3) in [0, 1].

        Raises:
            ImageReadError: missing, unreadable, or not an image.
        """
        path = self.path(index)
        try:
            content = self._get(index)
        except (OSError, KeyError) as error:
            raise ImageReadError(path, f"cannot be read ({error})") from error
        if content is None:
            raise ImageReadError(path, "this key is listed in meta_info.txt and missing from the LMDB")
        return decode_image(content, path)

    def size(self, index: int) -> tuple[int, int] | None:
        """Give an image's height and width, or None if it cannot be read."""
        try:
            return self.read(index).shape[:2]
        except ImageReadError:
            return None

    def _get(self, index: int) -> bytes | None:
        if self._file_client is None:
            self._file_client = _open_lmdb(self.dataroot) if self.is_lmdb else FileClient("disk")
        if self.is_lmdb:
            return self._file_client.get(self.key(index), "gt")
        return self._file_client.get(self.path(index))


def _refuse_outside(name: str, meta_info: str | Path) -> None:
    """Refuse a name that would be read, and whose results would be written, outside the folders meant for them.

    Raises:
        ValueError: naming it.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or "\0" in name or Path(name).is_absolute() or parts[0].endswith(":"):
        raise ValueError(f"{meta_info}: {name!r} leads out of the data root; expected names inside it, without '..'")


def _find_images(root: Path) -> Iterator[str]:
    """Find all images below a folder, linked folders included; names that start with a dot are left out."""
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        inside = Path(folder).relative_to(root)
        for name in names:
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."):
                yield (inside / name).as_posix()


def _open_lmdb(root: Path) -> FileClient:
    path = root.resolve()
    client = _LMDB_CLIENTS.get(path)
    if client is None:
        client = _LMDB_CLIENTS[path] = FileClient("lmdb", db_paths=[str(path)], client_keys=["gt"])
    return client
