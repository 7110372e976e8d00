"""Random numbers for data: one generator a sample, and BasicSR's functions made to draw from it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.random import Generator


def rng_for_next_sample() -> Generator:
    """Make a generator for one training sample.

    Its seed comes from PyTorch's generator, which in a launched training follows from (seed, epoch, position), see
    `kdsr_model/run/sampling.py`. Elsewhere PyTorch gives each worker another one in every epoch, and BasicSR seeds each
    rank's differently, so samples differ between all of them and repeat with the seed. NumPy's and Python's global
    generators, which BasicSR 1.4.2 gives its workers, start anew with the same number every epoch.
    """
    return np.random.default_rng(int(torch.randint(2**63 - 1, (1,))))


def rng_for_name(*names: str) -> Generator:
    """Make a generator that depends on the names alone: the same on every run and machine."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@contextmanager
def global_draws_from(rng: Generator) -> Iterator[None]:
    """Within this context, Python's global `random`, from which BasicSR's crops and flips draw, follows `rng`."""
    state = random.getstate()
    random.seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        random.setstate(state)
