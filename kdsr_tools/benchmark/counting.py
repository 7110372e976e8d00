"""What a network costs without running it: its parameters, and its multiply-adds for a picture."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kdsr_arch import KDSRTeacher
from kdsr_arch.checkpoint import first_line


def count_parameters(network: nn.Module) -> int:
    """Count parameters, as papers do: without buffers."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def count_macs(network: nn.Module, lq_size: tuple[int, int]) -> int:
    """Count the multiply-adds of convolutions and matrix products for an LQ picture (height, width).

    Only shapes are computed. A teacher also sees the original.

    Raises:
        ValueError: the network cannot run on shapes alone, and why.
    """
    try:
        on_meta = copy.deepcopy(network).to("meta")
        inputs = [torch.empty(1, 3, *lq_size, device="meta")]
        if isinstance(network, KDSRTeacher):
            inputs.append(torch.empty(1, 3, *(network.scale * side for side in lq_size), device="meta"))
        with FlopCounterMode(display=False) as counter:
            on_meta(*inputs)
    except Exception as error:  # networks that look at values, or make tensors of their own, fail in many ways
        raise ValueError(first_line(error)) from error
    return counter.get_total_flops() // 2
