"""Schedules after a resume: the options' hold, as if they had been so from the beginning."""

import copy

import pytest
import torch
from basicsr.models.base_model import BaseModel
from torch import nn

from kdsr_model.run.schedules import follow_options, take_back_warmup

DONE = 6  # iterations behind the training state
MULTI_STEP = {"type": "MultiStepLR", "milestones": [3, 8], "gamma": 0.5}
COSINE = {"type": "CosineAnnealingRestartLR", "periods": [6, 6], "restart_weights": [1, 0.5], "eta_min": 1e-7}


def model_with(scheduler, *, lr=1e-3, betas=(0.9, 0.99), warmup_iter=-1):
    """Make a BasicSR model of one weight."""
    model = BaseModel({"num_gpu": 0, "is_train": True, "train": {"scheduler": copy.deepcopy(scheduler)}})
    model.weight = nn.Parameter(torch.zeros(1))
    model.optimizers = [torch.optim.Adam([model.weight], lr=lr, betas=list(betas))]
    model.setup_schedulers()
    model.warmup_iter = warmup_iter
    return model


def iterate(model, iterations):
    """Train and give the rates of the iterations."""
    rates = []
    for current_iter in iterations:
        if 1 < current_iter <= model.warmup_iter:
            take_back_warmup(model)
        model.update_learning_rate(current_iter, warmup_iter=model.warmup_iter)
        model.weight.grad = torch.ones(1)
        model.optimizers[0].step()
        rates.append(model.optimizers[0].param_groups[0]["lr"])
    return rates


def state_of(model):
    states = {"optimizers": [model.optimizers[0].state_dict()], "schedulers": [model.schedulers[0].state_dict()]}
    return copy.deepcopy({"epoch": 0, "iter": DONE, **states})


def resumed(model, before):
    """Train the first model, then go on with the other; return the rates of that, and what has changed."""
    iterate(before, range(1, DONE + 1))
    state, changes = follow_options(state_of(before), model)
    model.resume_training(state)
    return iterate(model, range(DONE + 1, 11)), changes


@pytest.mark.parametrize("scheduler", [MULTI_STEP, COSINE])
def test_a_state_that_fits_stays_as_it_is(scheduler):
    before = model_with(scheduler)
    iterate(before, range(1, DONE + 1))
    state = state_of(before)
    followed, changes = follow_options(state, model_with(scheduler))
    assert changes == []
    assert followed == state


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"scheduler": MULTI_STEP, "lr": 2e-3}, "lr was [0.001], is [0.002]"),
        ({"scheduler": MULTI_STEP | {"gamma": 0.1}}, "gamma was 0.5, is 0.1"),
        ({"scheduler": MULTI_STEP | {"milestones": [2, 4]}}, "milestones was {3: 1, 8: 1}, is {2: 1, 4: 1}"),
        ({"scheduler": COSINE}, "milestones was {3: 1, 8: 1}, is None"),
    ],
)
def test_the_rates_are_those_of_a_run_that_had_the_options_from_the_beginning(changed, expected):
    whole = iterate(model_with(**changed), range(1, 11))
    rates, changes = resumed(model_with(**changed), model_with(MULTI_STEP))
    assert rates == whole[DONE:]
    assert expected in changes


def test_a_finished_cosine_schedule_is_extended():
    long = COSINE | {"periods": [6, 6, 12], "restart_weights": [1, 0.5, 0.25]}
    whole = iterate(model_with(long), range(1, 11))
    rates, _ = resumed(model_with(long), model_with(COSINE | {"periods": [6], "restart_weights": [1]}))
    assert rates == whole[DONE:]


def test_numbers_of_the_optimiser_are_the_options():
    model = model_with(MULTI_STEP, betas=(0.5, 0.9))
    whole = iterate(model_with(MULTI_STEP), range(1, 11))
    rates, changes = resumed(model, model_with(MULTI_STEP))
    assert changes == ["betas was [0.9, 0.99], is [0.5, 0.9]"]
    assert list(model.optimizers[0].param_groups[0]["betas"]) == [0.5, 0.9]
    assert rates == whole[DONE:]


@pytest.mark.parametrize("scheduler", [MULTI_STEP | {"milestones": [8]}, COSINE])
def test_after_a_warmup_the_rate_is_the_schedules(scheduler):
    plain = iterate(model_with(scheduler), range(1, 11))
    warmed = iterate(model_with(scheduler, warmup_iter=3), range(1, 11))
    assert warmed[:2] == pytest.approx([1e-3 / 3, 2e-3 / 3])
    assert warmed[2:] == plain[2:]
