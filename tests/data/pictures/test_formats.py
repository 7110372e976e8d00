"""Formats: what tells them apart, what is missing for the rare ones, and what of a folder is passed over."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kdsr_data.pictures import ImageReadError, decode_picture, formats

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HEIC, "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x14ftypisom\0\0\0\0isom", None),  # a film
        (b"\xff\x0a\0\0", "JXL"),
        (b"\xff\xd8\xff\xe0", None),
    ],
)
def test_the_first_bytes_tell_the_format(content, expected):
    assert formats.tell_format(content) == expected


def test_a_format_whose_package_is_missing_says_which(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(ImageReadError, match=r"x: HEIF pictures need a package: pip install pillow-heif"):
        decode_picture(HEIC, "x")
    assert formats.describe_passed_over(["a.heic", "b.HEIC", "c.txt", "README"]) == (
        "4 other files were passed over (2 .heic: HEIF pictures need a package: pip install pillow-heif, 1 .txt, "
        "1 no suffix)"
    )


def test_nothing_passed_over_is_not_worth_a_word():
    assert formats.describe_passed_over([]) is None


def test_the_reader_needs_neither_torch_nor_basicsr():
    script = (
        "import sys, kdsr_data.pictures; print([m for m in ('torch', 'basicsr', 'torchvision') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "file_format", "options"),
    [("pillow_heif", "HEIF", {"quality": 95}), ("pillow_jxl", "JXL", {"lossless": True})],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_formats_of_packages_are_read_upright(package, file_format, options, orientation):
    pytest.importorskip(package)
    formats.enable(file_format)
    y, x = np.mgrid[:64, :96]
    shown = np.stack([x * 2, y * 3, 30 + x + y], axis=-1).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    content = io.BytesIO()
    Image.fromarray(shown).save(content, file_format, exif=exif.tobytes(), **options)
    expected = np.rot90(shown, -1) if orientation == 6 else shown
    pixels = decode_picture(content.getvalue(), "x").pixels
    np.testing.assert_allclose(pixels.astype(int), expected, atol=8)
