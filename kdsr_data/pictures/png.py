"""PNG: its chunks, and its pixels of any kind.

Decoders get the chunks that hold pixels and nothing else: texts, profiles and EXIF blocks, however large or broken,
cannot spoil a picture then, and an animation becomes the picture that stands for it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from kdsr_data.pictures.formats import PNG_SIGNATURE
from kdsr_data.pictures.picture import Metadata, Picture, Unusable
from kdsr_data.pictures.pillow import find_pixels
from kdsr_data.pictures.stored import decode_by_opencv, find_orientation, turn_upright

GRAY, RGB, GRAY_ALPHA, RGBA = 0, 2, 4, 6  # the header's colour types; 3 is a palette
PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
COLOUR_CHUNKS = (b"cICP", b"gAMA", b"cHRM", b"sRGB", b"mDCV", b"cLLI")
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
XMP_KEYWORD = b"XML:com.adobe.xmp\0"
# ImageMagick's place for EXIF blocks.
RAW_EXIF_KEYWORDS = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
LARGEST_BLOCK = 64 * 2**20  # bytes that a profile or an EXIF block may have, unpacked
METRES_AN_INCH = 0.0254


class Chunk(NamedTuple):
    """A chunk's name and body, and where it lies in the file, from its length to its checksum."""

    name: bytes
    body: bytes
    start: int
    end: int

    def is_whole(self, content: bytes) -> bool:
        """Return whether the checksum fits."""
        return zlib.crc32(self.name + self.body) == int.from_bytes(content[self.end - 4 : self.end], "big")


def list_chunks(content: bytes) -> Iterator[Chunk]:
    """List the chunks up to the end or to where the file is torn; pixels come without their body."""
    start = len(PNG_SIGNATURE)
    while start + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, start)
        end = start + 12 + length
        if end > len(content):
            return
        yield Chunk(name, b"" if name in (b"IDAT", b"fdAT") else content[start + 8 : end - 4], start, end)
        if name == b"IEND":
            return
        start = end


def make_chunk(name: bytes, body: bytes) -> bytes:
    """Make the bytes of a chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def insert_chunks(content: bytes, chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Put chunks behind a PNG's header."""
    place = len(PNG_SIGNATURE) + 12 + 13
    return content[:place] + b"".join(make_chunk(*chunk) for chunk in chunks) + content[place:]


class StoredPng:
    """A PNG whose chunks were found."""

    def __init__(self, content: bytes):
        self.content = content
        self.chunks = list(list_chunks(content))
        if not self.chunks or self.chunks[0].name != b"IHDR" or len(self.chunks[0].body) != 13:
            raise Unusable("not a picture of a known format, or damaged: the PNG's header is missing")
        self.width, self.height, self.bits, self.colour_type = struct.unpack_from(">IIBB", self.chunks[0].body)
        self.exif, self.xmp = self._find_exif(), self._find_xmp()
        self.orientation = find_orientation(self.exif, self.xmp)

    def decode(self) -> Picture:
        """Decode the pixels and turn them upright."""
        pixels = turn_upright(self._decode_pixels(), self.orientation)
        return Picture(pixels, self._find_profile(), self._find_metadata(), self._describe_frames())

    def _decode_pixels(self) -> np.ndarray:
        content = self._only_pixels()
        if self.bits == 16:
            return self._decode_deep(content)
        if self.bits == 8 and self.colour_type in (GRAY, RGB, RGBA) and not self._bodies(b"tRNS"):
            pixels = decode_by_opencv(content)
            if pixels is not None:
                return pixels
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
            return find_pixels(image, bits=self.bits)

    def _only_pixels(self) -> bytes:
        """Leave out what the decoders need not see; a torn end stays, for them to complain of."""
        left_out = [chunk for chunk in self.chunks if chunk.name not in PIXEL_CHUNKS]
        parts, start = [], 0
        for chunk in left_out:
            parts.append(self.content[start : chunk.start])
            start = chunk.end
        return b"".join([*parts, self.content[start:]]) if left_out else self.content

    def _decode_deep(self, content: bytes) -> np.ndarray:
        pixels = decode_by_opencv(content)
        if pixels is None:
            raise ValueError("OpenCV cannot decode it")
        if self.colour_type == GRAY_ALPHA:  # which OpenCV gives as RGBA
            return pixels[..., [0, 3]]
        for _, body in self._bodies(b"tRNS"):
            if self.colour_type == GRAY:  # OpenCV heeds only a transparent colour
                alpha = np.where(pixels == int.from_bytes(body[:2], "big"), 0, 65535)
                return np.concatenate([pixels, alpha.astype(np.uint16)], axis=-1)
        return pixels

    def _bodies(self, *names: bytes) -> list[tuple[bytes, bytes]]:
        found = [chunk for chunk in self.chunks if chunk.name in names]
        return [(chunk.name, chunk.body) for chunk in found if chunk.is_whole(self.content)]

    def _find_profile(self) -> bytes | None:
        for _, body in self._bodies(b"iCCP"):
            return _unpack(body.partition(b"\0")[2][1:]) or None
        return None

    def _find_exif(self) -> bytes | None:
        for _, body in self._bodies(b"eXIf"):
            return body.removeprefix(b"Exif\0\0")
        for name, body in self._bodies(b"tEXt", b"zTXt"):
            if body.startswith(RAW_EXIF_KEYWORDS):
                text = body.partition(b"\0")[2]
                return _from_hexadecimal(_unpack(text[1:]) if name == b"zTXt" else text)
        return None

    def _find_xmp(self) -> bytes | None:
        for _, body in self._bodies(b"iTXt"):
            if body.startswith(XMP_KEYWORD):
                flags, text = body[len(XMP_KEYWORD) :][:2], body[len(XMP_KEYWORD) + 2 :].split(b"\0", 2)[-1]
                return _unpack(text) if flags[:1] == b"\1" else text
        return None

    def _find_metadata(self) -> Metadata:
        dpi = None
        for _, body in self._bodies(b"pHYs"):
            if len(body) == 9 and body[8] == 1:  # pixels a metre
                dpi = tuple(round(a_metre * METRES_AN_INCH, 3) for a_metre in struct.unpack_from(">II", body))
        no_texts = (XMP_KEYWORD, *RAW_EXIF_KEYWORDS)
        texts = tuple(chunk for chunk in self._bodies(*TEXT_CHUNKS) if not chunk[1].startswith(no_texts))
        return Metadata(dpi, self.exif, self.xmp, tuple(self._bodies(*COLOUR_CHUNKS)), texts)

    def _describe_frames(self) -> tuple[str, ...]:
        frames = [int.from_bytes(body[:4], "big") for _, body in self._bodies(b"acTL")]
        return (f"it has {frames[0]} frames, of which the first was used",) if frames and frames[0] > 1 else ()


def _unpack(packed: bytes) -> bytes:
    """Unpack a block; nothing, if it is damaged or larger than blocks are."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(packed, LARGEST_BLOCK)
    except zlib.error:
        return b""
    return found if unpacker.eof else b""


def _from_hexadecimal(text: bytes) -> bytes | None:
    """Read a raw profile: a line with its name, one with its length, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(text.decode("ascii").split("\n")[3:])).removeprefix(b"Exif\0\0") or None
    except ValueError:
        return None
