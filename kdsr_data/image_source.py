"""Where GT images come from: a folder, a list file or an LMDB, read through BasicSR's `FileClient`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from basicsr.utils import FileClient, scandir

from kdsr_data.image_io import ImageReadError, decode_image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
# A line of BasicSR's lists: `sub/name.png (480,480,3)`, in an LMDB with the compression level behind it.
META_INFO_LINE = re.compile(r"^(?P<name>.+?)(?:\s+\(\d+,\s*\d+(?:,\s*\d+)?\)(?:\s+\d+)?)?$")


class ImageSource:
    """The images of a data set, by index; the order is the same on every machine.

    Args:
        dataroot: a folder, searched with all its subfolders, or an LMDB folder whose name ends in `.lmdb`.
        io_backend: `{type: disk}` or `{type: lmdb}`, BasicSR's block.
        meta_info: a file that lists the images to use, one name a line, relative to `dataroot`.

    Raises:
        FileNotFoundError: `dataroot` or `meta_info` does not exist.
        ValueError: there is not one image.
    """

    def __init__(self, dataroot: str | Path, *, io_backend: Mapping[str, Any], meta_info: str | Path | None = None):
        self.dataroot = Path(dataroot)
        self.io_backend = dict(io_backend)
        self.is_lmdb = self.io_backend["type"] == "lmdb"
        if not self.dataroot.is_dir():
            raise FileNotFoundError(f"{self.dataroot}: there is no such folder")
        self.names = self._list_names(meta_info)
        if not self.names:
            where = meta_info or self.dataroot
            raise ValueError(f"{where}: no images found (looked for {', '.join(IMAGE_SUFFIXES)})")
        # Opened by the process that reads, since an open LMDB must not cross a fork.
        self._file_client: FileClient | None = None

    def _list_names(self, meta_info: str | Path | None) -> list[str]:
        if meta_info is None and self.is_lmdb:
            meta_info = self.dataroot / "meta_info.txt"
        if meta_info is None:
            found = scandir(str(self.dataroot), suffix=None, recursive=True)
            return sorted(Path(name).as_posix() for name in found if name.lower().endswith(IMAGE_SUFFIXES))
        if not Path(meta_info).is_file():
            raise FileNotFoundError(f"{meta_info}: there is no such file")
        lines = Path(meta_info).read_text(encoding="utf-8").splitlines()
        return [META_INFO_LINE.match(line.strip())["name"] for line in lines if line.strip()]

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

    def _get(self, index: int) -> bytes | None:
        if self._file_client is None:
            options = {key: value for key, value in self.io_backend.items() if key != "type"}
            if self.is_lmdb:
                options |= {"db_paths": [str(self.dataroot)], "client_keys": ["gt"]}
            self._file_client = FileClient(self.io_backend["type"], **options)
        if self.is_lmdb:
            return self._file_client.get(self.key(index), "gt")
        return self._file_client.get(self.path(index))
