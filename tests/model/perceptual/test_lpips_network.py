"""LPIPS's network: filled from a file, and what is said when that is missing or another's."""

import pytest
import torch

from kdsr_model.perceptual.lpips_network import build_lpips, find_lpips_weights

pytest.importorskip("lpips")


def test_the_files_convolutions_are_the_networks(alexnet_file):
    network = build_lpips("alex", alexnet_file)
    expected = torch.load(alexnet_file, weights_only=True)
    assert torch.equal(network.net.slice1[0].weight, expected["features.0.weight"])
    assert torch.equal(network.net.slice5[-2].bias, expected["features.10.bias"])
    assert not any(parameter.requires_grad for parameter in network.parameters())
    image = torch.rand(1, 3, 64, 64)
    assert float(network(image, image, normalize=True)) == 0


def test_a_missing_file_is_named_with_where_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match=r"nowhere.pth, the weights of alexnet, does not exist: download https:"
    ):
        build_lpips("alex", tmp_path / "nowhere.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"weights of vgg16 were not found: download https:.*checkpoints/vgg16"):
        find_lpips_weights("vgg")
    with pytest.raises(ValueError, match="expected one of alex, vgg, squeeze, got 'resnet'"):
        find_lpips_weights("resnet")


def test_another_networks_file_is_refused(alexnet_file):
    with pytest.raises(ValueError, match=r"expected features.0.weight of shape \(64, 3, 3, 3\), got \(64, 3, 11, 11\)"):
        build_lpips("vgg", alexnet_file)
