"""Metadata of results: resolution and colours always, people and places on request, by what a format holds."""

import struct

import numpy as np
import pytest
from PIL import Image

from kdsr_data.pictures import Metadata, decode_picture
from kdsr_data.pictures.stored import parse_exif
from kdsr_tools.upscale.picture_files import Picture, encode_picture
from kdsr_tools.upscale.picture_metadata import choose_metadata, upright_exif, upright_xmp

COLOUR_CHUNKS = (
    (b"cICP", b"\x09\x10\0\1"),
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", *range(8))),
)
TEXT_CHUNKS = ((b"tEXt", b"Author\0A"), (b"iTXt", b"Title\0\0\0\0\0" + "Ü".encode()))


def make_exif():
    exif = Image.Exif()
    exif[274], exif[271], exif[306] = 6, "Maker", "2024:01:02 03:04:05"
    exif[34665] = {40962: 7, 40963: 5, 36867: "2024:01:02 03:04:05"}
    exif[34853] = {1: "N"}
    return exif.tobytes().removeprefix(b"Exif\0\0")


FULL = Metadata((300.0, 150.0), make_exif(), b"<x tiff:Orientation='6'/>", COLOUR_CHUNKS, TEXT_CHUNKS)


def written(file_format, dtype=np.uint8, **options):
    picture = Picture(np.zeros((20, 28, 3), dtype), metadata=FULL)
    return decode_picture(encode_picture(picture, file_format, path="x", **options), "x").metadata


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_png_keeps_all_it_can_hold(dtype):
    found = written("PNG", dtype, keep_metadata=True)
    assert found.dpi == pytest.approx((300, 150), abs=0.02)
    assert (found.colour_chunks, found.text_chunks) == (COLOUR_CHUNKS, TEXT_CHUNKS)
    assert found.xmp == b"<x tiff:Orientation='1'/>"
    exif = parse_exif(found.exif)
    assert (exif[271], exif[274]) == ("Maker", 1)
    assert exif.get_ifd(34665)[40962] == 28
    assert exif.get_ifd(34665)[36867] == "2024:01:02 03:04:05"
    assert exif.get_ifd(34853)[1] == "N"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_what_tells_of_people_and_places_is_left_out_unless_wanted(file_format):
    found = written(file_format)
    assert (found.exif, found.xmp, found.text_chunks) == (None, None, ())
    assert found.colour_chunks == (COLOUR_CHUNKS if file_format == "PNG" else ())
    assert found.dpi == (None if file_format == "WEBP" else pytest.approx((300, 150), abs=0.1))


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "TIFF"])
def test_other_formats_keep_exif_and_xmp(file_format):
    found = written(file_format, keep_metadata=True)
    assert found.xmp == b"<x tiff:Orientation='1'/>"
    exif = parse_exif(found.exif)
    assert exif[271] == "Maker"
    assert exif.get(274, 1) == 1


def test_what_a_format_cannot_hold_is_named():
    assert choose_metadata(FULL, "BMP", keep_all=True)[1] == ["EXIF", "XMP", "text"]
    assert choose_metadata(FULL, "JPEG", keep_all=True)[1] == ["text"]
    assert choose_metadata(FULL, "BMP", keep_all=False)[1] == []
    large = Metadata(exif=b"x" * 70_000)
    assert choose_metadata(large, "JPEG", keep_all=True) == (Metadata(), ["EXIF"])


def test_blocks_that_are_broken_or_empty_are_left_out():
    assert upright_exif(b"II*\0" + b"\xff" * 40, width=1, height=1) is None
    assert upright_exif(None, width=1, height=1) is None
    assert upright_xmp(None) is None
