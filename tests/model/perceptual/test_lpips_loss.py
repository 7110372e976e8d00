"""LPIPS as a loss: what it compares, where it looks, and in an option file."""

import pytest
import torch
from basicsr.losses import build_loss
from option_files import OPTIONS, load_options, shrink
from training_steps import complete

from kdsr_model.options import prepare_options
from kdsr_model.perceptual.lpips_loss import LPIPSLoss
from kdsr_options.schema import OptionError

pytest.importorskip("lpips")


def test_it_is_lpips_times_its_weight(alexnet_file):
    loss = build_loss({"type": "LPIPSLoss", "weights": str(alexnet_file), "loss_weight": 0.5, "most_shift": 0})
    sr, gt = torch.rand(2, 2, 3, 64, 64)
    expected = 0.5 * loss.lpips(sr, gt, normalize=True).mean()
    assert float(loss(sr, gt)) == pytest.approx(float(expected))
    loss(sr.requires_grad_(), gt).backward()
    assert sr.grad.abs().sum() > 0


@pytest.mark.parametrize(("options", "sizes"), [({}, range(56, 65)), ({"magnifications": [2]}, [64])])
def test_it_looks_from_another_place_each_time(alexnet_file, monkeypatch, options, sizes):
    loss = LPIPSLoss(weights=str(alexnet_file), **options)
    seen = []
    monkeypatch.setattr(loss.lpips, "forward", lambda sr, gt, normalize: seen.append((sr, gt)) or sr)
    image = torch.arange(64.0 * 64).view(1, 1, 64, 64)
    torch.manual_seed(0)
    for _ in range(30):
        loss(image, image)
    assert all(torch.equal(sr, gt) for sr, gt in seen)
    assert {side for sr, _ in seen for side in sr.shape[-2:]} == set(sizes)
    assert len({float(sr[0, 0, 0, 0]) for sr, _ in seen}) > 15


def test_impossible_arguments_are_refused(alexnet_file):
    with pytest.raises(ValueError, match=r"most_shift from 0 and magnifications from 1 on, got 8 and \[0\]"):
        LPIPSLoss(weights=str(alexnet_file), magnifications=[0])


def test_an_option_file_names_the_weights(alexnet_file, gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    options["train"]["lpips_opt"] = {"type": "LPIPSLoss", "weights": "nowhere.pth"}
    with pytest.raises(OptionError, match="train.lpips_opt.*nowhere.pth, the weights of alexnet, does not exist"):
        prepare_options(complete(options, tmp_path))
    options["train"]["lpips_opt"]["weights"] = str(alexnet_file)
    prepare_options(complete(options, tmp_path))
