"""The teacher's training, and its validation, which sees GT."""

import torch
from training_steps import changed, feed, snapshot, step


def test_a_teacher_step_moves_all_of_the_teacher(teacher_model):
    feed(teacher_model)
    before = snapshot(teacher_model.net_g)
    step(teacher_model, 1)
    assert changed(teacher_model.net_g, before) == set(before)
    assert set(teacher_model.get_current_log()) == {"l_pix"}


def test_a_teacher_is_tested_with_gt(teacher_model):
    feed(teacher_model)
    teacher_model.test()
    expected = teacher_model.net_g(teacher_model.lq, teacher_model.gt)
    assert torch.equal(teacher_model.output, expected)
    assert teacher_model.net_g.training
