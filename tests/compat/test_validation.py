"""A validation goes on where an image has no value of a metric."""

import logging

import numpy as np
import pytest
import torch
from basicsr.models import build_model, sr_model
from basicsr.utils import get_root_logger
from dataset_options import training_block
from option_files import student_options
from PIL import Image
from torch.utils.data import DataLoader

from kdsr_compat.validation import DefinedSum
from kdsr_data import DegradedImageDataset
from kdsr_model.options import prepare_options

METRICS = {
    "psnr": {"type": "calculate_psnr", "crop_border": 4, "test_y_channel": True},
    "ssim": {"type": "calculate_ssim", "crop_border": 4, "test_y_channel": True},
}


@pytest.fixture
def model(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["path"] |= dict.fromkeys(("models", "training_states", "visualization"), str(tmp_path))
    options |= {"dist": False, "rank": 0, "is_train": True}
    for phase, block in options["datasets"].items():
        block |= {"phase": phase, "scale": options["scale"]}
    prepare_options(options)
    options["val"] = {"metrics": METRICS, "save_img": False, "val_freq": 1}
    return build_model(options)


def validate(model, folder):
    loader = DataLoader(DegradedImageDataset(training_block(folder, phase="val")))
    model.validation(loader, 1, None)
    return dict(model.metric_results)


def test_an_image_smaller_than_ssims_window_is_left_out_by_name(model, gt_folder, caplog, monkeypatch):
    monkeypatch.setattr(get_root_logger(), "propagate", True)
    measure, feed = sr_model.calculate_metric, model.feed_data
    expected = validate(model, gt_folder)
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(gt_folder / "tiny.png")
    with caplog.at_level(logging.WARNING):
        found = validate(model, gt_folder)
    assert "tiny.png: left out of calculate_ssim (" in caplog.text
    assert len({record.getMessage() for record in caplog.records if "left out" in record.getMessage()}) == 1
    assert found["ssim"] == pytest.approx(expected["ssim"])
    assert 0 < found["ssim"] < 1
    assert found["psnr"] != pytest.approx(expected["psnr"])
    assert sr_model.calculate_metric is measure
    assert model.feed_data == feed


def test_the_mean_is_that_of_what_is_defined():
    total = 0
    for value in (DefinedSum(2.0, 1), DefinedSum(0.0, 0), DefinedSum(4.0, 1)):
        total += value
    total /= 3
    assert total == 3.0
    assert np.isnan(DefinedSum(0.0, 0) / 1)
    assert not torch.is_tensor(total)
