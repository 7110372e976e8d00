"""What the benchmarks share."""

import os
from functools import partial

import numpy as np
import torch

from kdsr_tools.benchmark.measurement import measure_peak_megabytes, peak_bytes, run_alone

CPU = torch.device("cpu")


def test_a_function_runs_in_another_process():
    assert run_alone(os.getpid) != os.getpid()


def test_the_peak_contains_what_is_given_back():
    before = peak_bytes()
    large = torch.ones(before // 4 + 2**24)  # larger than all that this process ever held
    del large
    assert peak_bytes() >= before + 2**25


def test_the_peak_is_what_the_work_allocates():
    # `partial(np.ones, n)` is the preparation's result, calling it the work: 64 MB of float64.
    megabytes = measure_peak_megabytes(partial, np.ones, 8 * 2**20, device=CPU)
    assert 60 < megabytes < 80
