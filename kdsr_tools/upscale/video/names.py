"""Which files are films, told without decoding them, and which suffix a film's result gets."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

# FFmpeg's muxer of each suffix that results may have.
CONTAINERS = {".mkv": "matroska", ".mp4": "mp4", ".mov": "mov", ".webm": "webm"}
# What folders are searched for, and the suffix of each one's result: Matroska holds whatever the others held.
RESULT_SUFFIXES = {
    **{suffix: suffix for suffix in CONTAINERS},
    **dict.fromkeys((".m4v", ".3gp"), ".mp4"),
    **dict.fromkeys((".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".wmv", ".y4m"), ".mkv"),
    ".gif": ".gif",
    ".apng": ".apng",
}
FORMATS = tuple(suffix.removeprefix(".") for suffix in CONTAINERS)
OLDEST_AV = 18
# What Pillow calls the formats of short films, which need no PyAV.
ANIMATIONS = {".gif": "GIF", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP"}
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def is_film_name(path: Path) -> bool:
    """Return whether a name alone says that a file is a film."""
    return path.suffix.lower() in RESULT_SUFFIXES


def needs_av(path: Path) -> bool:
    """Return whether a film of this name is one that FFmpeg decodes."""
    return is_film_name(path) and path.suffix.lower() not in ANIMATIONS


def is_animation(source: Path, target: Path) -> bool:
    """Return whether a file moves, and its result's format can: GIF, APNG, or a PNG or WebP of several frames."""
    suffix = source.suffix.lower()
    if suffix not in ANIMATIONS or ANIMATIONS.get(target.suffix.lower()) != ANIMATIONS[suffix]:
        return False
    return suffix in RESULT_SUFFIXES or _has_several_frames(source)


def _has_several_frames(path: Path) -> bool:
    """Look into the header of a PNG or WebP; False where it cannot be read, which is reported as for pictures."""
    try:
        with path.open("rb") as file:
            head = file.read(30)
            if head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X":
                return bool(head[20] & 2)
            if not head.startswith(PNG_SIGNATURE):
                return False
            file.seek(len(PNG_SIGNATURE))
            # Chunks: length, name, content, checksum. acTL stands before the first content.
            while (chunk := file.read(8))[4:] not in (b"", b"IDAT", b"IEND"):
                if chunk[4:] == b"acTL":
                    return True
                file.seek(int.from_bytes(chunk[:4], "big") + 4, 1)
    except OSError:
        pass
    return False


def require_av() -> None:
    """Look for PyAV before hours of work.

    Raises:
        ValueError: it is missing; the message names the extra that brings it.
    """
    if find_spec("av") is None or int(metadata.version("av").partition(".")[0]) < OLDEST_AV:
        raise ValueError(
            f"films need PyAV {OLDEST_AV}, which is not installed: pip install 'kdsr[video]', on Python 3.11 or newer"
        )


def is_film(source: Path, target: Path) -> bool:
    """Return whether a file is decoded as a film whose result is one, by their names."""
    return needs_av(source) or target.suffix.lower() in CONTAINERS


def choose_suffix(path: Path, film_format: str | None) -> str | None:
    """Return the suffix of a film's result; None for what is no film by its name.

    Args:
        film_format: one of `FORMATS`, or None to keep what can be kept.
    """
    if not is_film_name(path):
        return None
    return f".{film_format}" if film_format and needs_av(path) else RESULT_SUFFIXES[path.suffix.lower()]
