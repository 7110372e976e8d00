"""Loading of networks in BasicSR's models: weights and nothing else, and a sentence where they do not fit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from kdsr_compat.registries import vgg_weights_at

MOST_NAMED = 4  # differences between a file and a network


class WeightsMisfit(ValueError):
    """Weights of a file do not fit a network."""


def build_safely(build_model: Callable[[dict], Any], opt: dict[str, Any]) -> Any:
    """Build a model by BasicSR's function, from weights alone; those of VGG are where `path` says.

    Raises:
        SystemExit: saying in a sentence what does not fit.
    """
    try:
        with safe_loading(), vgg_weights_at(opt["path"].get("pretrain_network_vgg")):
            return build_model(opt)
    except WeightsMisfit as error:
        raise SystemExit(f"path: {error}") from error
    except RuntimeError as error:
        if "loading state_dict for" not in str(error):  # what torch says, for models that load by BasicSR's own means
            raise
        files = [f"{key}: {path}" for key, path in opt["path"].items() if path and key.startswith("pretrain_network")]
        raise SystemExit(f"path: {', '.join(files)}: {describe_misfit(error)}") from error


def describe_misfit(error: Exception) -> str:
    """Put torch's list of what does not fit into a sentence; other errors are sentences already."""
    head, *lines = str(error).splitlines()
    if not lines:
        return head
    network = head.split("loading state_dict for")[-1].strip(" :")
    details = [line.strip().rstrip(".") for line in lines]
    more = f"; and {len(details) - MOST_NAMED} more" if len(details) > MOST_NAMED else ""
    return f"the weights do not fit {network}: {'; '.join(details[:MOST_NAMED])}{more}"


@contextmanager
def safe_loading() -> Iterator[None]:
    """Within this context `torch.load` reads weights only, and runs no code that a file brings.

    basicsr 1.4.2 and master do not ask for it, and before torch 2.6 it was not the default.
    """
    torch_load = torch.load
    torch.load = functools.partial(torch_load, weights_only=True)
    try:
        yield
    finally:
        torch.load = torch_load
