"""Choosing a device by its name."""

import pytest
import torch

from kdsr_tools.devices import describe_device, find_device

CPU = torch.device("cpu")


@pytest.fixture
def available(monkeypatch):
    """Pretend that PyTorch finds certain devices."""

    def pretend(*kinds, gpus=1):
        monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in kinds)
        monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in kinds)

    return pretend


@pytest.mark.parametrize(
    ("kinds", "known", "expected"),
    [
        ((), ("auto", "cpu", "cuda", "mps"), "cpu"),
        (("mps",), ("auto", "cpu", "cuda", "mps"), "mps"),
        (("mps",), ("auto", "cpu", "cuda"), "cpu"),
        (("cuda", "mps"), ("auto", "cpu", "cuda", "mps"), "cuda"),
    ],
)
def test_auto_is_the_fastest_that_is_there_and_known(available, kinds, known, expected):
    available(*kinds)
    assert find_device("auto", known=known).type == expected


def test_a_device_that_is_not_there_is_said(available):
    available()
    with pytest.raises(ValueError, match="device: PyTorch finds no cuda on this machine; leave it out, or use cpu"):
        find_device("cuda")


def test_gpus_are_counted_from_0(available):
    available("cuda", gpus=2)
    assert find_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match="this machine has 2 GPUs, counted from 0; got cuda:2"):
        find_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "mps"])
def test_a_name_that_is_not_known_is_refused_with_those_that_are(name):
    with pytest.raises(ValueError, match=f"device: expected one of auto, cpu, cuda, got '{name}'"):
        find_device(name, known=("auto", "cpu", "cuda"))


def test_a_processor_is_described_with_its_threads():
    assert describe_device(CPU) == f"CPU, {torch.get_num_threads()} threads"
