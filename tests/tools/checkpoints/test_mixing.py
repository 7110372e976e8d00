"""Networks between a faithful one and a sharp one."""

from pathlib import Path

import pytest
import torch
from option_files import SMALL_NETWORKS

from kdsr_arch import KDSRStudent
from kdsr_tools.checkpoints.loading import LoadedNetwork
from kdsr_tools.checkpoints.mixing import mix


def make_loaded(seed, **changes):
    torch.manual_seed(seed)
    network = KDSRStudent(4, **{**SMALL_NETWORKS["KDSRStudent"], **changes}).eval().requires_grad_(False)
    return LoadedNetwork(network, 4, f"network {seed}", Path(f"{seed}.safetensors"))


def test_the_ends_are_the_two_networks_and_the_middle_their_mean():
    faithful, sharp = make_loaded(0), make_loaded(1)
    lq = torch.rand(1, 3, 8, 8)
    before = faithful.network(lq)
    assert torch.equal(mix(faithful, sharp, sharpness=0).network(lq), before)
    assert torch.equal(mix(faithful, sharp, sharpness=1).network(lq), sharp.network(lq))
    middle = mix(faithful, sharp, sharpness=0.5)
    ends = [loaded.network.state_dict() for loaded in (faithful, sharp)]
    for key, value in middle.network.state_dict().items():
        torch.testing.assert_close(value, (ends[0][key] + ends[1][key]) / 2)
    assert (middle.sharpness, middle.path) == (0.5, sharp.path)
    assert torch.equal(faithful.network(lq), before)


@pytest.mark.parametrize("sharpness", [-0.1, 1.5, float("nan")])
def test_what_is_no_share_is_refused(sharpness):
    with pytest.raises(ValueError, match=r"sharpness: expected 0 \(faithful\) to 1 \(sharp\), got"):
        mix(make_loaded(0), make_loaded(1), sharpness=sharpness)


def test_networks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"0.safetensors \(network 0\) and 1.safetensors .* of different sizes"):
        mix(make_loaded(0), make_loaded(1, num_block=2), sharpness=0.5)
