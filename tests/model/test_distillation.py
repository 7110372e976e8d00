"""Distillation: where the student starts, what pulls its IDR, and the estimator's warm-up."""

import numpy as np
import pytest
import torch
from option_files import student_options
from training_steps import build, changed, feed, snapshot, step

from kdsr_arch import read_weights


def test_only_the_teachers_estimator_is_kept(student):
    assert {name.split(".")[0] for name, _ in student.net_teacher.named_parameters()} == {"estimator"}


def test_the_students_sr_network_starts_from_the_teachers_and_its_estimator_anew(student):
    teacher = read_weights(student.opt["path"]["pretrain_network_teacher"])
    for name, value in student.net_g.state_dict().items():
        same_shape = teacher[name].shape == value.shape
        assert (same_shape and torch.equal(value, teacher[name])) == name.startswith("sr_network")


def test_the_moving_average_starts_from_the_teachers_too(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"]["ema_decay"] = 0.999
    model = build(options, tmp_path)
    average = model.net_g_ema.state_dict()
    assert all(torch.equal(value, average[name]) for name, value in model.net_g.state_dict().items())


def test_the_student_can_start_anew(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"]["init_sr_from_teacher"] = False
    model = build(options, tmp_path)
    name = "sr_network.conv_first.weight"
    teacher = read_weights(options["path"]["pretrain_network_teacher"])
    assert not torch.equal(model.net_g.state_dict()[name], teacher[name])


def test_a_student_without_its_own_sr_start_may_differ_in_depth(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"]["init_sr_from_teacher"] = False
    options["network_g"]["num_block"] = 2
    model = build(options, tmp_path)
    feed(model)
    step(model, 1)


@pytest.mark.parametrize("loss", ["IDRL1Loss", "IDRKLLoss"])
def test_distillation_pulls_the_students_idr_to_the_teachers(gt_folder, tmp_path, loss):
    options = student_options(gt_folder)
    options["train"] |= {"estimator_warmup_iter": 30, "total_iter": 31, "idr_opt": {"type": loss}}
    options["train"]["estimator_warmup_lr"] = 1e-2
    model = build(options, tmp_path)
    feed(model)
    losses = []
    for current_iter in range(1, 31):
        step(model, current_iter)
        losses.append(model.get_current_log()["l_idr"])
    assert losses[-1] < 0.2 * losses[0]


def test_the_warm_up_trains_the_estimator_alone_at_its_own_rate(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"] |= {
        "total_iter": 10,
        "estimator_warmup_iter": 4,
        "estimator_warmup_lr": 2e-4,
        "estimator_warmup_scheduler": {"milestones": [2], "gamma": 0.1},
        "scheduler": {"type": "MultiStepLR", "milestones": [3], "gamma": 0.5},
    }
    model = build(options, tmp_path)
    feed(model)
    rates, moved = [], []
    for current_iter in range(1, 10):
        before = snapshot(model.net_g)
        rates.append(step(model, current_iter))
        moved.append({name.split(".")[0] for name in changed(model.net_g, before)})
    assert [len(rate) for rate in rates] == [2] * 9
    expected = [2e-4, 2e-4, 2e-5, 2e-5, 1e-4, 1e-4, 1e-4, 5e-5, 5e-5]
    np.testing.assert_allclose([rate[0] for rate in rates], expected, rtol=1e-6)
    assert moved == [{"estimator"}] * 4 + [{"estimator", "sr_network"}] * 5


def test_after_the_warm_up_restarts_of_the_options_begin_at_the_main_rate(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"] |= {"total_iter": 8, "estimator_warmup_iter": 2, "estimator_warmup_lr": 2e-4}
    restarts = {"restarts": [3], "restart_weights": [0.5]}
    options["train"]["scheduler"] = {"type": "MultiStepRestartLR", "milestones": [1], "gamma": 0.1, **restarts}
    model = build(options, tmp_path)
    feed(model)
    rates = [step(model, current_iter)[0] for current_iter in range(1, 7)]
    np.testing.assert_allclose(rates, [2e-4, 2e-4, 1e-4, 1e-5, 1e-5, 5e-5], rtol=1e-6)


def test_without_warm_up_the_rates_are_basicsrs(student):
    feed(student)
    assert step(student, 1) == [1e-4, 1e-4]


def test_the_teacher_may_be_the_authors(golden, gt_folder, tmp_path):
    data = golden("network_teacher_x4")
    weights = {f"module.{key[6:]}": torch.from_numpy(v) for key, v in data.items() if key.startswith("param/")}
    torch.save(weights, tmp_path / "official.pt")
    options = student_options(gt_folder)
    options["network_g"]["num_block"] = 3
    options["path"]["pretrain_network_teacher"] = str(tmp_path / "official.pt")
    model = build(options, tmp_path)
    _, idr_prime = model.net_teacher.estimate_idr(*(torch.from_numpy(data[name]) for name in ("lq", "gt")))
    np.testing.assert_allclose(idr_prime.numpy(), data["idr_prime"], atol=1e-5)
