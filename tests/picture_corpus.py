"""Some 90 kinds of picture files, made here, each with the pixels that it shows."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
import skimage.color
import tifffile
from PIL import Image, ImageCms

HEIGHT, WIDTH = 24, 32
RGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@dataclass(frozen=True)
class Kind:
    """A file's bytes, the suffix it comes with, and the pixels (H, W, C) that it shows, up to `tolerance`."""

    content: bytes
    suffix: str
    shown: np.ndarray
    tolerance: int = 0


def make_noise(channels: int, dtype: type = np.uint8) -> np.ndarray:
    """Distinct values over the whole range, with some that are 0 and some that are white in every channel."""
    largest = np.iinfo(dtype).max
    pixels = np.random.default_rng(channels).integers(0, largest, (HEIGHT, WIDTH, channels), endpoint=True)
    pixels[0, 0], pixels[1, 1] = 0, largest
    return pixels.astype(dtype)


def make_slope() -> np.ndarray:
    """A smooth picture, which formats that lose something hardly change; no turn of it looks like another."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 7, y * 9, 30 + x * 3 + y * 2], axis=-1).astype(np.uint8)


def encode(pixels: np.ndarray | Image.Image, file_format: str, **options) -> bytes:
    """Encode by Pillow."""
    content = io.BytesIO()
    image = (
        pixels
        if isinstance(pixels, Image.Image)
        else Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    )
    image.save(content, file_format, **options)
    return content.getvalue()


def encode_tiff(pixels: np.ndarray, **options) -> bytes:
    """Encode by tifffile."""
    content = io.BytesIO()
    tifffile.imwrite(content, pixels, metadata=None, **options)
    return content.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def encode_png(
    pixels: np.ndarray, colour_type: int, *, bits: int | None = None, chunks=(), behind=(), interlaced: bool = False
) -> bytes:
    """A PNG of any kind: pixels (H, W, C) of so many bits, with other chunks before and behind."""
    bits = bits or np.iinfo(pixels.dtype).bits
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, colour_type, 0, 0, interlaced)
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [pixels[y::dy, x::dx] for y, x, dy, dx in steps] if interlaced else [pixels]
    rows = b"".join(b"\0" + _pack(row, bits) for part in parts for row in part)
    body = [*chunks, (b"IDAT", zlib.compress(rows)), *behind, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(*each) for each in body)


def _pack(row: np.ndarray, bits: int) -> bytes:
    if bits >= 8:
        return row.astype(f">u{bits // 8}").tobytes()
    values = row.reshape(-1, 8 // bits).astype(np.uint8)
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return (values << shifts).sum(axis=1).astype(np.uint8).tobytes()


def exif_of(orientation: int) -> bytes:
    """An EXIF block that says so, and nothing else."""
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


BROKEN_EXIF = b"II*\0" + b"\xff" * 40  # its first directory lies far behind its end


def premultiply(pixels: np.ndarray) -> np.ndarray:
    """Multiply colours by alpha."""
    colour = np.round(pixels[..., :-1] * (pixels[..., -1:] / np.iinfo(pixels.dtype).max)).astype(pixels.dtype)
    return np.dstack([colour, pixels[..., -1:]])


def make_corpus() -> dict[str, Kind]:
    """Make every kind, by a name that can be a file's."""
    return {**_pngs(), **_png_extras(), **_jpegs(), **_webps(), **_small_formats(), **_tiffs_8(), **_tiffs_16()}


def _pngs() -> dict[str, Kind]:
    gray, gray_alpha, rgb, rgba = (make_noise(channels) for channels in (1, 2, 3, 4))
    deep = [make_noise(channels, np.uint16) for channels in (1, 2, 3, 4)]
    few = {bits: make_noise(1) % 2**bits for bits in (1, 2, 4)}
    palette = np.arange(256, dtype=np.uint8)[:, None] * np.array([1, 3, 7], np.uint8)
    shades = make_noise(1)[..., 0]
    alpha = np.arange(256, dtype=np.uint8)[::-1]
    kinds = {
        "png-gray": (encode_png(gray, 0), gray),
        "png-gray-alpha": (encode_png(gray_alpha, 4), gray_alpha),
        "png-rgb": (encode_png(rgb, 2), rgb),
        "png-rgba": (encode_png(rgba, 6), rgba),
        "png-interlaced": (encode_png(rgb, 2, interlaced=True), rgb),
        "png-palette": (encode_png(gray, 3, chunks=[(b"PLTE", palette.tobytes())]), palette[shades]),
        "png-palette-alpha": (
            encode_png(gray, 3, chunks=[(b"PLTE", palette.tobytes()), (b"tRNS", alpha.tobytes())]),
            np.dstack([palette[shades], alpha[shades]]),
        ),
        "png-gray-1": (encode_png(few[1], 0, bits=1), few[1] * 255),
        "png-gray-2": (encode_png(few[2], 0, bits=2), few[2] * 85),
        "png-gray-4": (encode_png(few[4], 0, bits=4), few[4] * 17),
        "png-gray-4-key": (
            encode_png(few[4], 0, bits=4, chunks=[(b"tRNS", b"\0\3")]),
            np.dstack([few[4] * 17, np.where(few[4] == 3, 0, 255).astype(np.uint8)]),
        ),
        "png16-gray": (encode_png(deep[0], 0), deep[0]),
        "png16-gray-alpha": (encode_png(deep[1], 4), deep[1]),
        "png16-rgb": (encode_png(deep[2], 2), deep[2]),
        "png16-rgba": (encode_png(deep[3], 6), deep[3]),
        "png16-interlaced": (encode_png(deep[2], 2, interlaced=True), deep[2]),
    }
    for name, pixels, colour_type in (("gray", gray, 0), ("rgb", rgb, 2), ("gray", deep[0], 0), ("rgb", deep[2], 2)):
        is_key = (pixels == pixels[5, 6]).all(axis=-1)
        shown = np.dstack([pixels, np.where(is_key, 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)])
        key = [(b"tRNS", pixels[5, 6].astype(">u2").tobytes())]
        kinds[f"png{pixels.itemsize * 8}-{name}-key"] = (encode_png(pixels, colour_type, chunks=key), shown)
    return {name: Kind(content, ".png", shown) for name, (content, shown) in kinds.items()}


def _png_extras() -> dict[str, Kind]:
    rgb, deep = make_noise(3), make_noise(3, np.uint16)
    much = np.random.default_rng(0).integers(32, 127, 2 << 20, dtype=np.uint8).tobytes()
    turned = exif_of(6)
    raw = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n%8d\n" % len(turned) + turned.hex().encode() + b"\n")
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    extras = {
        "itxt": [(b"iTXt", b"Comment\0\0\0\0\0" + much)],
        "ztxt": [(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * (9 << 20)))],
        "iccp": [(b"iCCP", b"large\0\0" + zlib.compress(RGB_PROFILE + much))],
        "bad-exif": [(b"eXIf", BROKEN_EXIF)],
        "gamma": [(b"gAMA", struct.pack(">I", 100000)), (b"sBIT", b"\5\6\5"), (b"bKGD", bytes(6))],
        "empty-profile": [(b"iCCP", b"x\0\0")],
    }
    kinds = {f"png-{name}": Kind(encode_png(rgb, 2, chunks=chunks), ".png", rgb) for name, chunks in extras.items()}
    kinds["png-late-text"] = Kind(encode_png(rgb, 2, behind=extras["itxt"]), ".png", rgb)
    bad = encode_png(rgb, 2, chunks=[(b"tEXt", b"a\0b")]).replace(b"a\0b", b"a\0c")  # whose checksum no longer fits
    kinds["png-bad-text"] = Kind(bad, ".png", rgb)
    kinds["png-turned"] = Kind(encode_png(rgb, 2, chunks=[(b"eXIf", turned)]), ".png", np.rot90(rgb, -1))
    kinds["png-turned-raw"] = Kind(encode_png(rgb, 2, chunks=[(b"zTXt", raw)]), ".png", np.rot90(rgb, -1))
    xmp_chunk = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    kinds["png-turned-xmp"] = Kind(encode_png(rgb, 2, chunks=[xmp_chunk]), ".png", np.rot90(rgb, 2))
    kinds["png16-turned"] = Kind(encode_png(deep, 2, behind=[(b"eXIf", turned)]), ".png", np.rot90(deep, -1))
    frames = {"save_all": True, "append_images": [Image.fromarray(255 - rgb)]}
    kinds["png-animated"] = Kind(encode(rgb, "PNG", **frames), ".apng", rgb)
    return kinds


def _jpegs() -> dict[str, Kind]:
    slope = make_slope()
    gray = slope[..., :1]
    cmyk = np.dstack([255 - slope, np.zeros_like(gray)])
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    kinds = {
        "jpeg-444": (encode(slope, "JPEG", quality=98, subsampling=0), slope),
        "jpeg-420": (encode(slope, "JPEG", quality=98, subsampling=2), slope),
        "jpeg-progressive": (encode(slope, "JPEG", quality=98, progressive=True), slope),
        "jpeg-rgb": (encode(slope, "JPEG", quality=98, keep_rgb=True), slope),
        "jpeg-gray": (encode(gray, "JPEG", quality=98), gray),
        "jpeg-cmyk": (encode(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=98), slope),
        "jpeg-turned": (encode(slope, "JPEG", quality=98, exif=b"Exif\0\0" + exif_of(8)), np.rot90(slope, 1)),
        "jpeg-turned-gray": (
            encode(gray, "JPEG", quality=98, exif=b"Exif\0\0" + exif_of(5)),
            np.transpose(gray, (1, 0, 2)),
        ),
        "jpeg-turned-xmp": (encode(slope, "JPEG", quality=98, xmp=xmp), np.rot90(slope, -1)),
        "jpeg-bad-exif": (encode(slope, "JPEG", quality=98, exif=b"Exif\0\0" + BROKEN_EXIF), slope),
    }
    suffixes = [".jpg", ".jpeg", ".jpe", ".jfif"]
    return {
        name: Kind(content, suffixes[number % 4], shown, tolerance=10)
        for number, (name, (content, shown)) in enumerate(kinds.items())
    }


def _webps() -> dict[str, Kind]:
    slope, rgb, rgba = make_slope(), make_noise(3), make_noise(4)
    lossless = {"lossless": True, "exact": True}
    second = {"save_all": True, "append_images": [Image.fromarray(255 - rgb)]}
    return {
        "webp": Kind(encode(slope, "WEBP", quality=98), ".webp", slope, tolerance=12),
        "webp-lossless": Kind(encode(rgb, "WEBP", **lossless), ".webp", rgb),
        "webp-alpha": Kind(encode(rgba, "WEBP", **lossless), ".webp", rgba),
        "webp-animated": Kind(encode(rgb, "WEBP", **second, **lossless), ".webp", rgb),
        "webp-turned": Kind(encode(rgb, "WEBP", exif=exif_of(7), **lossless), ".webp", np.rot90(rgb, 2).swapaxes(0, 1)),
        "webp-bad-exif": Kind(encode(rgb, "WEBP", exif=BROKEN_EXIF, **lossless), ".webp", rgb),
    }


def _small_formats() -> dict[str, Kind]:
    gray, rgb, deep, deep_gray = make_noise(1), make_noise(3), make_noise(3, np.uint16), make_noise(1, np.uint16)
    bits = gray[..., 0] > 127
    shown_bits = (bits * np.uint8(255))[..., None]
    indexed = Image.fromarray(gray[..., 0])
    palette = np.arange(256, dtype=np.uint8)[:, None] * np.array([1, 3, 7], np.uint8)
    indexed.putpalette(palette.tobytes())
    shown = palette[gray[..., 0]]
    transparent = np.where(gray == 9, 0, 255).astype(np.uint8)
    ten_bits = np.random.default_rng(0).integers(0, 1024, (HEIGHT, WIDTH, 3))
    scaled = ((ten_bits * 65535 + 511) // 1023).astype(np.uint16)
    text = b"P3\n# a remark\n%d %d\n1023\n" % (WIDTH, HEIGHT) + " ".join(map(str, ten_bits.flat)).encode()
    slope = make_slope()
    return {
        "bmp-1": Kind(encode(Image.fromarray(bits), "BMP"), ".bmp", shown_bits),
        "bmp-gray": Kind(encode(gray, "BMP"), ".bmp", gray),
        "bmp-palette": Kind(encode(indexed, "BMP"), ".bmp", shown),
        "bmp-rgb": Kind(encode(rgb, "BMP"), ".dib", rgb),
        "gif": Kind(encode(indexed, "GIF"), ".gif", shown),
        "gif-transparent": Kind(encode(indexed, "GIF", transparency=9), ".gif", np.dstack([shown, transparent])),
        "gif-animated": Kind(
            encode(indexed, "GIF", save_all=True, append_images=[Image.fromarray(255 - rgb)]), ".gif", shown
        ),
        "pbm": Kind(encode(Image.fromarray(bits), "PPM"), ".pbm", shown_bits),
        "pgm": Kind(encode(gray, "PPM"), ".pgm", gray),
        "ppm": Kind(encode(rgb, "PPM"), ".ppm", rgb),
        "ppm16": Kind(b"P6 32 24 65535\n" + deep.astype(">u2").tobytes(), ".ppm", deep),
        "pgm16": Kind(b"P5\n32 24\n65535\n" + deep_gray.astype(">u2").tobytes(), ".pgm", deep_gray),
        "ppm-10-bits": Kind(text, ".pnm", scaled),
        "jpeg2000": Kind(encode(rgb, "JPEG2000"), ".jp2", rgb),
        "jpeg2000-gray": Kind(encode(gray, "JPEG2000"), ".j2k", gray),
        "avif": Kind(encode(slope, "AVIF", quality=95, subsampling="4:4:4"), ".avif", slope, tolerance=10),
    }


def _tiffs_8() -> dict[str, Kind]:
    gray, rgb, rgba, slope = make_noise(1), make_noise(3), make_noise(4), make_slope()
    visible = np.maximum(rgba, 32)
    indexed = Image.fromarray(gray[..., 0])
    palette = np.arange(256, dtype=np.uint8)[:, None] * np.array([1, 3, 7], np.uint8)
    indexed.putpalette(palette.tobytes())
    bits = gray[..., 0] > 127
    cmyk = np.dstack([255 - rgb, np.zeros_like(gray)])
    plain = {"photometric": "rgb"}
    planes = {**plain, "planarconfig": "separate"}
    thumbnail = io.BytesIO()
    with tifffile.TiffWriter(thumbnail) as file:
        file.write(rgb[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        file.write(rgb, photometric="rgb", metadata=None)
    turned = {"extratags": [(274, "H", 1, 8, True)]}
    muted = slope // 3 + 80
    lab = _lab_of(muted)
    kinds = {
        "tiff-gray": (encode_tiff(gray[..., 0], photometric="minisblack"), gray),
        "tiff-white-is-zero": (encode_tiff(255 - gray[..., 0], photometric="miniswhite"), gray),
        "tiff-rgb": (encode_tiff(rgb, **plain), rgb),
        "tiff-planes": (encode_tiff(rgb.transpose(2, 0, 1), **planes), rgb),
        "tiff-tiles": (encode_tiff(rgb, **plain, tile=(16, 16)), rgb),
        "tiff-rgba": (encode_tiff(rgba, **plain, extrasamples=["unassalpha"]), rgba),
        "tiff-undeclared-alpha": (cv2.imencode(".tif", rgba[..., [2, 1, 0, 3]])[1].tobytes(), rgba),
        "tiff-no-alpha": (encode_tiff(rgba, **plain, extrasamples=["unspecified"]), rgba[..., :3]),
        "tiff-palette": (encode(indexed, "TIFF"), palette[gray[..., 0]]),
        "tiff-group4": (encode(Image.fromarray(bits), "TIFF", compression="group4"), (bits * np.uint8(255))[..., None]),
        "tiff-cmyk": (encode(Image.fromarray(cmyk, "CMYK"), "TIFF"), rgb),
        "tiff-lzw": (encode(rgb, "TIFF", compression="tiff_lzw"), rgb),
        "tiff-packbits": (encode(rgb, "TIFF", compression="packbits"), rgb),
        "tiff-zstd": (encode_tiff(rgb, **plain, compression="zstd"), rgb),
        "tiff-lzma": (encode_tiff(rgb, **plain, compression="lzma"), rgb),
        "tiff-predictor": (encode_tiff(rgb, **plain, compression="adobe_deflate", predictor=True), rgb),
        "tiff-big-endian": (encode_tiff(rgb, **plain, byteorder=">"), rgb),
        "tiff-big-endian-bigtiff": (encode_tiff(rgb, **plain, byteorder=">", bigtiff=True), rgb),
        "tiff-turned": (encode_tiff(rgb, **plain, **turned), np.rot90(rgb, 1)),
        "tiff-turned-palette": (encode(indexed, "TIFF", exif=exif_of(6)), np.rot90(palette[gray[..., 0]], -1)),
        "tiff-thumbnail-first": (thumbnail.getvalue(), rgb),
        "tiff-pages": (encode(rgb, "TIFF", save_all=True, append_images=[Image.fromarray(255 - rgb)]), rgb),
    }
    found = {name: Kind(content, ".tif", shown) for name, (content, shown) in kinds.items()}
    premultiplied = encode_tiff(premultiply(visible), **plain, extrasamples=["assocalpha"])
    found["tiff-premultiplied"] = Kind(premultiplied, ".tiff", visible, tolerance=5)
    found["tiff-jpeg"] = Kind(encode(slope, "TIFF", compression="jpeg", quality=98), ".tif", slope, tolerance=10)
    found["tiff-lab"] = Kind(encode_tiff(lab, photometric="cielab"), ".tif", muted, tolerance=5)
    return found


def _lab_of(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB, relative to white, as TIFF stores it: L* of 255, a* and b* signed."""
    lab = skimage.color.rgb2lab(rgb)
    return np.round(lab * [2.55, 1, 1]).astype(np.int16).astype(np.uint8)


def _tiffs_16() -> dict[str, Kind]:
    gray, gray_alpha, rgb, rgba = (make_noise(channels, np.uint16) for channels in (1, 2, 3, 4))
    visible = np.maximum(rgba, 4000)
    plain = {"photometric": "rgb"}
    planes = {**plain, "planarconfig": "separate"}
    with_alpha = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    turned = {"extratags": [(274, "H", 1, 3, True)]}
    kinds = {
        "tiff16-gray": (encode_tiff(gray[..., 0], photometric="minisblack"), gray),
        "tiff16-white-is-zero": (encode_tiff(65535 - gray[..., 0], photometric="miniswhite"), gray),
        "tiff16-gray-alpha": (encode_tiff(gray_alpha, **with_alpha), gray_alpha),
        "tiff16-gray-alpha-lzw": (encode_tiff(gray_alpha, **with_alpha, compression="lzw"), gray_alpha),
        "tiff16-rgb": (encode_tiff(rgb, **plain), rgb),
        "tiff16-planes": (encode_tiff(rgb.transpose(2, 0, 1), **planes), rgb),
        "tiff16-planes-lzw": (encode_tiff(rgb.transpose(2, 0, 1), **planes, compression="lzw"), rgb),
        "tiff16-tiles": (encode_tiff(rgb, **plain, tile=(16, 16)), rgb),
        "tiff16-big-endian": (encode_tiff(rgb, **plain, byteorder=">"), rgb),
        "tiff16-bigtiff": (encode_tiff(rgb, **plain, bigtiff=True), rgb),
        "tiff16-rgba": (encode_tiff(rgba, **plain, extrasamples=["unassalpha"]), rgba),
        "tiff16-lzw": (cv2.imencode(".tif", rgba[..., [2, 1, 0, 3]])[1].tobytes(), rgba),
        "tiff16-predictor": (encode_tiff(rgb, **plain, compression="adobe_deflate", predictor=True), rgb),
        "tiff16-zstd": (encode_tiff(rgb, **plain, compression="zstd"), rgb),
        "tiff16-turned": (encode_tiff(rgb, **plain, **turned), np.rot90(rgb, 2)),
    }
    found = {name: Kind(content, ".tif", shown) for name, (content, shown) in kinds.items()}
    premultiplied = encode_tiff(premultiply(visible), **plain, extrasamples=["assocalpha"])
    found["tiff16-premultiplied"] = Kind(premultiplied, ".tif", visible, tolerance=20)
    return found
