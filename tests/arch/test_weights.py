"""State dicts: the authors' names, the size that weights tell, and what is said about wrong ones."""

import pytest
import torch
from official_weights import LAYOUTS, official_weights

from kdsr_arch import KDSRStudent, KDSRTeacher, size_from_weights
from kdsr_arch.weights import NetworkSize, to_official_names, to_own_names

STUDENT_M, TEACHER_M = "KDSRsM_x4 student", "KDSRtM_x4 teacher"
NETWORKS = {"student": KDSRStudent, "teacher": KDSRTeacher}


def build_on_meta(size):
    with torch.device("meta"):
        return NETWORKS[size.kind](**size.arguments())


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("name", LAYOUTS)
def test_released_checkpoints_load_strictly_and_tell_their_size(name, prefix):
    layout = LAYOUTS[name]
    weights = official_weights(name)
    assert {key: list(value.shape) for key, value in weights.items()} == layout["keys"]
    weights = {prefix + key: value for key, value in weights.items()}
    size = size_from_weights(weights)
    kind = "teacher" if "teacher" in name else "student"
    assert size == NetworkSize(
        kind, 4, layout["n_feats"], layout["n_blocks"], layout["n_res"], layout["n_feats"], False
    )
    build_on_meta(size).load_state_dict(weights, strict=True, assign=True)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_official_weights_of_other_scales_load_too(scale):
    weights = official_weights(STUDENT_M, scale=scale)
    size = size_from_weights(weights)
    assert (size.kind, size.scale) == ("student", scale)
    build_on_meta(size).load_state_dict(weights, strict=True, assign=True)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("light", [{}, {"num_estimator_feat": 4, "direct_upsampler": True}])
def test_own_weights_tell_their_size_and_load(small, kind, scale, prefix, light):
    network = NETWORKS[kind](scale, **small, **light)
    weights = {prefix + key: value for key, value in network.state_dict().items()}
    size = size_from_weights(weights)
    full = {"num_estimator_feat": small["num_feat"], "direct_upsampler": False}
    assert (size.kind, size.arguments()) == (kind, {"scale": scale, **small, **full, **light})
    loaded = NETWORKS[kind](**size.arguments())
    loaded.load_state_dict(weights, strict=True)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in loaded.state_dict().items())


def test_every_parameter_gets_its_own_official_weight():
    weights = official_weights(TEACHER_M)
    for number, key in enumerate(weights):
        if "_mean" not in key:
            weights[key] = torch.full((1,), float(number)).expand(weights[key].shape)
    teacher = build_on_meta(size_from_weights(weights))
    teacher.load_state_dict(weights, strict=True, assign=True)
    loaded = {float(p.detach().flatten()[0]) for p in teacher.parameters()}
    assert len(loaded) == len(list(teacher.parameters())) == len(weights) - 4


@pytest.mark.parametrize("official", ["G.sub_mean", "G.add_mean"])
def test_another_mean_shift_is_refused(official):
    weights = official_weights(STUDENT_M)
    weights[f"{official}.bias"] = torch.zeros(3)
    with pytest.raises(ValueError, match=rf"{official}\.bias: expected the shift by the DIV2K mean .* got \[0\.0"):
        build_on_meta(size_from_weights(official_weights(STUDENT_M))).load_state_dict(weights)


def test_a_mean_shift_that_mixes_colours_is_refused():
    weights = {**official_weights(STUDENT_M), "G.add_mean.weight": torch.eye(3).flip(0).reshape(3, 3, 1, 1)}
    with pytest.raises(ValueError, match=r"G\.add_mean\.weight: .* belong to a network with another normalisation"):
        to_own_names(weights)


def test_a_mean_shift_in_half_precision_is_taken():
    weights = {key: value.half() for key, value in official_weights(STUDENT_M).items()}
    assert size_from_weights(weights).num_block == 53


def test_unknown_keys_are_reported_under_the_name_they_came_with(student):
    with pytest.raises(RuntimeError, match="surplus"):
        student.load_state_dict({**student.state_dict(), "surplus": torch.zeros(1)})


def test_missing_official_weights_are_reported():
    weights = official_weights(STUDENT_M)
    network = build_on_meta(size_from_weights(weights))
    del weights["G.body.1.bias"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "sr_network.conv_body.bias"'):
        network.load_state_dict(weights, assign=True)


def test_weights_of_another_size_are_reported(student, small):
    other = KDSRStudent(2, **{**small, "num_feat": 4})
    with pytest.raises(RuntimeError, match=r"size mismatch for sr_network\.conv_last\.weight"):
        student.load_state_dict(other.state_dict())


@pytest.mark.parametrize(
    ("weights", "held"), [({"conv.weight": torch.zeros(1)}, r"conv\.weight"), ({}, "nothing")], ids=["other", "empty"]
)
def test_weights_of_other_networks_are_refused(weights, held):
    with pytest.raises(ValueError, match=rf"not the weights of a KDSR student or teacher: .*it holds {held}"):
        size_from_weights(weights)


def test_an_estimator_of_odd_width_is_refused(student):
    weights = {**student.state_dict(), "estimator.conv_first.weight": torch.zeros(8, 7, 3, 3)}
    with pytest.raises(ValueError, match="takes 7 channels, which fits neither"):
        size_from_weights(weights)


@pytest.mark.parametrize("name", LAYOUTS)
def test_official_names_come_back_from_ours(name):
    weights = official_weights(name)
    for number, key in enumerate(weights):
        if "_mean" not in key:
            weights[key] = torch.full((1,), float(number)).expand(weights[key].shape)
    back = to_official_names(to_own_names(weights))
    assert back.keys() == weights.keys()
    assert all(torch.equal(value, weights[key]) for key, value in back.items())
    assert {key: list(value.shape) for key, value in back.items()} == LAYOUTS[name]["keys"]
    assert to_official_names({f"module.{key}": value for key, value in weights.items()}).keys() == weights.keys()


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("kind", NETWORKS)
def test_our_names_come_back_from_official_ones(small, kind, scale):
    weights = NETWORKS[kind](scale, **small).state_dict()
    official = to_official_names(weights)
    assert not official.keys() & weights.keys()
    assert ("E.E.0.weight" in official) == (kind == "teacher")
    back = to_own_names(official)
    assert back.keys() == weights.keys()
    assert all(value is weights[key] or torch.equal(value, weights[key]) for key, value in back.items())


@pytest.mark.parametrize("light", [{"num_estimator_feat": 4}, {"direct_upsampler": True}])
def test_networks_that_the_authors_do_not_have_get_no_official_names(small, light):
    with pytest.raises(ValueError, match="the authors' networks have neither a direct_upsampler nor a num_estimator"):
        to_official_names(KDSRStudent(2, **small, **light).state_dict())
