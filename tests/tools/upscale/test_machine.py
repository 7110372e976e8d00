"""What an upscaler's settings may be."""

import pytest

from kdsr_tools.upscale import machine
from kdsr_tools.upscale.machine import Knobs, choose_memory


def test_memory_is_shared_among_processes_and_never_less_than_needed(monkeypatch):
    free = type("Memory", (), {"available": 8 * 2**30})
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: free)
    assert choose_memory() == 4 * 2**30
    assert choose_memory(num_processes=2) == 2 * 2**30
    free.available = 0
    assert choose_memory() == 512 * 2**20


def test_knobs_reach_from_minus_one_to_one():
    assert Knobs.check(denoise=-1, deblur=1) == (-1, 1)
    assert Knobs.check(denoise=0.5, deblur=0).are_turned
    assert not Knobs.check(denoise=0, deblur=-0.0).are_turned
    with pytest.raises(ValueError, match="denoise: expected -1 to 1, got 1.5"):
        Knobs.check(denoise=1.5, deblur=0)
    with pytest.raises(ValueError, match="deblur: expected -1 to 1, got nan"):
        Knobs.check(denoise=0, deblur=float("nan"))
