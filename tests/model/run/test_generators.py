"""The global generators: seeded by plain numbers, and left as they were."""

import random

import numpy as np
import pytest
import torch
from drawing import Drawing

from kdsr_model.run.generators import seed_generators, seeded_generators
from kdsr_model.run.sampling import SeededVisits, Visit


def test_reading_leaves_the_global_generators_alone():
    seed_generators(1, with_cuda=False)
    expected = random.random(), np.random.uniform(), float(torch.rand(()))  # noqa: NPY002
    seed_generators(1, with_cuda=False)
    with seeded_generators(5, 6):
        random.random()
        torch.rand(())
    SeededVisits(Drawing(), 7)[Visit(1, 2, 3)]
    assert (random.random(), np.random.uniform(), float(torch.rand(()))) == expected  # noqa: NPY002


def draws():
    return random.random(), float(np.random.uniform()), float(torch.rand(()))  # noqa: NPY002


def test_the_same_numbers_give_the_same_draws_and_others_do_not():
    found = []
    for numbers in ((1, 2), (1, 2), (2, 1), (1,), (0, 0), (2**32 - 1,)):
        seed_generators(*numbers, with_cuda=False)
        found.append(draws())
    assert found[0] == found[1]
    assert len(set(found)) == 5


def test_an_error_inside_puts_the_generators_back_too():
    seed_generators(3, with_cuda=False)
    expected = draws()
    seed_generators(3, with_cuda=False)
    with pytest.raises(ValueError, match="inside"), seeded_generators(4):
        draws()
        raise ValueError("inside")
    assert draws() == expected
