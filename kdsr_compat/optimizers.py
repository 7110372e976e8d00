"""The optimisers that BasicSR does not know."""

from __future__ import annotations

from typing import Any


def support_every_optimizer() -> None:
    """Let option files name any optimiser of PyTorch's.

    basicsr 1.4.2's `get_optimizer` knows Adam alone; its master adds AdamW, Adamax, SGD, ASGD, RMSprop and Rprop.
    """
    import torch
    from basicsr.models.base_model import BaseModel

    def get_optimizer(self: BaseModel, optim_type: str, params: Any, lr: float, **kwargs: Any) -> torch.optim.Optimizer:
        return getattr(torch.optim, optim_type)(params, lr=lr, **kwargs)

    BaseModel.get_optimizer = get_optimizer
