"""What BasicSR's dict is given after the check: the settings' types and defaults, and what follows from the scale."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from kdsr_data.dataset_settings import BenchmarkSettings, complete_data_set, split_by_case
from kdsr_model.checks.data_sets import is_absent, read_data_set
from kdsr_model.checks.metrics import with_border
from kdsr_model.checks.networks import networks, with_scale
from kdsr_model.checks.training import read_scheduler
from kdsr_model.experiment_settings import EXPERIMENTS, read_experiment
from kdsr_options.schema import OptionError, Problem


def complete_options(opt: dict[str, Any]) -> None:
    """Complete checked options in place, for BasicSR, which reads them with defaults of its own or none.

    Raises:
        OptionError: not one of the tests' data sets is on this machine.
    """
    if str(opt["model_type"]) in EXPERIMENTS:
        settings = read_experiment(opt)
        # BasicSR makes a folder of every key in `path` that it does not know, so that block stays as it is.
        for key in ("train", "val", "logger"):
            if getattr(settings, key) is not None:
                opt[key] = getattr(settings, key).model_dump()
        opt["num_gpu"] = settings.num_gpu
    if opt.get("is_train", True):
        train = opt["train"]
        train["scheduler"] = read_scheduler(train["scheduler"]).model_dump(exclude_unset=True)
    for key, block in list(networks(opt)):
        opt[key] = with_scale(block, scale=opt.get("scale"))
    metrics = (opt.get("val") or {}).get("metrics") or {}
    for name, block in metrics.items():
        metrics[name] = with_border(block, scale=opt.get("scale"))
    opt["datasets"] = dict(_complete_data_sets(opt))
    if not opt["datasets"]:
        raise OptionError([Problem("datasets", "all of them are optional, and none is on this machine")])


def _complete_data_sets(opt: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    by_setting = (opt.get("val") or {}).get("per_setting")
    for phase, block in opt["datasets"].items():
        settings = read_data_set(block, f"datasets.{phase}")
        if settings.optional and is_absent(block):
            message = f"datasets.{phase}: {block['name']} is left out, its images are not on this machine"
            logging.getLogger("kdsr").warning(message)
            continue
        block = complete_data_set(block, settings)
        if by_setting and isinstance(settings, BenchmarkSettings):
            # BasicSR sorts them by their keys.
            yield from ((f"{phase}_{n:02}", part) for n, part in enumerate(split_by_case(block, settings)))
        else:
            yield phase, block
