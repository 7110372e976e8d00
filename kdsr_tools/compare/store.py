"""What a comparison has measured so far, kept item by item, so that a stopped run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from kdsr_tools.files import write_then_rename

FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True)
class ItemName:
    """Names one restored image; `setting` is its case's label, under the name that results have had for it."""

    model: str
    image_set: str
    setting: str
    image: str


@dataclass(frozen=True)
class Item:
    """What is known of one restored image: scores by metric (None: not defined, for its reason), or why it failed."""

    name: ItemName
    key: str
    scores: dict[str, float | None] = field(default_factory=dict)
    error: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)


class ResultStore:
    """Items as JSON files, with the shown pictures beside them as PNG, below a folder; readable by people."""

    def __init__(self, folder: Path):
        self.folder = folder

    def picture_path(self, name: ItemName) -> Path:
        """Return where an item's picture is."""
        return self._stem(name).with_suffix(".png")

    def find(self, name: ItemName, *, key: str, metrics: Sequence[str], with_picture: bool) -> Item | None:
        """Return an item measured with the same key, metrics and, if wanted, a picture; failures are tried anew.

        Args:
            key: stands for everything that the result depends on.
        """
        path = self._stem(name).with_suffix(".json")
        try:
            item = Item(**{**json.loads(path.read_text(encoding="utf-8")), "name": name})
        except (OSError, ValueError, TypeError):  # not there, or not one of ours
            return None
        if item.key != key or item.error or not set(metrics) <= item.scores.keys():
            return None
        return None if with_picture and not self.picture_path(name).exists() else item

    def save(self, item: Item, *, picture: np.ndarray | None = None) -> None:
        """Keep an item and its picture (H, W, 3), BGR uint8; the picture first, since the item vouches for it."""
        if picture is not None:
            encoded = cv2.imencode(".png", picture, FAST_PNG)[1]
            with write_then_rename(self.picture_path(item.name)) as temporary:
                temporary.write_bytes(encoded.tobytes())
        with write_then_rename(self._stem(item.name).with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(asdict(item), indent=1), encoding="utf-8")

    def read_picture(self, name: ItemName) -> np.ndarray | None:
        """Return an item's picture (H, W, 3), BGR uint8; None where it cannot be read."""
        try:  # not OpenCV's own reading, which on Windows opens few paths beyond ASCII
            content = self.picture_path(name).read_bytes()
        except OSError:
            return None
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None

    def _stem(self, name: ItemName) -> Path:
        parts = [file_name(part) for part in (name.image_set, name.setting, name.image, name.model)]
        return self.folder.joinpath(*parts[:3], parts[3] + ".x")


def file_name(name: str) -> str:
    """Turn any name into a file name; where characters had to go, a few of its hash keep it apart from others."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def hash_array(array: np.ndarray) -> str:
    """Hash an array's shape and values."""
    digest = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def join_keys(*parts: str) -> str:
    """Make one key of several."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
