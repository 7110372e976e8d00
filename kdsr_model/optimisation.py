"""One step of an optimiser, safe and fast: mixed precision, clipping, and no step on losses that are no numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import reduce
from operator import add
from typing import Any

import torch
from basicsr.utils import get_root_logger
from torch import Tensor, nn
from torch.optim import Optimizer

from kdsr_model.run.processes import every_process
from kdsr_model.train_settings import SpeedSettings

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Stepper:
    """Backward pass and step of one network's optimiser.

    A step whose losses or gradients are NaN or infinite is skipped, in distributed training by all processes together;
    after `max_bad_steps` in a row training ends. The weights stay those of the last good step throughout.
    """

    def __init__(self, settings: SpeedSettings, device: torch.device, *, what: str):
        self.settings = settings
        self.device = device
        self.what = what
        self.bad_in_a_row = 0
        self.bad_in_all = 0
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.amp == "fp16")

    def state(self) -> dict[str, Any]:
        """Return what a resumed training must know: the count of bad steps, and the scale of fp16."""
        counts = {"bad_in_a_row": self.bad_in_a_row, "bad_in_all": self.bad_in_all}
        return {**counts, "scaler": self.scaler.state_dict()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.bad_in_a_row, self.bad_in_all = state["bad_in_a_row"], state["bad_in_all"]
        if state["scaler"] and self.scaler.is_enabled():  # fp16 may have been switched on or off in between
            self.scaler.load_state_dict(state["scaler"])

    def autocast(self) -> AbstractContextManager:
        """Return the context for the forward pass: mixed precision, if `train.amp` asks for it."""
        enabled = self.settings.amp != "none"
        return torch.autocast(self.device.type, dtype=DTYPES.get(self.settings.amp), enabled=enabled)

    def backward(self, losses: Mapping[str, Tensor], optimizer: Optimizer) -> bool:
        """Compute the gradients of the losses' sum; return False, without gradients, where a loss is no number."""
        total = reduce(add, losses.values())
        if not every_process(bool(torch.isfinite(total)), device=self.device):
            optimizer.zero_grad()
            self._count_bad({name: float(loss.detach()) for name, loss in losses.items()})
            return False
        self.scaler.scale(total).backward()
        return True

    def step(self, optimizer: Optimizer, parameters: Iterable[nn.Parameter]) -> bool:
        """Clip the gradients and step, unless they are no numbers; return whether the step was made."""
        gradients = [p for p in parameters if p.grad is not None]
        self.scaler.unscale_(optimizer)
        limit = self.settings.grad_clip_norm
        norm = nn.utils.clip_grad_norm_(gradients, float("inf") if limit is None else limit)
        is_good = every_process(bool(torch.isfinite(norm)), device=self.device)
        if is_good:
            self.scaler.step(optimizer)
            self.bad_in_a_row = 0
        else:
            optimizer.zero_grad()
            # At the beginning, fp16 finds its scale by overflowing: that is no fault of the training.
            if not (self.scaler.is_enabled() and self.scaler.get_scale() > 1):
                self._count_bad({"gradient norm": float(norm)})
        self.scaler.update()
        return is_good

    def _count_bad(self, values: Mapping[str, float]) -> None:
        self.bad_in_a_row += 1
        self.bad_in_all += 1
        shown = ", ".join(f"{name} {value:g}" for name, value in values.items())
        logger = get_root_logger()
        logger.warning(f"Step of the {self.what} skipped ({self.bad_in_all} so far): {shown}.")
        if self.bad_in_a_row >= self.settings.max_bad_steps:
            message = (
                f"Training stops: the last {self.bad_in_a_row} steps of the {self.what} gave no numbers ({shown}). The "
                "saved checkpoints are good; resume with a lower train.optim_g.lr, or set train.grad_clip_norm."
            )
            logger.error(message)
            raise SystemExit(message)
