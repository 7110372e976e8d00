"""Models built and stepped without a launcher, for the tests of training."""

import torch
from basicsr.models import build_model

from kdsr_model.options import prepare_options
from kdsr_model.run.loading import build_safely


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
    return build_safely(build_model, options)


def feed(model, *, seed=0):
    """Feed a batch of noise."""
    rng = torch.Generator().manual_seed(seed)
    model.feed_data({"lq": torch.rand(2, 3, 8, 8, generator=rng), "gt": torch.rand(2, 3, 32, 32, generator=rng)})


def step(model, current_iter):
    """Make an iteration as BasicSR's loop does; return its learning rates."""
    model.update_learning_rate(current_iter, warmup_iter=-1)
    rates = model.get_current_learning_rate()
    model.optimize_parameters(current_iter)
    return rates


def snapshot(module):
    """Copy a module's parameters."""
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def changed(module, before):
    """Name the parameters that are no longer what a snapshot has."""
    return {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
