"""A step of the student: what moves, what rests, and what is logged."""

import pytest
import torch
from training_steps import changed, feed, snapshot, step


def test_a_student_step_moves_all_of_the_student_and_nothing_of_the_teacher(student):
    feed(student)
    before, teacher_before = snapshot(student.net_g), snapshot(student.net_teacher)
    step(student, 1)
    assert changed(student.net_g, before) == set(before)
    assert changed(student.net_teacher, teacher_before) == set()
    assert all(p.grad is None and not p.requires_grad for p in student.net_teacher.parameters())
    assert not student.net_teacher.training


def test_the_log_has_both_losses_and_they_are_right(student):
    feed(student)
    with torch.no_grad():
        sr, _, idr_prime = student.net_g(student.lq, return_idr=True)
        _, target = student.net_teacher.estimate_idr(student.lq, student.gt)
    step(student, 1)
    log = student.get_current_log()
    assert set(log) == {"l_pix", "l_idr"}
    assert log["l_pix"] == pytest.approx(float((sr - student.gt).abs().mean()), rel=1e-5)
    assert log["l_idr"] == pytest.approx(float((idr_prime - target).abs().mean()), rel=1e-5)
