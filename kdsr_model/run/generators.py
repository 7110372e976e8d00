"""The global random generators, which BasicSR's models and data sets draw from, made to follow from plain numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_generators(*numbers: int, with_cuda: bool) -> None:
    """Seed Python's, NumPy's and PyTorch's generators with numbers from 0 on; other numbers give unrelated draws.

    Args:
        with_cuda: whether the GPUs' generators are seeded too.
    """
    words = np.random.SeedSequence(numbers).generate_state(8)
    random.seed(words.tobytes())
    np.random.seed(words)  # noqa: NPY002  (what BasicSR draws from)
    seed = int(words[:2].view(np.uint64)[0]) >> 1
    torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would reach the GPUs, and takes 100 times as long
    if with_cuda and torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)


@contextmanager
def seeded_generators(*numbers: int) -> Iterator[None]:
    """Within this context the generators, but those of GPUs, follow from `numbers`; then they go on where they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    seed_generators(*numbers, with_cuda=False)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
