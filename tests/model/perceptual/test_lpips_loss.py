"""LPIPS as a loss: what it compares, where it looks, and in an option file."""

import pytest
import torch
from basicsr.losses import build_loss
from option_files import OPTIONS, load_options, shrink
from training_steps import complete

from kdsr_model.options import prepare_options
from kdsr_model.perceptual.lpips_loss import LEAST_SIDES, LPIPSLoss
from kdsr_options.schema import OptionError

lpips = pytest.importorskip("lpips")


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"magnifications": [0]}, "magnifications: expected whole numbers from 1 on, got 0"),
        ({"magnifications": [1, 1.5]}, "magnifications: expected whole numbers from 1 on, got 1.5"),
        ({"magnifications": []}, r"magnifications: expected a list of whole numbers from 1 on, got \[\]"),
        ({"magnifications": 3}, "magnifications: expected a list of whole numbers from 1 on, got 3"),
        ({"magnifications": "12"}, "magnifications: expected a list of whole numbers from 1 on, got '12'"),
        ({"most_shift": -1}, "most_shift: expected whole numbers from 0 on, got -1"),
        ({"most_shift": True}, "most_shift: expected whole numbers from 0 on, got True"),
        ({"weights": 3}, "weights: expected the path of a file with alexnet's convolutions, got 3"),
        ({"weights": ""}, "weights: expected the path of a file with alexnet's convolutions, got ''"),
    ],
)
def test_impossible_arguments_are_refused(alexnet_file, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        LPIPSLoss(**{"weights": str(alexnet_file), **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"32 pixels are too small: most_shift 8 and magnifications \[1\] leave 24 pixels a side, LPIPS needs 31"),
        ({"most_shift": 40}, "leave 0 pixels a side, LPIPS needs 31"),
        ({"most_shift": 0, "magnifications": [1, 64]}, r"magnifications \[1, 64\] leave 0 pixels a side"),
    ],
)
def test_patches_that_are_too_small_are_refused_whatever_is_drawn(alexnet_file, options, message):
    loss = LPIPSLoss(weights=str(alexnet_file), **options)
    with pytest.raises(ValueError, match=message):
        loss(*torch.rand(2, 1, 3, 32, 32))


@pytest.mark.filterwarnings("ignore::UserWarning")  # the package calls torchvision in an old way
@pytest.mark.parametrize("net", LEAST_SIDES)
def test_the_least_side_is_the_networks(net):
    network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    least = torch.rand(1, 3, LEAST_SIDES[net], LEAST_SIDES[net])
    assert float(network(least, least)) == 0
    with pytest.raises(RuntimeError):
        network(least[..., 1:, 1:], least[..., 1:, 1:])


def test_an_option_file_names_the_weights(alexnet_file, gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    options["train"]["lpips_opt"] = {"type": "LPIPSLoss", "weights": "nowhere.pth"}
    with pytest.raises(OptionError, match="train.lpips_opt.*nowhere.pth, the weights of alexnet, does not exist"):
        prepare_options(complete(options, tmp_path))
    options["train"]["lpips_opt"]["weights"] = str(alexnet_file)
    with pytest.raises(OptionError, match="train.lpips_opt.*patches of 32 pixels are too small: most_shift 8"):
        prepare_options(complete(options, tmp_path))
    options["train"]["lpips_opt"]["most_shift"] = 1
    prepare_options(complete(options, tmp_path))
