"""Learning rates and optimisers after a resume: where the options differ from the training state, the options hold.

basicsr 1.4.2 and master load both from the state, and what stands in the option file is passed over in silence.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from torch.optim import Optimizer

# What a scheduler keeps of the way, not of the options; and what follows from other settings.
NO_SETTINGS = ("last_epoch", "verbose", "cumulative_period")
INNER = "_schedulers"  # of torch's SequentialLR
SETTING_NAMES = {"base_lrs": "lr", "_milestones": "the end of the estimator's warm-up", INNER: "the kind of schedule"}


def follow_options(state: Mapping[str, Any], model: Any) -> tuple[dict[str, Any], list[str]]:
    """Return a training state in which optimisers and schedules are as the options say, and what was changed.

    A schedule that differs is run from the beginning to the state's iteration, so that it goes on as if it had always
    been so. Where nothing differs, the state stays as it is in every bit.

    Args:
        model: built by the options, before it goes on from the state.
    """
    optimizers, schedulers, changes = list(state["optimizers"]), list(state["schedulers"]), []
    if len(optimizers) != len(model.optimizers) or len(schedulers) != len(model.schedulers):
        return dict(state), []  # another model's, which the model itself will refuse
    for place, (optimizer, scheduler) in enumerate(zip(model.optimizers, model.schedulers, strict=True)):
        optimizers[place], changed = _with_options(optimizers[place], optimizer)
        changes += changed
        differing = list(_differences(schedulers[place], scheduler.state_dict()))
        if differing:
            schedulers[place] = _run_from_beginning(scheduler, steps=state["iter"] - 1)
            optimizers[place] = _with_rates(optimizers[place], optimizer)
            changes += differing
    return {**state, "optimizers": optimizers, "schedulers": schedulers}, list(dict.fromkeys(changes))


def _with_options(saved: Mapping[str, Any], optimizer: Optimizer) -> tuple[dict[str, Any], list[str]]:
    """Return an optimiser's state with the numbers of the options, but for its learning rates."""
    changes, groups = [], []
    for group, wanted in zip(saved["param_groups"], optimizer.param_groups, strict=False):
        names = [name for name in optimizer.defaults if name in group and name != "lr"]
        differing = {name: wanted[name] for name in names if _plain(group[name]) != _plain(wanted[name])}
        changes += [f"{name} was {_plain(group[name])}, is {_plain(value)}" for name, value in differing.items()]
        groups.append({**group, **differing})
    if len(groups) != len(saved["param_groups"]):
        groups = saved["param_groups"]  # which torch will refuse
    return {**saved, "param_groups": groups}, changes


def _with_rates(saved: Mapping[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    groups = [
        {**group, "lr": now["lr"], "initial_lr": now["initial_lr"]}
        for group, now in zip(saved["param_groups"], optimizer.param_groups, strict=False)
    ]
    return {**saved, "param_groups": groups}


def _differences(saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs between two schedules' settings."""
    if (INNER in saved) != (INNER in wanted):
        yield f"{SETTING_NAMES[INNER]} is another"
        return
    before, now = _settings(saved), _settings(wanted)
    for name in [*now, *(name for name in before if name not in now)]:
        if before.get(name) != now.get(name):
            yield f"{SETTING_NAMES.get(name, name)} was {before.get(name)}, is {now.get(name)}"
    for inner, wanted_inner in zip(saved.get(INNER, ()), wanted.get(INNER, ()), strict=False):
        yield from _differences(inner, wanted_inner)


def _settings(scheduler: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options have set; other names with an underscore are torch's own, and change with its version."""
    return {
        name: _plain(value)
        for name, value in scheduler.items()
        if name not in NO_SETTINGS and (name == "_milestones" or not name.startswith("_"))
    }


def _plain(value: Any) -> Any:
    """Return a value in one form, whether it comes from a file or from a state."""
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _run_from_beginning(scheduler: Any, *, steps: int) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the optimiser makes no steps meanwhile
        for _ in range(steps):
            scheduler.step()
    return copy.deepcopy(scheduler.state_dict())


def take_back_warmup(model: Any) -> None:
    """Set the optimisers' rates to what their schedules gave last.

    basicsr 1.4.2 and master: `train.warmup_iter` overwrites the rates, and a schedule that goes on from the present
    one, as MultiStepLR, keeps the last rate of the warm-up for good.
    """
    for scheduler in model.schedulers:
        for group, rate in zip(scheduler.optimizer.param_groups, scheduler.get_last_lr(), strict=True):
            group["lr"] = rate
