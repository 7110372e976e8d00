"""Training without what BasicSR takes for granted: CUDA."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def support_cpu_training() -> None:
    """Let distributed training run without CUDA.

    basicsr 1.4.2 and master: `init_dist` takes NCCL and a CUDA device for granted, `model_to_device` puts networks on
    `torch.cuda.current_device()`. Without CUDA, gloo and the CPU take their places; with CUDA nothing changes.
    """
    from basicsr.models.base_model import BaseModel
    from basicsr.utils import options

    if not getattr(options.init_dist, "is_from_kdsr", False):
        options.init_dist = _with_gloo_on_cpu(options.init_dist)
        BaseModel.model_to_device = _with_ddp_on_cpu(BaseModel.model_to_device)


def _with_gloo_on_cpu(init_dist: Callable[..., None]) -> Callable[..., None]:
    import torch

    @functools.wraps(init_dist)
    def init_dist_anywhere(launcher: str, backend: str = "nccl", **kwargs: Any) -> None:
        if torch.cuda.is_available():
            init_dist(launcher, backend, **kwargs)
        elif launcher == "pytorch":
            torch.distributed.init_process_group("gloo")
        else:
            raise SystemExit(f"--launcher {launcher} needs CUDA; without it, start with torchrun --launcher pytorch")

    init_dist_anywhere.is_from_kdsr = True  # type: ignore[attr-defined]
    return init_dist_anywhere


def _with_ddp_on_cpu(model_to_device: Callable) -> Callable:
    import torch

    @functools.wraps(model_to_device)
    def model_to_any_device(self, net):
        if self.opt["dist"] and not torch.cuda.is_available():
            unused = self.opt.get("find_unused_parameters", False)
            return torch.nn.parallel.DistributedDataParallel(net, find_unused_parameters=unused)
        return model_to_device(self, net)

    return model_to_any_device


def support_cpu_degradation() -> None:
    """Let `RealESRGANModel.feed_data` run on the CPU.

    basicsr 1.4.2 and master: its `filter2D` views the padded image, which torch 2.14 on the CPU leaves in another
    memory order than a view needs.
    """
    from basicsr.models import realesrgan_model

    filter2d = realesrgan_model.filter2D
    realesrgan_model.filter2D = lambda img, kernel: filter2d(img.contiguous(), kernel)
