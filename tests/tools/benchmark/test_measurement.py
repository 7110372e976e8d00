"""What the benchmarks share."""

import os
import subprocess
import sys
from functools import partial

import numpy as np
import psutil
import pytest
import torch
from launching import wait_until
from option_files import ROOT

from kdsr_tools.benchmark.measurement import busy_processes, measure_peak_megabytes, peak_bytes, run_alone

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


def test_a_process_of_its_own_has_variables_of_its_own(monkeypatch):
    monkeypatch.setenv("KDSR_TEST_OLD", "1")
    before = dict(os.environ)
    for name, expected in (("KDSR_TEST_OLD", None), ("KDSR_TEST_NEW", "2")):
        assert run_alone(os.getenv, name, environment={"KDSR_TEST_OLD": None, "KDSR_TEST_NEW": "2"}) == expected
    assert dict(os.environ) == before


def test_busy_processes_end_with_the_work():
    with pytest.raises(KeyboardInterrupt), busy_processes(2) as processes:
        assert [process.poll() for process in processes] == [None, None]
        raise KeyboardInterrupt
    assert all(process.returncode is not None for process in processes)


def test_busy_processes_end_with_the_process_that_started_them():
    script = "import os; from kdsr_tools.benchmark.measurement import busy_processes\n"
    script += "with busy_processes(1) as processes: print(processes[0].pid, flush=True); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60)
    wait_until(lambda: not is_running(int(done.stdout)), seconds=10)


def is_running(number):
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
