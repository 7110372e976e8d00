"""State dicts: the authors' names, the size that weights tell, files, and what is said about wrong ones."""

import json
from pathlib import Path

import pytest
import torch

from kdsr_arch import KDSRStudent, KDSRTeacher, read_weights, size_from_weights

LAYOUTS = json.loads((Path(__file__).parent.parent / "data/golden/official_state_dict_layouts.json").read_text())
SMALL = {"num_feat": 8, "num_block": 2, "num_estimator_block": 1}
OFFICIAL_MEAN = (0.4488, 0.4371, 0.4040)


def official_weights(layout):
    """Make weights with the keys and shapes of a released checkpoint; the mean shift has its real values."""
    weights = {key: torch.zeros(shape) for key, shape in layout["keys"].items()}
    for name, sign in (("G.sub_mean", -1), ("G.add_mean", 1)):
        weights[f"{name}.weight"] = torch.eye(3).reshape(3, 3, 1, 1)
        weights[f"{name}.bias"] = sign * torch.tensor(OFFICIAL_MEAN)
    return weights


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("name", LAYOUTS)
def test_released_checkpoints_load_strictly_and_tell_their_size(name, prefix):
    layout = LAYOUTS[name]
    weights = {prefix + key: value for key, value in official_weights(layout).items()}
    size = size_from_weights(weights)
    assert size.kind == ("teacher" if "teacher" in name else "student")
    assert (size.scale, size.num_feat) == (layout["scale"], layout["n_feats"])
    with torch.device("meta"):
        network = {"teacher": KDSRTeacher, "student": KDSRStudent}[size.kind](**size.arguments())
    network.load_state_dict(weights, strict=True, assign=True)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize(("kind", "network"), [("student", KDSRStudent), ("teacher", KDSRTeacher)])
def test_own_weights_tell_their_size(kind, network, scale):
    size = size_from_weights(network(scale, **SMALL).state_dict())
    assert (size.kind, size.arguments()) == (kind, {"scale": scale, **SMALL})


def test_every_parameter_gets_its_own_official_weight():
    layout = next(layout for name, layout in LAYOUTS.items() if name.startswith("KDSRtM"))
    weights = official_weights(layout)
    for number, key in enumerate(weights):
        if "_mean" not in key:
            weights[key] = torch.full((1,), float(number)).expand(weights[key].shape)
    arguments = size_from_weights(weights).arguments()
    with torch.device("meta"):
        teacher = KDSRTeacher(**arguments)
    teacher.load_state_dict(weights, strict=True, assign=True)
    loaded = {float(p.detach().flatten()[0]) for p in teacher.parameters()}
    assert len(loaded) == len(list(teacher.parameters())) == len(weights) - 4


def test_another_mean_shift_is_refused():
    weights = official_weights(LAYOUTS["KDSRsM_x4 student"])
    weights["G.sub_mean.bias"] = torch.zeros(3)
    with pytest.raises(ValueError, match=r"G\.sub_mean\.bias: expected the shift by the DIV2K mean .* got \[0\.0"):
        size_from_weights(weights)


def test_unknown_keys_are_reported_under_the_name_they_came_with():
    weights = {**KDSRStudent(2, **SMALL).state_dict(), "surplus": torch.zeros(1)}
    with pytest.raises(RuntimeError, match="surplus"):
        KDSRStudent(2, **SMALL).load_state_dict(weights)


def test_weights_of_other_networks_are_refused():
    with pytest.raises(ValueError, match=r"not the weights of a KDSR student or teacher: .*it holds conv\.weight"):
        size_from_weights({"conv.weight": torch.zeros(1)})


def test_an_estimator_of_odd_width_is_refused():
    weights = KDSRStudent(2, **SMALL).state_dict()
    weights["estimator.conv_first.weight"] = torch.zeros(8, 7, 3, 3)
    with pytest.raises(ValueError, match="takes 7 channels, which fits neither"):
        size_from_weights(weights)


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


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth: there is no such checkpoint file"):
        read_weights(tmp_path / "none.pth")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 torn"])
def test_a_torn_checkpoint_is_named(tmp_path, content):
    (tmp_path / "torn.pth").write_bytes(content)
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
