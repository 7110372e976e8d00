"""Metrics: which can be had, and where they are not defined."""

from pathlib import Path

import numpy as np
import pytest
from basicsr.metrics import calculate_niqe

from kdsr_tools.compare import metrics
from kdsr_tools.compare.settings import LPIPSWeights


def test_without_lpips_weights_it_is_left_out_with_a_note_or_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    chosen, notes = metrics.choose_metrics(None)
    assert chosen == ["psnr", "ssim", "colour", "niqe"]
    assert notes[0].startswith("LPIPS was left out: ")
    with pytest.raises(ValueError, match=r"^metrics: lpips: "):
        metrics.choose_metrics(["lpips"])
    assert metrics.choose_metrics(["ssim", "psnr"]) == (["psnr", "ssim"], [])


def test_lpips_has_two_judges_where_their_weights_are_named(tmp_path):
    pytest.importorskip("lpips")
    files = {net: tmp_path / f"{net}.pth" for net in ("alex", "vgg")}
    for file in files.values():
        file.touch()
    chosen, notes = metrics.choose_metrics(None, lpips_weights=LPIPSWeights(**files))
    assert (chosen, notes) == (["psnr", "ssim", "lpips", "lpips_vgg", "colour", "niqe"], [])
    files["vgg"].unlink()
    chosen, notes = metrics.choose_metrics(None, lpips_weights=LPIPSWeights(**files))
    assert "lpips_vgg" not in chosen
    assert notes[0].startswith(f"LPIPS (VGG) was left out: {files['vgg']}, the weights of vgg16, does not exist")


def test_lpips_is_asked_of_the_network_that_its_column_names(photograph, monkeypatch):
    asked = []
    monkeypatch.setattr(metrics, "calculate_lpips", lambda *images, **options: asked.append(options) or 0.5)
    weights = LPIPSWeights(vgg="vgg.pth")
    found = metrics.measure(photograph, photograph, metrics=["lpips", "lpips_vgg"], scale=4, lpips_weights=weights)
    assert found == {"lpips": 0.5, "lpips_vgg": 0.5}
    assert [(options["net"], options["weights"]) for options in asked] == [("alex", None), ("vgg", Path("vgg.pth"))]


def test_the_colour_shift_is_in_levels_and_knows_no_detail(photograph):
    moved = photograph.copy()
    moved[4:-4, 4:-4, 0] = np.minimum(moved[4:-4, 4:-4, 0], 249) + 6
    expected = np.abs(moved[4:-4, 4:-4] - photograph[4:-4, 4:-4].astype(float)).mean()
    assert metrics.measure_colour_shift(moved, photograph, border=4) == pytest.approx(expected)
    assert metrics.measure_colour_shift(photograph[:, ::-1], photograph, border=4) == pytest.approx(0)
    assert metrics.measure(photograph, photograph, metrics=["colour"], scale=4) == {"colour": 0}


def test_niqe_is_basicsrs_and_not_defined_for_small_pictures(photograph):
    large = np.tile(photograph, (3, 3, 1))
    expected = calculate_niqe(large, crop_border=4)
    assert metrics.measure(large, None, metrics=["psnr", "niqe"], scale=4) == {"niqe": pytest.approx(expected)}
    assert metrics.measure(photograph, None, metrics=["niqe"], scale=4) == {"niqe": None}


def test_a_picture_smaller_than_a_metrics_window_has_the_others(photograph):
    small = np.ascontiguousarray(photograph[:18, :40])  # 10 pixels within the border
    reasons = {}
    found = metrics.measure(small, small, metrics=["psnr", "ssim"], scale=4, reasons=reasons)
    assert found == {"psnr": float("inf"), "ssim": None}
    assert reasons == {"ssim": "fewer than 11 pixels a side within the border"}
    large = np.ascontiguousarray(photograph[:19, :40])
    assert metrics.measure(large, large, metrics=["ssim"], scale=4)["ssim"] == pytest.approx(1)


def test_a_metric_that_fails_does_not_cost_the_others(photograph, monkeypatch):
    def fail(*args):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(metrics, "calculate_metric", fail)
    reasons = {}
    large = np.tile(photograph, (3, 3, 1))
    found = metrics.measure(large, large, metrics=["ssim", "niqe"], scale=4, reasons=reasons)
    assert found == {"ssim": pytest.approx(1), "niqe": None}
    assert reasons == {"niqe": "LinAlgError: SVD did not converge"}
