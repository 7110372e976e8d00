"""Optimisers, schedules and losses that a check of names lets through: each is tried, and refused by its path."""
# ruff: noqa: E501  (a table)

import pytest
import torch
from spoilt_options import EDSR, GAN, assert_refused, make
from training_steps import complete

from kdsr_model.options import find_problems, prepare_options


def cosine(**changes):
    return {"type": "CosineAnnealingRestartLR", "periods": [2], **changes}


def steps(**changes):
    return {"type": "MultiStepLR", "milestones": [1], **changes}


def adam(kind="Adam", **changes):
    return {"type": kind, "lr": 1e-4, **changes}


MISTAKES = [
    ("student", "train.scheduler", cosine(periods=[]), "train.scheduler.periods: "),
    ("student", "train.scheduler", cosine(periods=[3, -1]), "train.scheduler.periods: expected numbers of iterations"),
    ("student", "train.scheduler", cosine(restart_weights=[1, 2]), "train.scheduler.restart_weights: 2 weights for 1 periods"),
    ("student", "train.scheduler", cosine(eta_min=1), "train.scheduler.eta_min: 1 is above the learning rate 0.0001"),
    ("student", "train.scheduler", steps(milestones=100), "train.scheduler.milestones: expected a valid list, got 100"),
    ("student", "train.scheduler", steps(milestones=[2, 1]), "train.scheduler.milestones: expected rising iterations"),
    ("student", "train.scheduler", steps(restarts=[1, 2]), "train.scheduler.restart_weights: 1 weights for 2 restarts"),
    ("student", "train.scheduler", steps(restart_weights=[-1]), "train.scheduler.restart_weights: expected numbers above 0"),
    ("student", "train.scheduler", steps(gamma=-1), "train.scheduler.gamma: expected greater than 0, got -1"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "reduction": "average"}, "train.pixel_opt.reduction: 'average' was tried"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "reduction": "none"}, "train.pixel_opt.reduction: 'none' was tried"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "loss_weight": -1}, "train.pixel_opt.loss_weight: expected a number from 0"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "loss_weight": "x"}, "train.pixel_opt.loss_weight: expected a number from 0"),
    ("student", "train.pixel_opt", {"type": "GANLoss", "gan_type": "vanilla"}, "train.pixel_opt: 'GANLoss' was tried and fails"),
    ("student", "train.idr_opt", {"type": "IDRKLLoss", "temperature": 0}, "train.idr_opt.temperature: 0 was tried and fails: temp"),
    ("student", "train.perceptual_opt", {"type": "PerceptualLoss", "layer_weights": {"conv9": 1}}, "has no layer 'conv9'"),
    ("student", "train.perceptual_opt", {"type": "PerceptualLoss", "layer_weights": {"conv1_1": 1}, "criterion": "l2"},
     "train.perceptual_opt.criterion: 'l2' was tried"),
    ("student", "train.optim_g", adam(betas=[0.9]), "train.optim_g.betas: [0.9] was tried and fails"),
    ("student", "train.optim_g", adam(weight_decay=-1), "train.optim_g.weight_decay: -1 was tried and fails"),
    ("student", "train.optim_g", adam("LBFGS"), "train.optim_g: 'LBFGS' was tried and fails: TypeError: "),
    ("student", "train.optim_g", adam("SparseAdam"), "train.optim_g: 'SparseAdam' was tried and fails"),
    ("student", "train.optim_g", adam("Optimizer"), "train.optim_g.type: no optimiser is registered as 'Optimizer'"),
    ("student", "train.estimator_warmup_iter", "None", "train.estimator_warmup_iter: expected a valid integer"),
    (GAN, "train.optim_d", adam(betas=[2, 3]), "train.optim_d.betas: [2, 3] was tried and fails: Invalid beta"),
    (GAN, "train.gan_opt", {"type": "GANLoss", "gan_type": "vanila"}, "train.gan_opt"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), MISTAKES)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    assert_refused(make(kind, gt_folder), tmp_path, path, value, expected)


def test_a_schedule_that_ends_before_training_is_refused(gt_folder, tmp_path):
    options = complete(make("student", gt_folder), tmp_path)
    options["train"] |= {"total_iter": 10, "estimator_warmup_iter": 4, "scheduler": cosine(periods=[4])}
    assert find_problems(options) == [("train.scheduler.periods", "end after 4 iterations, training after 6")]
    options["train"]["scheduler"]["periods"] = [6]
    assert find_problems(options) == []


@pytest.mark.parametrize("kind", ["AdamW", "SGD", "RMSprop", "NAdam", "Adamax", "RAdam", "Adafactor", "Adagrad"])
@pytest.mark.parametrize("model", ["student", EDSR])
def test_pytorchs_optimisers_train(gt_folder, tmp_path, kind, model):
    from basicsr.models import build_model

    options = complete(make(model, gt_folder), tmp_path)
    options["train"]["optim_g"] = {"type": kind, "lr": 1e-4, "weight_decay": 0.01}
    prepare_options(options)
    assert type(build_model(options).optimizer_g) is getattr(torch.optim, kind)


def test_the_check_draws_nothing(gt_folder, tmp_path):
    options = complete(make(EDSR, gt_folder), tmp_path)
    before = torch.get_rng_state()
    find_problems(options)
    assert torch.equal(torch.get_rng_state(), before)
