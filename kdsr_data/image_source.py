"""Where images come from: a folder, a list file or an LMDB as BasicSR writes it."""

from __future__ import annotations

import codecs
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import lmdb
import numpy as np

from kdsr_data.image_io import ImageReadError, decode_image, image_size
from kdsr_data.pictures.formats import SUFFIXES, describe_passed_over, readable_suffixes
from kdsr_data.pictures.picture import printable

# Known, whether they can be read here or not: an image's key must not depend on what is installed.
IMAGE_SUFFIXES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
# A line of BasicSR's lists: `sub/name.png (480,480,3)`, in an LMDB with the compression level behind it.
META_INFO_LINE = re.compile(r"^(?P<name>.+?)(?:\s+\(\d+,\s*\d+(?:,\s*\d+)?\)(?:\s+\d+)?)?$")
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class MetaInfoError(ValueError):
    """A list of images that cannot be used, and why."""


class _Lmdb:
    """An LMDB that is opened to read and without locks, so that it may be used after a fork."""

    def __init__(self, path: Path):
        self._environment = lmdb.open(str(path), readonly=True, lock=False, readahead=False)

    def get(self, key: str) -> bytes | None:
        """Return a key's value, or None. BasicSR's reader takes ASCII keys only."""
        with self._environment.begin() as transaction:
            return transaction.get(key.encode("utf-8", "surrogateescape"))


# lmdb opens a file once in a process and those forked from it, so the sources of one LMDB (a set and its parts,
# training and validation) share it.
_OPEN_LMDBS: WeakValueDictionary[Path, _Lmdb] = WeakValueDictionary()


def find_io_backend(dataroot: str | Path) -> dict[str, str]:
    """Return BasicSR's `io_backend` block for a data root: the name of an LMDB ends in `.lmdb`."""
    return {"type": "lmdb" if Path(dataroot).suffix == ".lmdb" else "disk"}


class ImageSource:
    """The images of a data set, by index; the order is the same on every machine.

    Args:
        dataroot: a folder, searched with all its subfolders, or an LMDB folder whose name ends in `.lmdb`.
        io_backend: `{type: disk}` or `{type: lmdb}`, BasicSR's block.
        meta_info: a file that lists the images to use, one name a line, relative to `dataroot`.

    Raises:
        FileNotFoundError: `dataroot` or `meta_info` does not exist.
        MetaInfoError: `meta_info` is no text or empty, or a name in it leads out of `dataroot`.
        ValueError: there is not one image.
    """

    def __init__(self, dataroot: str | Path, *, io_backend: Mapping[str, Any], meta_info: str | Path | None = None):
        self.dataroot = Path(dataroot)
        self.is_lmdb = io_backend["type"] == "lmdb"
        self.passed_over: str | None = None  # what of a folder is no image, in words
        if not self.dataroot.is_dir():
            raise FileNotFoundError(f"{self.dataroot}: there is no such folder")
        self.names = self._list_names(meta_info)
        if not self.names:
            raise ValueError(f"{self.dataroot}: no images found (looked for {', '.join(readable_suffixes())})")
        self._lmdb: _Lmdb | None = None  # opened at the first read

    def _list_names(self, meta_info: str | Path | None) -> list[str]:
        if meta_info is None and self.is_lmdb:
            meta_info = self.dataroot / "meta_info.txt"
        if meta_info is not None:
            return [self._find_listed(name, meta_info) for name in read_meta_info(meta_info)]
        images, others = find_images(self.dataroot)
        self.passed_over = describe_passed_over(others)
        return sorted(images)

    def _find_listed(self, name: str, meta_info: str | Path) -> str:
        _refuse_outside(name, meta_info)
        if "\\" in name and (self.is_lmdb or not (self.dataroot / name).exists()):
            return name.replace("\\", "/")  # written on Windows
        return name

    def __len__(self) -> int:
        return len(self.names)

    def key(self, index: int) -> str:
        """Return an image's name relative to the root, without its suffix, as it can be printed and stored."""
        return printable(self._stored_key(index))

    def _stored_key(self, index: int) -> str:
        name = self.names[index]
        return name[: name.rindex(".")] if name.lower().endswith(IMAGE_SUFFIXES) else name

    def path(self, index: int) -> str:
        """Return the image's path; of a file's, bytes that are not UTF-8 are kept as Python keeps them."""
        return str(self.dataroot / (self._stored_key(index) if self.is_lmdb else self.names[index]))

    def result_names(self) -> list[str]:
        """Name each image's result without folders or suffix, so that no two have one name, capitals or not.

        Where keys would clash, as those of `same.png` and `same.jpg`, the suffix joins the name, then a number.
        """
        keys = [self.key(index).replace("/", "_") for index in range(len(self))]
        clashing = {key for key, count in Counter(map(str.lower, keys)).items() if count > 1}
        taken = {key.lower() for key in keys} - clashing
        results = []
        for key, name in zip(keys, self.names, strict=True):
            if key.lower() in clashing:
                suffix = Path(name).suffix.lower() if name.lower().endswith(IMAGE_SUFFIXES) else ""
                stem, number = key + suffix.replace(".", "_"), 1
                key = stem
                while key.lower() in taken:
                    number += 1
                    key = f"{stem}_{number}"
                taken.add(key.lower())
            results.append(key)
        return results

    def content(self, index: int) -> bytes:
        """Read an image file's bytes.

        Raises:
            ImageReadError: missing or unreadable.
        """
        path = self.path(index)
        try:
            found = self._open_lmdb().get(self._stored_key(index)) if self.is_lmdb else Path(path).read_bytes()
        except (OSError, lmdb.Error) as error:
            raise ImageReadError(path, f"cannot be read ({error})") from error
        if found is None:
            raise ImageReadError(path, "this key is listed in meta_info.txt and missing from the LMDB")
        return found

    def read(self, index: int) -> np.ndarray:
        """Read an image as RGB float32 (H, W, 3) in [0, 1].

        Raises:
            ImageReadError: missing, unreadable, or not an image.
        """
        return decode_image(self.content(index), self.path(index))

    def size(self, index: int) -> tuple[int, int]:
        """Return an image's height and width off its header, without decoding it. Raises as `read`."""
        return image_size(self.content(index), self.path(index))

    def _open_lmdb(self) -> _Lmdb:
        if self._lmdb is None:
            path = self.dataroot.resolve()
            self._lmdb = _OPEN_LMDBS.get(path) or _Lmdb(path)
            _OPEN_LMDBS[path] = self._lmdb
        return self._lmdb


def read_meta_info(path: str | Path) -> list[str]:
    """Read the names in a list of images: UTF-8, or with a byte order mark UTF-16, from Windows or not.

    Raises:
        FileNotFoundError: there is no such file.
        MetaInfoError: it is no text, or there is no name in it.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    content = Path(path).read_bytes()
    encoding = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        # Names in other encodings are the bytes that the file system knows them by.
        text = content.decode(encoding, "strict" if encoding == "utf-16" else "surrogateescape")
    except UnicodeDecodeError as error:
        raise MetaInfoError(f"{path}: expected text in UTF-8 or UTF-16, one name a line ({error})") from None
    lines = (META_INFO_LINE.match(line.strip()) for line in text.splitlines())
    names = [line["name"] for line in lines if line]  # an empty one is no match
    if not names:
        raise MetaInfoError(f"{path}: no images found in this list; expected one name a line")
    return names


def _refuse_outside(name: str, meta_info: str | Path) -> None:
    """Refuse a name that would be read, and whose results would be written, outside the folders meant for them."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or "\0" in name or Path(name).is_absolute() or parts[0].endswith(":"):
        raise MetaInfoError(f"{meta_info}: {name!r} leads out of the data root; expected names inside it, without '..'")


def find_images(root: Path) -> tuple[list[str], list[str]]:
    """Find all images below a folder, linked folders included, and the files that are none by their suffixes.

    Names that start with a dot are left out of both, and so is a link to a folder that it lies in.
    """
    images: list[str] = []
    others: list[str] = []
    for folder, subfolders, names in os.walk(root, followlinks=True):
        inside = Path(folder).relative_to(root)
        lies_in = {os.path.realpath(root / above) for above in (inside, *inside.parents)}
        subfolders[:] = [
            name
            for name in subfolders
            if not name.startswith(".") and os.path.realpath(os.path.join(folder, name)) not in lies_in
        ]
        for name in names:
            if not name.startswith("."):
                found = images if name.lower().endswith(readable_suffixes()) else others
                found.append((inside / name).as_posix())
    return images, others
