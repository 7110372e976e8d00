"""LPIPS: with a weights file that the test makes, and what is said when something is missing."""

import numpy as np
import pytest
import torch
import torchvision
from basicsr.metrics import calculate_metric
from option_files import OPTIONS, load_options, shrink
from training_steps import complete

from kdsr_data import OptionError
from kdsr_model.checks import checkpoints
from kdsr_model.options import prepare_options


@pytest.fixture
def options(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    options["val"]["metrics"] = {"lpips": {"type": "calculate_lpips", "crop_border": 4, "better": "lower"}}
    return complete(options, tmp_path)


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    """Make torch's cache empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    checkpoints = tmp_path / "home/hub/checkpoints"
    checkpoints.mkdir(parents=True)
    return checkpoints


def test_equal_images_are_0_apart_and_a_worse_one_further(torch_home, photograph):
    pytest.importorskip("lpips")
    torch.save(torchvision.models.alexnet().state_dict(), torch_home / "alexnet-owt-7be5be79.pth")
    rng = np.random.default_rng(0)
    noisy, noisier = (
        np.clip(photograph + rng.normal(0, s, photograph.shape), 0, 255).astype(np.uint8) for s in (5, 40)
    )
    metric = {"type": "calculate_lpips", "crop_border": 4}
    distances = [calculate_metric({"img": image, "img2": photograph}, metric) for image in (photograph, noisy, noisier)]
    assert distances[0] == 0
    assert 0 < distances[1] < distances[2]


def test_the_weights_may_be_named(torch_home, photograph, alexnet_file, options):
    pytest.importorskip("lpips")
    metric = {"type": "calculate_lpips", "crop_border": 4, "weights": str(alexnet_file)}
    assert calculate_metric({"img": 255 - photograph, "img2": photograph}, metric) > 0
    options["val"]["metrics"] = {"lpips": metric}
    prepare_options(options)


def test_missing_weights_are_named(options, torch_home):
    pytest.importorskip("lpips")
    with pytest.raises(OptionError, match="val.metrics.lpips: the weights of alexnet were not found: download"):
        prepare_options(options)


def test_found_weights_are_enough(options, torch_home):
    pytest.importorskip("lpips")
    (torch_home / "alexnet-owt-7be5be79.pth").touch()
    prepare_options(options)


def test_a_missing_package_is_named(options, monkeypatch):
    monkeypatch.setattr(checkpoints, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match="val.metrics.lpips: needs the package lpips: pip install lpips; or leave"):
        prepare_options(options)


def test_an_unknown_network_is_named(options):
    pytest.importorskip("lpips")
    options["val"]["metrics"]["lpips"]["net"] = "alexa"
    with pytest.raises(OptionError, match="val.metrics.lpips.net: expected one of alex, vgg, squeeze, got 'alexa'"):
        prepare_options(options)
