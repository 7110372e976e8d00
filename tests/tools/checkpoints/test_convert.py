"""`kdsr convert`: the same numbers under other names and in other files."""

import pytest
import torch
import yaml
from option_files import SMALL_NETWORKS, save_student, save_teacher
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent, load_student, read_weights
from kdsr_arch.checkpoint import read_heads, read_metadata
from kdsr_arch.weights import is_official, join_heads, to_own_names
from kdsr_tools.checkpoints.loading import load_network
from kdsr_tools.checkpoints.shipped import list_models
from kdsr_tools.cli import main


def convert(*arguments):
    return main(["convert", *map(str, arguments)])


def assert_same_weights(path, expected):
    weights = to_own_names(read_weights(path))
    expected = to_own_names(read_weights(expected))
    assert weights.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in weights.items())


@pytest.mark.parametrize("save", [save_student, save_teacher])
def test_weights_survive_a_round_through_all_kinds_of_files(tmp_path, save, capsys):
    first = save(tmp_path / "net.pth")
    assert convert(first, tmp_path / "official.pt", "--names", "official") == 0
    assert "x4 under the authors' names" in capsys.readouterr().out
    assert is_official(torch.load(tmp_path / "official.pt", weights_only=True))
    assert convert(tmp_path / "official.pt", tmp_path / "net.safetensors") == 0
    assert convert(tmp_path / "net.safetensors", tmp_path / "again.pth") == 0
    assert_same_weights(tmp_path / "again.pth", first)
    assert list(torch.load(tmp_path / "again.pth", weights_only=True)) == ["params"]


def test_safetensors_files_say_what_they_hold(tmp_path):
    save_student(tmp_path / "net.pth")
    assert (
        convert(tmp_path / "net.pth", tmp_path / "a.safetensors", "--set", "name=KDSR-A", "--set", "licence=a=b") == 0
    )
    header = read_metadata(tmp_path / "a.safetensors")
    assert header == {
        "kind": "student",
        "scale": "4",
        "num_feat": "8",
        "num_block": "1",
        "num_estimator_block": "1",
        "num_estimator_feat": "8",
        "direct_upsampler": "False",
        "name": "KDSR-A",
        "licence": "a=b",
    }
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "net.pth").stat().st_mode
    assert convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--set", "name=KDSR-B") == 0
    assert read_metadata(tmp_path / "b.safetensors") == {**header, "name": "KDSR-B"}


def test_heads_go_where_they_can_be_read_again(tmp_path):
    weights = KDSRStudent(2, 8, 1, 1).state_dict()
    heads = {"bias": torch.tensor([1 / 3])}
    save_file(join_heads(weights, heads), tmp_path / "net.safetensors", metadata={"heads": "of a test"})
    assert convert(tmp_path / "net.safetensors", tmp_path / "half.safetensors", "--precision", "fp16") == 0
    assert torch.equal(read_heads(tmp_path / "half.safetensors")["bias"], heads["bias"])  # not made smaller
    assert read_metadata(tmp_path / "half.safetensors")["heads"] == "of a test"
    assert convert(tmp_path / "net.safetensors", tmp_path / "folder") == 0
    assert torch.equal(read_heads(tmp_path / "folder")["bias"], heads["bias"])
    assert KDSRStudent.from_pretrained(tmp_path / "folder").scale == 2
    assert convert(tmp_path / "net.safetensors", tmp_path / "net.pth") == 0
    assert convert(tmp_path / "net.pth", tmp_path / "without.safetensors") == 0
    assert read_weights(tmp_path / "net.pth").keys() == weights.keys()
    assert read_heads(tmp_path / "without.safetensors") == {}


def test_either_weights_may_be_chosen_and_made_smaller(tmp_path):
    network = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"])
    plain = {key: value + 1 for key, value in network.state_dict().items()}
    torch.save({"params": plain, "params_ema": network.state_dict()}, tmp_path / "net.pth")
    convert(tmp_path / "net.pth", tmp_path / "ema.pth")
    convert(tmp_path / "net.pth", tmp_path / "plain.pth", "--param-key", "params")
    convert(tmp_path / "net.pth", tmp_path / "half.safetensors", "--precision", "fp16")
    key = "sr_network.conv_first.bias"
    assert torch.equal(read_weights(tmp_path / "ema.pth")[key], network.state_dict()[key])
    assert torch.equal(read_weights(tmp_path / "plain.pth")[key], plain[key])
    assert torch.equal(read_weights(tmp_path / "half.safetensors")[key], network.state_dict()[key].half())
    assert load_network(tmp_path / "half.safetensors").scale == 4


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path, capsys):
    save_student(tmp_path / "net.pth")
    (tmp_path / "new.pth").write_bytes(b"old")
    assert convert(tmp_path / "net.pth", tmp_path / "new.pth") == 1
    assert "new.pth exists already; --overwrite replaces it" in capsys.readouterr().err
    assert (tmp_path / "new.pth").read_bytes() == b"old"
    assert convert(tmp_path / "net.pth", tmp_path / "new.pth", "--overwrite") == 0
    assert_same_weights(tmp_path / "new.pth", tmp_path / "net.pth")


def test_a_name_without_a_suffix_is_a_folder_for_the_hub(tmp_path, capsys):
    student = load_student(save_student(tmp_path / "net.pth"))
    assert convert(tmp_path / "net.pth", tmp_path / "net", "--precision", "fp16", "--set", "name=mine") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'net'}: KDSR student x4 under our names\n"
    loaded = KDSRStudent.from_pretrained(tmp_path / "net")
    for key, value in student.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value.half().float())
    assert "# mine\n" in (tmp_path / "net" / "README.md").read_text(encoding="utf-8")
    assert convert(tmp_path / "net", tmp_path / "again.pth") == 0
    assert_same_weights(tmp_path / "again.pth", tmp_path / "net")


def test_a_folders_own_files_are_kept_unless_told_otherwise(tmp_path, capsys):
    save_student(tmp_path / "net.pth")
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "README.md").write_text("mine")
    assert convert(tmp_path / "net.pth", tmp_path / "net") == 1
    assert "README.md exists already; --overwrite replaces it" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "net").iterdir()] == ["README.md"]
    assert convert(tmp_path / "net.pth", tmp_path / "net", "--overwrite") == 0
    assert (tmp_path / "net" / "README.md").read_text(encoding="utf-8").startswith("---\n")


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.name)
def test_a_shipped_model_brings_its_card(tmp_path, model):
    assert convert(model.name, tmp_path / "net") == 0
    card = (tmp_path / "net" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    assert (head["license"], head["pipeline_tag"]) == ("mit", "image-to-image")
    assert head["datasets"]
    assert model.description in card and model.degradations in card
    if "model-index" in head:
        assert head["metrics"] == ["psnr", "ssim"] and head["model-index"][0]["name"] == model.name
        assert "## Measured" in card
    assert_same_weights(tmp_path / "net", model.path)


def test_what_cannot_be_converted_is_explained(tmp_path, capsys):
    save_student(tmp_path / "net.pth")
    save_teacher(tmp_path / "teacher.pth")
    torch.save({"w": torch.zeros(1)}, tmp_path / "other.pth")
    light = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"], direct_upsampler=True)
    torch.save(light.state_dict(), tmp_path / "light.pth")
    for arguments, message in (
        (("net.pth", "new.bin"), "new.bin: expected a name that ends in .pth, .pt or .safetensors, or, for a folder"),
        (("net.pth", "new", "--names", "official"), "new: a folder holds weights under our names; leave --names"),
        (("teacher.pth", "new"), "teacher.pth: this is a teacher's checkpoint"),
        (("net.pth", "new.pth", "--set", "a=b"), "--set: only .safetensors files have a header"),
        (("other.pth", "new.pth"), "other.pth: not the weights of a KDSR student or teacher"),
        (("light.pth", "new.pth", "--names", "official"), "light.pth: the authors' networks have neither"),
    ):
        assert convert(tmp_path / arguments[0], tmp_path / arguments[1], *arguments[2:]) == 1
        assert message in capsys.readouterr().err
        assert not (tmp_path / arguments[1]).exists()
    with pytest.raises(SystemExit):
        convert(tmp_path / "net.pth", tmp_path / "new.safetensors", "--set", "name")
