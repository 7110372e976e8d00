"""Checkpoint files: how weights may be wrapped, and what is said about files that hold none."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from kdsr_arch import read_weights
from kdsr_arch.checkpoint import read_metadata


@pytest.mark.parametrize(
    ("content", "param_key", "expected"),
    [
        ({"w": 1}, None, 1),
        ({"params": {"w": 1}}, None, 1),
        ({"params": {"w": 1}, "params_ema": {"w": 2}}, None, 2),
        ({"params": {"w": 1}, "params_ema": {"w": 2}}, "params", 1),
        ({"params": {"w": 1}}, "params_ema", 1),
    ],
)
def test_checkpoints_are_read_wrapped_or_bare(tmp_path, content, param_key, expected):
    def to_tensors(value):
        return {k: to_tensors(v) for k, v in value.items()} if isinstance(value, dict) else torch.tensor(value)

    torch.save(to_tensors(content), tmp_path / "net.pth")
    assert int(read_weights(tmp_path / "net.pth", param_key=param_key)["w"]) == expected


@pytest.mark.parametrize("name", ["net.pth", "net.pt"])
def test_weights_come_back_as_they_were_saved(tmp_path, student, name):
    torch.save({"params": student.state_dict()}, tmp_path / name)
    weights = read_weights(str(tmp_path / name))
    assert list(weights) == list(student.state_dict())
    for key, value in student.state_dict().items():
        assert torch.equal(weights[key], value)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth: there is no such checkpoint file"):
        read_weights(tmp_path / "none.pth")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 torn"])
def test_a_file_of_another_kind_is_named(tmp_path, content):
    (tmp_path / "other.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.pth: not a readable checkpoint"):
        read_weights(tmp_path / "other.pth")


def test_a_checkpoint_that_was_not_written_to_its_end_is_named(tmp_path):
    torch.save({"w": torch.zeros(1000)}, tmp_path / "torn.pth")
    content = (tmp_path / "torn.pth").read_bytes()
    (tmp_path / "torn.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"torn\.pth: not a readable checkpoint"):
        read_weights(tmp_path / "torn.pth")


@pytest.mark.parametrize("content", [{}, [1, 2], {"params": {"w": "text"}}])
def test_a_file_without_weights_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="expected a state dict, bare or under one of params_ema, params"):
        read_weights(tmp_path / "other.pth")


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    torch.save({"w": Path("x")}, tmp_path / "code.pth")
    with pytest.raises(ValueError, match="not a readable checkpoint of tensors"):
        read_weights(tmp_path / "code.pth")


def test_safetensors_files_are_read_with_their_metadata(tmp_path, student):
    save_file(student.state_dict(), tmp_path / "net.safetensors", metadata={"name": "small"})
    weights = read_weights(tmp_path / "net.safetensors")
    assert weights.keys() == student.state_dict().keys()
    assert all(torch.equal(value, weights[key]) for key, value in student.state_dict().items())
    assert read_metadata(tmp_path / "net.safetensors") == {"name": "small"}


def test_files_without_metadata_have_none(tmp_path):
    save_file({"w": torch.zeros(1)}, tmp_path / "net.safetensors")
    torch.save({"w": torch.zeros(1)}, tmp_path / "net.pth")
    assert read_metadata(tmp_path / "net.safetensors") == read_metadata(tmp_path / "net.pth") == {}


@pytest.mark.parametrize("read", [read_weights, read_metadata])
def test_a_damaged_safetensors_file_is_named(tmp_path, read):
    (tmp_path / "net.safetensors").write_bytes(b"no header")
    with pytest.raises(ValueError, match=r"net\.safetensors: not a readable checkpoint of tensors"):
        read(tmp_path / "net.safetensors")
