"""Checkpoints: whole or not there."""

import errno
import os

import pytest
import torch

from kdsr_model.run import whole_files as checkpoints
from kdsr_model.run.whole_files import CheckpointError, remove_old, whole_files, write_whole


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "net_g_1.pth"
    write_whole(path, b"good")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"better")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("net_g_1.pth", b"good")]


def test_a_write_that_goes_well_at_the_second_try_is_no_failure(tmp_path, monkeypatch):
    tries = []

    def write(path, content):
        tries.append(path)
        if len(tries) == 1:
            raise OSError(errno.EIO, "for a moment")
        write_whole(path, content)

    monkeypatch.setattr(checkpoints, "write_whole", write)
    monkeypatch.setattr(checkpoints.time, "sleep", lambda seconds: None)
    with whole_files({}):
        torch.save({"params": {"w": torch.ones(1)}}, tmp_path / "net_g_1.pth")
    assert len(tries) == 2
    assert torch.load(tmp_path / "net_g_1.pth", weights_only=True)["params"]["w"] == 1


def test_only_training_states_get_the_extra_key_and_torch_save_comes_back(tmp_path):
    torch_save = torch.save
    with whole_files({"seed": 3}):
        torch.save({"iter": 1}, tmp_path / "1.state")
        torch.save({"params": {}}, tmp_path / "net_g_1.pth")
    assert torch.save is torch_save
    assert torch.load(tmp_path / "1.state", weights_only=True) == {"iter": 1, "kdsr": {"seed": 3}}
    assert torch.load(tmp_path / "net_g_1.pth", weights_only=True) == {"params": {}}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_not_written(tmp_path, value):
    weights = {"params": {"good": torch.ones(2), "count": torch.tensor(1), "bad": torch.tensor([1.0, value])}}
    with pytest.raises(CheckpointError) as caught, whole_files({}):
        torch.save(weights, tmp_path / "net_g_1.pth")
    assert "bad is NaN or infinite" in caught.value.message
    assert caught.value.code == 74
    assert list(tmp_path.iterdir()) == []


def test_old_checkpoints_go_and_those_of_later_iterations_stay(tmp_path):
    for number in (5, 10, 15, 20, 100):
        (tmp_path / f"{number}.state").touch()
        (tmp_path / f"net_g_{number}.pth").touch()
        (tmp_path / f"net_d_{number}.pth").touch()
    remove_old(tmp_path, tmp_path, current_iter=20, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        name.format(number) for number in (15, 20, 100) for name in ("{}.state", "net_g_{}.pth", "net_d_{}.pth")
    )
