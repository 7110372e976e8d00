"""Loading of networks: weights and nothing else, and a sentence where they do not fit."""

import pytest
import torch
from basicsr.archs import vgg_arch

from kdsr_model.run.loading import build_safely, describe_misfit, safe_loading


def test_inside_the_context_torch_loads_weights_only(tmp_path):
    torch.save({"code": print}, tmp_path / "x.pth")
    torch_load = torch.load
    with safe_loading(), pytest.raises(Exception, match="weights_only|Weights only"):
        torch.load(tmp_path / "x.pth")
    assert torch.load is torch_load


def test_what_does_not_fit_is_put_into_a_sentence():
    network = torch.nn.Linear(2, 3)
    with pytest.raises(RuntimeError) as error:
        network.load_state_dict({"weight": torch.zeros(3, 2), "extra": torch.zeros(1)})
    assert describe_misfit(error.value) == (
        'the weights do not fit Linear: Missing key(s) in state_dict: "bias"; Unexpected key(s) in state_dict: "extra"'
    )
    assert describe_misfit(ValueError("a sentence")) == "a sentence"


def test_a_long_list_of_differences_is_cut():
    error = RuntimeError("\n\t".join(["Error(s) in loading state_dict for Net:", *"abcdef"]))
    assert describe_misfit(error) == "the weights do not fit Net: a; b; c; d; and 2 more"


def test_a_model_whose_weights_do_not_fit_ends_with_the_options_key():
    def build_model(opt):
        raise RuntimeError("Error(s) in loading state_dict for Net:\n\tsize mismatch for weight.")

    path = {"pretrain_network_g": "x.pth", "strict_load_g": True}
    with pytest.raises(SystemExit, match="path: pretrain_network_g: x.pth: the weights do not fit Net: size mismatch"):
        build_safely(build_model, {"path": path})


def test_other_errors_of_a_model_stay_what_they_are():
    def build_model(opt):
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        build_safely(build_model, {"path": {}})


@pytest.mark.parametrize("path", ["vgg.pth", None])
def test_any_model_finds_the_vgg_weights_of_the_options(path):
    own_place = vgg_arch.VGG_PRETRAIN_PATH
    options = {"path": {"pretrain_network_vgg": path}}
    assert build_safely(lambda opt: vgg_arch.VGG_PRETRAIN_PATH, options) == (path or own_place)
    assert own_place == vgg_arch.VGG_PRETRAIN_PATH
