"""Optimisers that BasicSR does not know by name."""

import pytest
import torch
from basicsr.models.base_model import BaseModel

from kdsr_compat.optimizers import support_every_optimizer


@pytest.mark.parametrize("kind", ["Adam", "SGD", "RAdam", "NAdam"])
def test_any_of_pytorchs_is_built_with_its_arguments(kind):
    support_every_optimizer()
    parameters = [torch.nn.Parameter(torch.zeros(2))]
    optimizer = BaseModel({"num_gpu": 0, "is_train": True}).get_optimizer(kind, parameters, 0.5, weight_decay=0.25)
    assert type(optimizer) is getattr(torch.optim, kind)
    (group,) = optimizer.param_groups
    assert (group["params"], group["lr"], group["weight_decay"]) == (parameters, 0.5, 0.25)
