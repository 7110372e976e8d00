"""Reading and writing users' pictures: values, bit depth, alpha and profiles survive; bad files are named."""

import errno
import io
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, JpegImagePlugin

from kdsr_data.pictures import ImageReadError
from kdsr_data.pictures.formats import known_formats
from kdsr_tools.upscale.picture_files import PICTURE_SUFFIXES, Picture, find_format, read_picture, write_picture

RGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_PROFILE = RGB_PROFILE[:16] + b"GRAY" + RGB_PROFILE[20:]
ORIENTED = {
    1: lambda pixels: pixels,
    2: lambda pixels: np.flip(pixels, 1),
    3: lambda pixels: np.rot90(pixels, 2),
    4: lambda pixels: np.flip(pixels, 0),
    5: lambda pixels: np.transpose(pixels, (1, 0, 2)),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.flip(np.transpose(pixels, (1, 0, 2)), (0, 1)),
    8: lambda pixels: np.rot90(pixels, 1),
}


def make_pixels(channels, dtype=np.uint8):
    """Distinct values over the whole range, (5, 7, channels)."""
    count = 5 * 7 * channels
    values = np.round(np.linspace(0, np.iinfo(dtype).max, count)).astype(dtype)
    return np.random.default_rng(0).permutation(values).reshape(5, 7, channels)


def encode(image, file_format, **options):
    content = io.BytesIO()
    image.save(content, file_format, **options)
    return content.getvalue()


def encode_tiff(pixels, **options):
    content = io.BytesIO()
    tifffile.imwrite(content, pixels, metadata=None, **options)
    return content.getvalue()


def encode_png(rows, *, bits, colour_type, width, chunks=()):
    """A PNG of rows of bytes, for what no encoder at hand writes."""
    header = struct.pack(">IIBBBBB", width, len(rows), bits, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    every_chunk = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in every_chunk
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def encode_deep_png(pixels, colour_type, chunks=()):
    rows = [row.astype(">u2").tobytes() for row in pixels]
    return encode_png(rows, bits=16, colour_type=colour_type, width=7, chunks=chunks)


@pytest.fixture
def read(tmp_path):
    """Read a file of these bytes."""

    def write_and_read(content, name="x.png", **options):
        (tmp_path / name).write_bytes(content)
        return read_picture(tmp_path / name, **options)

    return write_and_read


def assert_pixels(picture, expected):
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.dtype == expected.dtype
    assert picture.pixels.flags["C_CONTIGUOUS"]
    assert picture.pixels.flags["WRITEABLE"]


LOSSLESS = [
    *((suffix, channels, np.uint8) for suffix in (".png", ".tif", ".tiff") for channels in (1, 2, 3, 4)),
    *((".tif", channels, np.uint16) for channels in (1, 2, 3, 4)),
    *((".png", channels, np.uint16) for channels in (1, 3, 4)),
    *((".webp", channels, np.uint8) for channels in (3, 4)),
    *((".bmp", channels, np.uint8) for channels in (1, 3)),
]


@pytest.mark.parametrize(("suffix", "channels", "dtype"), LOSSLESS)
def test_lossless_formats_give_back_every_value(tmp_path, suffix, channels, dtype):
    pixels = make_pixels(channels, dtype)
    write_picture(tmp_path / f"x{suffix}", Picture(pixels))
    assert_pixels(read_picture(str(tmp_path / f"x{suffix}")), pixels)


@pytest.mark.parametrize(("suffix", "dtype", "channels"), [(".webp", np.uint8, (1, 2)), (".png", np.uint16, (2,))])
def test_gray_is_repeated_where_the_format_has_no_such_gray(tmp_path, suffix, dtype, channels):
    for count in channels:
        pixels = make_pixels(count, dtype)
        write_picture(tmp_path / f"{count}{suffix}", Picture(pixels, GRAY_PROFILE))
        picture = read_picture(tmp_path / f"{count}{suffix}")
        assert_pixels(picture, np.dstack([pixels[..., :1]] * 3 + [pixels[..., 1:]]))
        assert picture.icc_profile is None


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_sixteen_bits_are_rounded_to_the_nearest_of_eight(tmp_path, suffix):
    values = np.array([0, 128, 129, 385, 386, 32767, 32768, 65406, 65407, 65535], np.uint16)
    rounded = np.array([0, 0, 1, 1, 2, 127, 128, 254, 255, 255], np.uint8)
    pixels = np.tile(values.repeat(8)[None, :, None], (8, 1, 3))
    write_picture(tmp_path / f"x{suffix}", Picture(pixels))
    written = read_picture(tmp_path / f"x{suffix}").pixels
    expected = np.tile(rounded.repeat(8)[None, :, None], (8, 1, 3))
    np.testing.assert_allclose(written.astype(int), expected, atol=1 if suffix == ".jpg" else 0)


def test_one_bit_becomes_black_and_white(read):
    bits = make_pixels(1)[..., 0] > 127
    for content in (encode(Image.fromarray(bits), "PNG"), encode(Image.fromarray(bits), "TIFF", compression="group4")):
        assert_pixels(read(content), np.where(bits, 255, 0).astype(np.uint8)[..., None])


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_a_palette_becomes_rgb(read, file_format):
    colours = make_pixels(3).reshape(-1, 3)
    image = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7))
    image.putpalette(colours.tobytes())
    assert_pixels(read(encode(image, file_format)), colours.reshape(5, 7, 3))


def test_transparent_palette_entries_become_alpha(read):
    colours, alpha = make_pixels(3), make_pixels(1)
    image = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7))
    image.putpalette(colours.tobytes())
    assert_pixels(read(encode(image, "PNG", transparency=alpha.tobytes())), np.dstack([colours, alpha]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2)])
def test_a_transparent_colour_becomes_alpha(read, dtype, channels, colour_type):
    pixels = make_pixels(channels, dtype)
    rows = [row.astype(">u2" if dtype == np.uint16 else dtype).tobytes() for row in pixels]
    transparent = (b"tRNS", pixels[2, 3].astype(">u2").tobytes())
    bits = np.iinfo(dtype).bits
    alpha = np.full((5, 7, 1), np.iinfo(dtype).max, dtype)
    alpha[2, 3] = 0
    content = encode_png(rows, bits=bits, colour_type=colour_type, width=7, chunks=[transparent])
    assert_pixels(read(content), np.dstack([pixels, alpha]))


@pytest.mark.parametrize(("bits", "row", "step"), [(2, 0b00011011, 85), (4, 0b00000001, 17)])
def test_a_transparent_gray_of_few_bits_becomes_alpha(read, bits, row, step):
    content = encode_png([bytes([row])], bits=bits, colour_type=0, width=8 // bits, chunks=[(b"tRNS", b"\0\1")])
    gray = np.arange(8 // bits) * step
    expected = np.stack([gray, np.where(gray == step, 0, 255)], axis=-1)[None].astype(np.uint8)
    assert_pixels(read(content), expected)


def test_sixteen_bit_gray_with_alpha_is_read_from_png(read):
    pixels = make_pixels(2, np.uint16)
    assert_pixels(read(encode_deep_png(pixels, colour_type=4)), pixels)


def premultiply(pixels):
    largest = np.iinfo(pixels.dtype).max
    colour = np.round(pixels[..., :-1] * (pixels[..., -1:] / largest)).astype(pixels.dtype)
    return np.dstack([colour, pixels[..., -1:]])


RGB16, RGBA16, GRAY16, GRAY_ALPHA16 = (make_pixels(channels, np.uint16) for channels in (3, 4, 1, 2))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encode_tiff(RGB16, photometric="rgb", byteorder=">"), RGB16),
        (encode_tiff(GRAY16[..., 0], photometric="minisblack", byteorder=">"), GRAY16),
        (encode_tiff(RGB16, photometric="rgb", tile=(16, 16)), RGB16),
        (encode_tiff(RGB16, photometric="rgb", bigtiff=True), RGB16),
        (cv2.imencode(".tif", RGBA16[..., [2, 1, 0, 3]])[1].tobytes(), RGBA16),  # LZW, alpha not declared
        (encode_tiff(RGB16.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), RGB16),
        (encode_tiff(65535 - GRAY16[..., 0], photometric="miniswhite"), GRAY16),
        (encode_tiff(RGBA16, photometric="rgb", extrasamples=["unspecified"]), RGBA16[..., :3]),
        (encode_tiff(GRAY_ALPHA16, photometric="minisblack", planarconfig="contig", extrasamples=[2]), GRAY_ALPHA16),
    ],
    ids=["big-endian", "big-endian gray", "tiles", "BigTIFF", "LZW", "planes", "white is zero", "no alpha", "alpha"],
)
def test_sixteen_bit_tiffs_of_every_layout_are_read(read, content, expected):
    assert_pixels(read(content, "x.tif"), expected)


def test_premultiplied_colours_are_divided_by_alpha(read):
    straight = np.maximum(RGBA16, 2000)
    content = encode_tiff(premultiply(straight), photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(read(content).pixels.astype(int), straight, atol=17)
    impossible = np.array([[[1, 1, 1, 0], [9, 9, 9, 3]]], np.uint16)  # brighter than their alpha
    content = encode_tiff(impossible, photometric="rgb", extrasamples=["assocalpha"])
    assert_pixels(read(content), np.array([[[65535, 65535, 65535, 0], [65535, 65535, 65535, 3]]], np.uint16))
    shallow = np.array([[[100, 50, 25, 128], [0, 0, 0, 0]]], np.uint8)
    content = encode_tiff(shallow, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(read(content).pixels.astype(int), [[[199, 100, 50, 128], [0, 0, 0, 0]]], atol=1)


def test_cmyk_without_a_profile_becomes_rgb(read):
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 0], ink[..., 3] = 255, 51  # cyan, darkened by a fifth
    picture = read(encode(Image.fromarray(ink, "CMYK"), "JPEG", quality=100))
    np.testing.assert_allclose(picture.pixels.astype(int), np.tile([0, 204, 204], (16, 16, 1)), atol=3)
    assert picture.icc_profile is None


def make_cmyk_profile(lab):
    """An ICC profile (lut8) that maps paper to white, all inks to black and any other to this colour, in Lab bytes."""
    identity = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += identity * 4 + bytes([255, 128, 128]) + bytes(lab) * 14 + bytes([0, 128, 128]) + identity * 3
    size = 128 + 4 + 12 + len(table)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12) + b"acsp"
    illuminant = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(68, b"\0") + illuminant + bytes(48) + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def test_cmyk_with_a_profile_becomes_srgb(read):
    image = Image.fromarray(np.tile(np.array([255, 0, 0, 0], np.uint8), (16, 16, 1)), "CMYK")
    middle_gray = make_cmyk_profile([128, 128, 128])  # L* 50.2
    picture = read(encode(image, "JPEG", icc_profile=middle_gray))
    np.testing.assert_allclose(picture.pixels.astype(int), np.full((16, 16, 3), 119), atol=2)
    assert picture.icc_profile is None
    broken = read(encode(image, "JPEG", icc_profile=b"no profile"))
    np.testing.assert_allclose(broken.pixels.astype(int), np.tile([0, 255, 255], (16, 16, 1)), atol=2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_come_upright(read, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    tag = {"extratags": [(274, "H", 1, orientation, True)]}
    colour = Image.fromarray(make_pixels(3))
    deep_exif = [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))]
    gray_alpha = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    for content, stored in (
        (encode(colour, "PNG", exif=exif), make_pixels(3)),
        (encode(colour, "WEBP", exif=exif, lossless=True), make_pixels(3)),
        (encode(colour, "JPEG", exif=exif), read(encode(colour, "JPEG")).pixels),
        (encode(colour, "TIFF", exif=exif), make_pixels(3)),
        (encode_deep_png(RGB16, 2, chunks=deep_exif), RGB16),
        (encode_tiff(RGB16, photometric="rgb", **tag), RGB16),
        (encode_tiff(GRAY_ALPHA16, **gray_alpha, **tag), GRAY_ALPHA16),
    ):
        assert_pixels(read(content), ORIENTED[orientation](stored))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("channels", "profile"), [(1, GRAY_PROFILE), (3, RGB_PROFILE)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_the_profile_is_kept_byte_for_byte(tmp_path, suffix, channels, profile, dtype):
    if suffix == ".webp" and channels == 1:
        pytest.skip("WebP has no gray")
    path = tmp_path / f"x{suffix}"
    write_picture(path, Picture(make_pixels(channels, dtype), profile))
    assert read_picture(path).icc_profile == profile
    with Image.open(path) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_a_profile_of_other_colours_is_left_out(tmp_path, suffix):
    for dtype in (np.uint8, np.uint16):
        write_picture(tmp_path / f"x{suffix}", Picture(make_pixels(3, dtype), GRAY_PROFILE), overwrite=True)
        assert read_picture(tmp_path / f"x{suffix}").icc_profile is None


def test_the_first_of_several_frames_is_read(read):
    first, second = make_pixels(3), 255 - make_pixels(3)
    for file_format, options in (("WEBP", {"lossless": True}), ("TIFF", {}), ("PNG", {})):
        frames = {"save_all": True, "append_images": [Image.fromarray(second)]}
        assert_pixels(read(encode(Image.fromarray(first), file_format, **frames, **options)), first)


def test_the_content_tells_the_format(read):
    assert_pixels(read(encode(Image.fromarray(make_pixels(3)), "BMP"), "x.jpg"), make_pixels(3))


FLOAT_RGB = np.zeros((5, 7, 3), np.float32)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", f"not a picture of a known format ({known_formats()}), or damaged"),
        (encode_tiff(FLOAT_RGB, photometric="rgb"), "expected 8 or 16 bits a channel, got 32 (float32); convert"),
        (encode_tiff(FLOAT_RGB[..., 0]), "expected 8 or 16 bits a channel, got 32 (float32); convert"),
        (encode_tiff(RGB16.astype(np.int16), photometric="rgb"), "expected 8 or 16 bits a channel, got 16 (int16)"),
        (encode_tiff(RGBA16, photometric="separated"), "expected gray or RGB at 16 bits, got SEPARATED; convert"),
    ],
    ids=["empty", "text", "float colours", "float gray", "signed", "16-bit CMYK"],
)
def test_what_cannot_be_read_is_named_with_the_reason(read, content, reason):
    with pytest.raises(ImageReadError, match=rf"odd\.tif: .*{re.escape(reason)}"):
        read(content, "odd.tif")


def test_files_that_cannot_be_opened_are_named(tmp_path):
    with pytest.raises(ImageReadError, match=r"none\.png: cannot be read \(No such file or directory\)"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(ImageReadError, match=r"cannot be read \(Is a directory\)"):
        read_picture(tmp_path)


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))
DEEP_NOISE = np.random.default_rng(0).integers(0, 65536, (24, 32, 3), dtype=np.uint16)
CUT_OFF = {
    "PNG": encode(NOISE, "PNG"),
    "JPEG": encode(NOISE, "JPEG"),
    "progressive JPEG": encode(NOISE, "JPEG", progressive=True),
    "WebP": encode(NOISE, "WEBP"),
    "lossless WebP": encode(NOISE, "WEBP", lossless=True),
    "BMP": encode(NOISE, "BMP"),
    "TIFF": encode_tiff(np.asarray(NOISE), photometric="rgb"),
    "deflated TIFF": encode_tiff(np.asarray(NOISE), photometric="rgb", compression="adobe_deflate"),
    "LZW TIFF": encode(NOISE, "TIFF", compression="tiff_lzw"),
    "16-bit PNG": cv2.imencode(".png", DEEP_NOISE)[1].tobytes(),
    "16-bit TIFF": encode_tiff(DEEP_NOISE, photometric="rgb", compression="adobe_deflate"),
    "16-bit gray and alpha TIFF": encode_tiff(
        DEEP_NOISE[..., :2], photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]
    ),
}


@pytest.mark.parametrize("content", CUT_OFF.values(), ids=CUT_OFF.keys())
def test_a_file_that_ends_too_early_is_refused(read, content):
    assert read(content).pixels.shape[:2] == (24, 32)
    for length in (1, 4, 20, len(content) // 4, len(content) // 2, len(content) * 95 // 100, len(content) - 30):
        with pytest.raises(ImageReadError, match=r"x\.png: .*damaged"):
            read(content[:length])


def test_damaged_values_are_refused(read):
    for name in ("PNG", "16-bit PNG"):
        content = bytearray(CUT_OFF[name])
        content[len(content) // 2] ^= 255
        with pytest.raises(ImageReadError, match="damaged"):
            read(bytes(content))


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_more_pixels_than_allowed_are_refused(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    write_picture(path, Picture(make_pixels(3)))
    assert read_picture(path, max_pixels=35).pixels.shape == (5, 7, 3)
    with pytest.raises(ImageReadError, match=r"7x5 is more than 34 pixels; raise max_pixels \(--max-pixels\)"):
        read_picture(path, max_pixels=34)


def test_the_header_is_enough_to_refuse_a_bomb(read):
    rows = [b"\0"] * 5
    content = encode_png(rows, bits=8, colour_type=0, width=2**31 - 1)
    with pytest.raises(ImageReadError, match="2147483647x5 is more than 200000000 pixels"):
        read(content)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_pillows_own_limit_neither_refuses_nor_warns(read, monkeypatch, file_format):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    content = encode(Image.fromarray(make_pixels(3)), file_format, lossless=True)
    assert_pixels(read(content), make_pixels(3))
    assert Image.MAX_IMAGE_PIXELS == 10


def test_an_existing_file_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"x\.png: the file exists already; .*overwrite=True"):
        write_picture(path, Picture(make_pixels(1)))
    assert path.read_bytes() == b"precious"
    write_picture(path, Picture(make_pixels(1)), overwrite=True)
    assert_pixels(read_picture(path), make_pixels(1))


@pytest.mark.parametrize(
    ("name", "shape", "quality", "reason"),
    [
        ("x.gif", (5, 7, 3), None, r"x\.gif: expected a suffix among \.png, \.jpg, .*\.tiff, got '\.gif'"),
        ("x", (5, 7, 3), None, r"expected a suffix among .*, got ''"),
        ("x.jpg", (5, 7, 4), None, r"x\.jpg: JPEG cannot hold transparency; choose \.png, \.webp or \.tif"),
        ("x.bmp", (5, 7, 2), None, r"x\.bmp: BMP cannot hold transparency"),
        ("x.jpg", (1, 65501, 1), None, r"JPEG holds at most 65500 pixels a side, got 65501x1; choose \.png"),
        ("x.webp", (16384, 1, 1), None, r"WEBP holds at most 16383 pixels a side, got 1x16384; choose \.png"),
        ("x.jpg", (5, 7, 3), 0, r"quality: expected 1\.\.100, got 0"),
        ("x.webp", (5, 7, 3), 101, r"quality: expected 1\.\.100, got 101"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, name, shape, quality, reason):
    with pytest.raises(ValueError, match=reason):
        write_picture(tmp_path / name, Picture(np.zeros(shape, np.uint8)), quality=quality)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "shape"), [(".jpg", (1, 65500, 1)), (".webp", (16383, 1, 1))])
def test_the_largest_side_that_is_promised_can_be_written(tmp_path, suffix, shape):
    write_picture(tmp_path / f"x{suffix}", Picture(np.zeros(shape, np.uint8)))
    assert read_picture(tmp_path / f"x{suffix}").pixels.shape[:2] == shape[:2]


def test_quality_steers_jpeg_and_webp(tmp_path):
    picture = Picture(np.asarray(NOISE))
    sizes = {}
    for suffix in (".jpg", ".webp"):
        for quality in (10, 60, 95, None):
            write_picture(tmp_path / f"{quality}{suffix}", picture, quality=quality)
            sizes[suffix, quality] = (tmp_path / f"{quality}{suffix}").stat().st_size
        assert sizes[suffix, 10] < sizes[suffix, 60] < sizes[suffix, 95] <= sizes[suffix, None]
    assert sizes[".jpg", 95] == sizes[".jpg", None]
    with Image.open(tmp_path / "10.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4


def test_suffixes_in_capitals_are_known():
    assert find_format("A.JPG") == find_format(Path("a.jpeg")) == "JPEG"


def fail_with_a_full_disk(path, content):
    with path.open("wb") as file:
        file.write(content[:10])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", fail_with_a_full_disk)
    with pytest.raises(OSError, match=rf"cannot write the picture \(No space left on device\): '{path}'") as caught:
        write_picture(path, Picture(make_pixels(3)), overwrite=True)
    assert caught.value.errno == errno.ENOSPC
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x.png", b"old")]


def test_a_folder_that_cannot_be_made_is_an_os_error_with_the_path(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "folder" / "x.png"
    with pytest.raises(NotADirectoryError, match=rf"cannot write the picture \(Not a directory\): '{path}'"):
        write_picture(path, Picture(make_pixels(3)))


@pytest.mark.parametrize("pixels", [np.zeros((5, 7), np.uint8), np.zeros((5, 7, 5), np.uint8), np.zeros((5, 7, 3))])
def test_a_picture_of_other_pixels_is_refused(pixels):
    with pytest.raises(ValueError, match=r"pixels: expected \(H, W, 1 to 4\) of uint8 or uint16, got"):
        Picture(pixels)
