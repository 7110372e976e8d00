"""The metrics of a validation, tried before it."""
# ruff: noqa: E501  (a table)

import pytest
from spoilt_options import assert_refused, make
from training_steps import complete

from kdsr_model.options import find_problems

MISTAKES = [
    ("student", "val.metrics.psnr.crop_border", "x", "val.metrics.psnr.crop_border: expected a number of pixels, or 'scale'"),
    ("student", "val.metrics.psnr.crop_border", 36, "crop_border: 36 pixels at each edge leave nothing of images with 72"),
    ("real_world/finetune_paired.yml", "val.metrics.psnr.crop_border", 10**9, "crop_border: 1000000000 pixels at each edge leave nothing of images with"),
    ("student", "val.metrics.psnr.input_order", "HCW", "val.metrics.psnr.input_order: 'HCW' was tried"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), MISTAKES)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    assert_refused(make(kind, gt_folder), tmp_path, path, value, expected)


@pytest.mark.parametrize("border", [0, 4])
def test_niqe_can_be_asked_for(gt_folder, tmp_path, border):
    options = complete(make("student", gt_folder), tmp_path)
    options["val"]["metrics"] = {"niqe": {"type": "calculate_niqe", "crop_border": border, "better": "lower"}}
    assert find_problems(options) == []
