"""The training steps of teacher and student: what moves, what rests, at which rate, and what is logged."""

import numpy as np
import pytest
import torch
from basicsr.models import build_model
from option_files import OPTIONS, load_options, save_teacher, shrink, student_options

from kdsr_arch import KDSRStudent, read_weights
from kdsr_model.experiment_settings import KDSRValSettings
from kdsr_model.options import prepare_options
from kdsr_options.schema import OptionError


def complete(options, tmp_path):
    """Add what BasicSR's parser adds to options."""
    folders = {"models": str(tmp_path), "training_states": str(tmp_path), "visualization": str(tmp_path)}
    options["path"] |= folders
    options |= {"dist": False, "rank": 0, "is_train": True}
    for phase, block in options["datasets"].items():
        block |= {"phase": phase.split("_")[0], "scale": options["scale"]}
    return options


def build(options, tmp_path):
    """Build a model as BasicSR does from an option file, without its launcher."""
    prepare_options(complete(options, tmp_path))
    return build_model(options)


def feed(model, *, seed=0):
    rng = torch.Generator().manual_seed(seed)
    model.feed_data({"lq": torch.rand(2, 3, 8, 8, generator=rng), "gt": torch.rand(2, 3, 32, 32, generator=rng)})


def step(model, current_iter):
    model.update_learning_rate(current_iter, warmup_iter=-1)
    rates = model.get_current_learning_rate()
    model.optimize_parameters(current_iter)
    return rates


def snapshot(module):
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def changed(module, before):
    return {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}


@pytest.fixture
def student(gt_folder, tmp_path):
    return build(student_options(gt_folder), tmp_path)


@pytest.fixture
def teacher_model(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    return build(options, tmp_path)


def test_a_student_step_moves_all_of_the_student_and_nothing_of_the_teacher(student):
    feed(student)
    before, teacher_before = snapshot(student.net_g), snapshot(student.net_teacher)
    step(student, 1)
    assert changed(student.net_g, before) == set(before)
    assert changed(student.net_teacher, teacher_before) == set()
    assert all(p.grad is None and not p.requires_grad for p in student.net_teacher.parameters())
    assert not student.net_teacher.training


def test_only_the_teachers_estimator_is_kept(student):
    assert {name.split(".")[0] for name, _ in student.net_teacher.named_parameters()} == {"estimator"}


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


def test_a_linear_warm_up_beside_the_estimators_is_refused(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"] |= {"total_iter": 8, "estimator_warmup_iter": 2, "warmup_iter": 3}
    with pytest.raises(OptionError, match="train.warmup_iter: 3 and estimator_warmup_iter 2"):
        prepare_options(complete(options, tmp_path))


def test_without_warm_up_the_rates_are_basicsrs(student):
    feed(student)
    assert step(student, 1) == [1e-4, 1e-4]


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


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: {"params": w}, lambda w: {"params_ema": w}])
def test_pretrained_networks_load_from_the_authors_files(golden, gt_folder, tmp_path, wrap):
    data = golden("network_student_x4")
    weights = {key[6:]: torch.from_numpy(value) for key, value in data.items() if key.startswith("param/")}
    torch.save(wrap(weights), tmp_path / "official.pth")
    options = student_options(gt_folder)
    options["network_g"] |= {"num_block": 3, "num_estimator_block": 2}
    options["path"] |= {"pretrain_network_g": str(tmp_path / "official.pth")}
    teacher = save_teacher(tmp_path / "deep.pth", num_block=3)
    options["path"]["pretrain_network_teacher"] = str(teacher)
    options["train"]["init_sr_from_teacher"] = False
    model = build(options, tmp_path)
    with torch.no_grad():
        sr = model.net_g(torch.from_numpy(data["lq"]))
    np.testing.assert_allclose(sr.numpy(), data["sr"], atol=1e-5)


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


def test_saved_networks_load_in_stock_basicsr(student, tmp_path):
    student.save(epoch=0, current_iter=7)
    saved = torch.load(tmp_path / "net_g_7.pth", weights_only=True)
    assert set(saved) == {"params"}
    network = KDSRStudent(4, num_feat=8, num_block=1, num_estimator_block=1)
    network.load_state_dict(saved["params"])
    assert read_weights(tmp_path / "net_g_7.pth").keys() == network.state_dict().keys()


def test_any_basicsr_model_trains_on_the_same_data(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "compare/train_edsr.yml"), gt_folder=gt_folder)
    model = build(options, tmp_path)
    feed(model)
    before = snapshot(model.net_g)
    step(model, 1)
    assert changed(model.net_g, before)


def test_tiled_validation_equals_that_of_the_whole_image(student):
    student.feed_data({"lq": torch.rand(1, 3, 30, 41)})
    outputs = []
    for tile_size in (None, 16):
        val = KDSRValSettings(tile_size=tile_size, tile_overlap=8)
        student.experiment = student.experiment.model_copy(update={"val": val})
        student.test()
        outputs.append(student.output)
    assert outputs[0].shape == (1, 3, 120, 164)
    torch.testing.assert_close(outputs[1], outputs[0], atol=1e-5, rtol=1e-4)
