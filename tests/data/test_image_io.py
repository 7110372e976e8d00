"""Decoding images: every pixel type becomes RGB between 0 and 1, and bad files are named with the reason."""

import cv2
import numpy as np
import pytest
from PIL import Image

from kdsr_data.image_io import ImageReadError, decode_image


def encode(image, suffix=".png"):
    return cv2.imencode(suffix, image)[1].tobytes()


def test_colours_come_as_rgb_between_0_and_1(photograph):
    decoded = decode_image(encode(photograph[..., ::-1]), "x.png")
    np.testing.assert_array_equal(decoded, photograph.astype(np.float32) / np.float32(255))
    assert decoded.dtype == np.float32
    assert decoded.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm", ".jpg", ".webp"])
def test_every_format_shows_the_same_image(photograph, suffix):
    quality = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_WEBP_QUALITY, 101] if suffix in (".jpg", ".webp") else []
    content = cv2.imencode(suffix, photograph[..., ::-1], quality)[1].tobytes()
    tolerance = 8 / 255 if suffix == ".jpg" else 1e-7
    difference = np.abs(decode_image(content, f"x{suffix}") - photograph.astype(np.float32) / 255)
    assert np.quantile(difference, 0.99) <= tolerance


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_are_kept(channels):
    image = np.linspace(0, 65535, 4 * 5 * channels).astype(np.uint16).reshape(4, 5, channels)
    decoded = decode_image(encode(image), "x.png")
    np.testing.assert_allclose(decoded[..., ::-1], image[..., :3] / 65535, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_becomes_three_equal_channels(dtype):
    white = np.iinfo(dtype).max
    gray = np.linspace(0, white, 20).astype(dtype).reshape(4, 5)
    decoded = decode_image(encode(gray), "x.png")
    np.testing.assert_allclose(decoded, np.repeat(gray[..., None] / white, 3, axis=2), atol=1e-7)
    assert decoded.max() == 1


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_other_channel_counts_become_three(tmp_path, photograph, mode):
    source = Image.fromarray(photograph).convert(mode)
    source.save(tmp_path / "x.png")
    decoded = decode_image((tmp_path / "x.png").read_bytes(), "x.png")
    expected = np.asarray(source.convert("RGBA").convert("RGB"), np.float32) / 255
    np.testing.assert_allclose(decoded, expected, atol=1e-6)


def test_colours_under_a_transparent_alpha_stay(photograph):
    transparent = np.dstack([photograph[..., ::-1], np.zeros(photograph.shape[:2], np.uint8)])
    np.testing.assert_allclose(decode_image(encode(transparent), "x.png"), photograph / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no image at all", "not a picture of a known format"),
        (encode(np.zeros((8, 8, 3), np.float32), ".tiff"), r"expected 8 or 16 bits a channel, got 32 \(float32\)"),
        (encode(np.zeros((8, 8), np.float32), ".tiff"), r"expected 8 or 16 bits a channel, got 32 \(float32\)"),
    ],
    ids=["empty", "text", "float colours", "float gray"],
)
def test_what_cannot_be_read_is_named_with_the_reason(content, reason):
    with pytest.raises(ImageReadError, match=rf"dir/x\.png: .*{reason}"):
        decode_image(content, "dir/x.png")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_a_file_that_ends_too_early_is_refused(photograph, suffix, share):
    content = encode(photograph, suffix)
    with pytest.raises(ImageReadError, match="damaged"):
        decode_image(content[: int(share * len(content))], "x")
