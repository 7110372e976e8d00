"""JPEG compression: libjpeg's own result, and more damage at lower quality."""

import io

import numpy as np
from PIL import Image

from kdsr_data.degradations.compression import compress_jpeg


def test_an_image_is_what_a_jpeg_file_of_that_quality_holds(gt):
    file = io.BytesIO()
    Image.fromarray((gt * 255).round().astype(np.uint8)).save(file, "jpeg", quality=60, subsampling="4:2:0")
    expected = np.asarray(Image.open(file), np.float32) / 255
    compressed = compress_jpeg(np.ascontiguousarray(gt[..., ::-1]), quality=60)[..., ::-1]
    # Two builds of libjpeg may round and smooth chroma in their own ways.
    assert np.abs(compressed - expected).mean() < 0.5 / 255


def test_lower_quality_does_more_damage(gt):
    damage = [np.abs(compress_jpeg(gt, quality=quality) - gt).mean() for quality in (98, 80, 50, 10)]
    assert damage == sorted(damage)
    assert damage[0] < 3 / 255


def test_values_beyond_the_range_are_clipped(gt):
    np.testing.assert_array_equal(
        compress_jpeg(gt * 4 - 1, quality=90), compress_jpeg((gt * 4 - 1).clip(0, 1), quality=90)
    )
