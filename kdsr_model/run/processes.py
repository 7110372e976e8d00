"""The processes that train together, and what they settle among each other. Alone, each is asked by itself."""

from __future__ import annotations

import torch


def is_distributed() -> bool:
    """Return whether several processes train together."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def any_process(claim: bool, *, device: torch.device) -> bool:
    """Tell all processes whether a claim holds in one of them."""
    return _settle(claim, torch.distributed.ReduceOp.MAX, device) if is_distributed() else claim


def every_process(claim: bool, *, device: torch.device) -> bool:
    """Tell all processes whether a claim holds in all of them."""
    return _settle(claim, torch.distributed.ReduceOp.MIN, device) if is_distributed() else claim


def _settle(claim: bool, operation: torch.distributed.ReduceOp.RedOpType, device: torch.device) -> bool:
    flag = torch.tensor(float(claim), device=device)
    torch.distributed.all_reduce(flag, op=operation)
    return bool(flag)


def first_process_number(number: int) -> int:
    """Give the first process's number to all."""
    if not is_distributed():
        return number
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    shared = torch.tensor(number, device=device)
    torch.distributed.broadcast(shared, src=0)
    return int(shared)
