"""What the benchmarks share."""

import os

import torch

from kdsr_tools.measurement import peak_bytes, run_alone


def test_a_function_runs_in_another_process():
    assert run_alone(os.getpid) != os.getpid()


def test_the_peak_contains_what_is_given_back():
    before = peak_bytes()
    large = torch.ones(before // 4 + 2**24)  # larger than all that this process ever held
    del large
    assert peak_bytes() >= before + 2**25
