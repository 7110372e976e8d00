"""The parts of the IDR view: the untrained student, the teacher, and what is said to a wrong one."""

import numpy as np
import pytest
import torch
from option_files import SMALL_NETWORKS, save_student, save_teacher

from kdsr_arch import KDSRStudent
from kdsr_tools.idr.samples import Samples
from kdsr_tools.idr.view import draw_maps, load_teacher, make_untrained


def test_the_untrained_student_has_the_size_and_is_the_same_on_every_run():
    student = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"])
    state = torch.get_rng_state()
    one, other = make_untrained(student).state_dict(), make_untrained(student).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    assert {key: value.shape for key, value in one.items()} == {k: v.shape for k, v in student.state_dict().items()}
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_teacher_is_loaded_and_a_wrong_one_is_named(tmp_path):
    teacher = load_teacher(save_teacher(tmp_path / "t.pth"), scale=4)
    assert not teacher.training and not any(parameter.requires_grad for parameter in teacher.parameters())
    with pytest.raises(ValueError, match="a teacher for x4, and the student enlarges x2"):
        load_teacher(tmp_path / "t.pth", scale=2)
    with pytest.raises(ValueError, match="the weights are a student's; only a KDSR teacher"):
        load_teacher(save_student(tmp_path / "s.pth"), scale=4)


def test_maps_have_a_panel_for_each_method_and_parameter():
    rng = np.random.default_rng(0)
    values = {"blur": rng.uniform(size=24), "noise": rng.uniform(size=24)}
    svg = draw_maps(Samples({"student": rng.normal(size=(24, 8))}, values, np.zeros(24)), "<mine>")
    assert svg.startswith('<svg role="img" aria-label="Maps of &lt;mine>\'s IDR')
    assert svg.count(">PCA<") == svg.count(">t-SNE<") == 2
    assert "blur width (pixels)" in svg and "noise σ (of 255)" in svg
