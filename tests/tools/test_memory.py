"""Peak memory of some work, in a process of its own."""

from functools import partial

import numpy as np
import torch

from kdsr_tools.memory import measure_peak_megabytes

CPU = torch.device("cpu")


def test_the_peak_is_what_the_work_allocates():
    # `partial(np.ones, n)` is the preparation's result, calling it the work: 64 MB of float64.
    megabytes = measure_peak_megabytes(partial, np.ones, 8 * 2**20, device=CPU)
    assert 60 < megabytes < 80
