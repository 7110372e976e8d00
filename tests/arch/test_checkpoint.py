"""Checkpoint files: how weights may be wrapped, and what is said about files that hold none."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from kdsr_arch import load_student, read_weights
from kdsr_arch.checkpoint import first_line, read_checkpoint, read_heads, read_metadata


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
    with pytest.raises(
        ValueError, match="expected a state dict, bare or under one of params_ema, params-ema, params, state_dict"
    ):
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


def test_heads_are_split_off_before_anyone_sees_them(tmp_path, student):
    path = tmp_path / "net.safetensors"
    save_file({**student.state_dict(), "heads.bias": torch.ones(3)}, path)
    assert read_checkpoint(path).keys() == read_weights(path).keys() == student.state_dict().keys()
    load_student(path).load_state_dict(load_file(path), strict=True)  # as strangers read it
    assert {key: value.tolist() for key, value in read_heads(path).items()} == {"bias": [1, 1, 1]}
    save_file(student.state_dict(), path)
    torch.save(student.state_dict(), tmp_path / "net.pth")
    assert read_heads(path) == read_heads(tmp_path / "net.pth") == {}


def test_files_without_metadata_have_none(tmp_path):
    save_file({"w": torch.zeros(1)}, tmp_path / "net.safetensors")
    torch.save({"w": torch.zeros(1)}, tmp_path / "net.pth")
    assert read_metadata(tmp_path / "net.safetensors") == read_metadata(tmp_path / "net.pth") == {}


@pytest.mark.parametrize("read", [read_weights, read_metadata, read_heads])
def test_a_damaged_safetensors_file_is_named(tmp_path, read):
    (tmp_path / "net.safetensors").write_bytes(b"no header")
    with pytest.raises(ValueError, match=r"net\.safetensors: not a readable checkpoint of tensors"):
        read(tmp_path / "net.safetensors")


def test_an_error_is_told_in_a_line():
    assert first_line(ValueError("\nfirst\nsecond")) == "first"
    assert first_line(MemoryError()) == "MemoryError"


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict", "params-ema", "net_g"])
def test_other_programs_wrappers_are_known(tmp_path, wrapper):
    torch.save({wrapper: {"w": torch.tensor(3)}, "epoch": 5}, tmp_path / "net.pth")
    assert int(read_weights(tmp_path / "net.pth")["w"]) == 3


@pytest.mark.parametrize("prefix", ["_orig_mod.", "params.", "params_ema.", "module.", "module._orig_mod."])
def test_prefixes_that_every_key_has_are_removed(tmp_path, prefix):
    torch.save({f"{prefix}w": torch.tensor(3), f"{prefix}b.params.c": torch.tensor(4)}, tmp_path / "net.pth")
    assert {key: int(value) for key, value in read_weights(tmp_path / "net.pth").items()} == {"w": 3, "b.params.c": 4}


def test_of_a_flat_file_with_both_the_averaged_weights_are_taken(tmp_path):
    save_file({"params.w": torch.tensor(1), "params_ema.w": torch.tensor(2)}, tmp_path / "net.safetensors")
    assert {key: int(value) for key, value in read_weights(tmp_path / "net.safetensors").items()} == {"w": 2}


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "it is a web page, not weights: download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "it is Git LFS's pointer"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"not a readable checkpoint of tensors \({reason}") as caught:
        read_weights(tmp_path / name)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_download_that_stopped_half_way_is_called_that(tmp_path, share):
    torch.save({"w": torch.zeros(1000)}, tmp_path / "zip.pth")
    torch.save({"w": torch.zeros(1000)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file({"w": torch.zeros(1000)}, tmp_path / "net.safetensors")
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        with pytest.raises(ValueError, match=rf"{path.name}: .*it is cut off after \d+ bytes: download it again"):
            read_weights(path)


def test_code_is_refused_without_pytorchs_advice_to_run_it(tmp_path):
    torch.save({"w": Path("x")}, tmp_path / "code.pth")
    with pytest.raises(ValueError, match="what could run code is not loaded") as caught:
        read_weights(tmp_path / "code.pth")
    assert "weights_only" not in str(caught.value)
