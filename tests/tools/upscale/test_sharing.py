"""Processes that share the work: who takes what, and on which GPU."""

import pytest
import torch

from kdsr_tools.upscale.sharing import Process


def test_one_process_takes_everything(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    process = Process.from_environment()
    assert process == Process(number=0, count=1, local_number=0, local_count=1)
    assert process.take("abc") == ["a", "b", "c"]
    assert process.gather("x") == ["x"]
    assert process.choose_device("cuda") == "cuda"


def test_what_torchrun_sets_is_read(monkeypatch):
    for name, value in (("RANK", 5), ("WORLD_SIZE", 8), ("LOCAL_RANK", 1), ("LOCAL_WORLD_SIZE", 4)):
        monkeypatch.setenv(name, str(value))
    assert Process.from_environment() == Process(number=5, count=8, local_number=1, local_count=4)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_everything_is_taken_once(count):
    shares = [Process(number=number, count=count).take(range(10)) for number in range(count)]
    assert sorted(item for share in shares for item in share) == list(range(10))


def test_every_process_gets_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    names = [Process(number=n, count=3, local_number=n, local_count=3).choose_device("auto") for n in range(3)]
    assert names == ["cuda:0", "cuda:1", "cuda:0"]
    assert Process(number=1, count=2, local_number=1).choose_device("cpu") == "cpu"
