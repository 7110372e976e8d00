"""Checkpoint files: looked for, and looked into, before training starts."""

import pytest
from option_files import OPTIONS, load_options, shrink
from training_steps import complete

from kdsr_data import OptionError
from kdsr_model.options import prepare_options


@pytest.fixture
def gan_options(gt_folder):
    options = load_options(OPTIONS / "real_world/train_kdsr_real_student_gan.yml")
    return shrink(options, gt_folder=gt_folder)


def with_perceptual_loss(options):
    full = load_options(OPTIONS / "real_world/train_kdsr_real_student_gan.yml")
    options["train"]["perceptual_opt"] = full["train"]["perceptual_opt"]
    return options


def test_missing_vgg_weights_are_named_before_training_starts(gan_options, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    with pytest.raises(OptionError) as error:
        prepare_options(complete(with_perceptual_loss(gan_options), tmp_path))
    message = str(error.value)
    assert "train.perceptual_opt: the weights of vgg19 were not found: download https://" in message
    assert "vgg19-dcbb9e9d.pth and put it at experiments/pretrained_models/vgg19-dcbb9e9d.pth or " in message
    assert "or name it as path.pretrain_network_vgg; or leave perceptual_opt out" in message


def test_vgg_weights_in_torchs_cache_are_found(gan_options, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    (tmp_path / "hub/checkpoints/vgg19-dcbb9e9d.pth").touch()
    prepare_options(complete(with_perceptual_loss(gan_options), tmp_path))
