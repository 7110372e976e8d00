"""Which device computes: chosen by name, with a sentence where this machine has none such."""

from __future__ import annotations

from collections.abc import Sequence

import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def find_device(name: str, *, known: Sequence[str] = DEVICES) -> torch.device:
    """Turn a device's name into a device that this machine has.

    Args:
        name: one of `known`, of which 'auto' is the fastest that is there, or 'cuda:1' for the second GPU.

    Raises:
        ValueError: this machine has none such.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, is_there in available.items() if is_there and kind in known)
    kind, _, number = name.partition(":")
    if kind not in known or (number and not number.isdigit()):
        raise ValueError(f"device: expected one of {', '.join(known)}, got {name!r}")
    if not available[kind]:
        raise ValueError(f"device: PyTorch finds no {kind} on this machine; leave it out, or use cpu")
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise ValueError(f"device: this machine has {torch.cuda.device_count()} GPUs, counted from 0; got {name}")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Say what computes, as a report shows it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
