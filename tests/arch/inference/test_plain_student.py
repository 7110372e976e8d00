"""The student's own layers in the parts that whole images are put together from."""

import pytest
import torch

from kdsr_arch.inference import plain_student
from kdsr_arch.inference.plain_student import PlainStudent, sum_type


@torch.no_grad()
def test_sums_over_the_parts_of_an_image_make_its_average(student, monkeypatch):
    image = torch.rand(1, 3, 13, 17)
    expected = student.estimator.extract_features(image).mean(dim=(2, 3))
    parts = [(0, 5, 0, 17), (5, 13, 0, 9), (5, 13, 9, 17)]
    for wide_pixels in (40, 2**14):  # in strips, and at once
        monkeypatch.setattr(plain_student, "WIDE_PIXELS", wide_pixels)
        total = sum(PlainStudent(student).sum_features(image, [part]) for part in parts)
        assert total.dtype == torch.float64
        torch.testing.assert_close((total / (13 * 17)).float(), expected, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_features_are_those_of_the_sr_network(student):
    lq, idr = torch.rand(1, 3, 6, 7), torch.rand(1, 8)
    assert torch.equal(PlainStudent(student).extract_features(lq, idr), student.sr_network.extract_features(lq, idr))


def test_bytes_follow_from_channels_and_precision(student):
    parts = PlainStudent(student)
    assert (parts.body_pixel_bytes, parts.estimator_pixel_bytes) == (6 * 8 * 4, 6 * 8 * 4)
    assert PlainStudent(student.half()).body_pixel_bytes == 6 * 8 * 2


@pytest.mark.parametrize(("device", "expected"), [("cpu", torch.float64), ("mps", torch.float32)])
def test_sums_are_as_precise_as_the_device_can(device, expected):
    assert sum_type(torch.device(device)) == expected
