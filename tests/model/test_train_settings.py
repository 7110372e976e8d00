"""The options of `train`: what does not go together."""
# ruff: noqa: E501  (a table)

import pytest
from option_files import student_options
from spoilt_options import GAN, assert_refused, make
from training_steps import complete

from kdsr_model.options import prepare_options
from kdsr_options.schema import OptionError


def test_a_linear_warm_up_beside_the_estimators_is_refused(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"] |= {"total_iter": 8, "estimator_warmup_iter": 2, "warmup_iter": 3}
    with pytest.raises(OptionError, match="train.warmup_iter: 3 and estimator_warmup_iter 2"):
        prepare_options(complete(options, tmp_path))


MISTAKES = [
    (GAN, "train.net_d_iters", 0, "train.net_d_iters: expected greater than or equal to 1, got 0"),
    ("student", "train.amp", "fp16", "train.amp: fp16 needs CUDA"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), MISTAKES)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    assert_refused(make(kind, gt_folder), tmp_path, path, value, expected)
