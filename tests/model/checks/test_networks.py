"""Networks: their arguments are tried, and their kind and scale must be what the model takes."""
# ruff: noqa: E501  (a table)

import numpy as np
import pytest
from PIL import Image
from spoilt_options import EDSR, GAN, assert_refused, make
from training_steps import complete

from kdsr_model.options import find_problems

MISTAKES = [
    (GAN, "network_d.num_feat", 0, "network_d.num_feat: 0 was tried"),
    ("student", "network_g.type", "KDSRTeacher", "network_g.type: KDSRStudentModel needs a KDSRStudent, got 'KDSRTeacher'"),
    ("student", "network_g", {"type": "EDSR", "num_in_ch": 3, "num_out_ch": 3}, "KDSRStudentModel needs a KDSRStudent"),
    ("train_kdsr_teacher.yml", "network_g.type", "KDSRStudent", "network_g.type: KDSRTeacherModel needs a KDSRTeacher"),
    (EDSR, "network_g", {"type": "KDSRTeacher", "num_feat": 8}, "network_g.type: SRModel needs a network that restores LQ alone"),
    (EDSR, "network_g", {"type": "UNetDiscriminatorSN", "num_in_ch": 3, "num_feat": 8}, "not an image 4 times as large"),
    (EDSR, "network_g.res_scale", "x", "network_g.res_scale: 'x' was tried and fails"),
    (EDSR, "network_g.num_in_ch", 1, "network_g"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), MISTAKES)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    assert_refused(make(kind, gt_folder), tmp_path, path, value, expected)


@pytest.mark.parametrize(
    ("gt_size", "crop", "num_problem"), [(128, None, 0), (160, 128, 0), (128, 64, 1), (128, 160, 0)]
)
def test_a_discriminator_is_tried_on_what_it_will_see(photograph, tmp_path, gt_size, crop, num_problem):
    (tmp_path / "gt").mkdir()
    Image.fromarray(np.tile(photograph, (2, 2, 1))).save(tmp_path / "gt/a.png")
    options = complete(make(GAN, tmp_path / "gt"), tmp_path)
    options["network_d"] = {"type": "VGGStyleDiscriminator", "num_in_ch": 3, "num_feat": 8, "input_size": 128}
    options["datasets"]["train"] |= {"gt_size": gt_size, "degraded_size": gt_size}
    options["train"]["gan_crop_size"] = crop
    assert [problem.path for problem in find_problems(options)] == num_problem * ["network_d"]
