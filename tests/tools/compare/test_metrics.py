"""Metrics: which can be had, and where they are not defined."""

import numpy as np
import pytest
from basicsr.metrics import calculate_niqe

from kdsr_tools.compare import metrics


def test_without_lpips_weights_it_is_left_out_with_a_note_or_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    chosen, notes = metrics.choose_metrics(None)
    assert chosen == ["psnr", "ssim", "niqe"]
    assert notes[0].startswith("LPIPS was left out: ")
    with pytest.raises(ValueError, match=r"^metrics: lpips: "):
        metrics.choose_metrics(["lpips"])
    assert metrics.choose_metrics(["ssim", "psnr"]) == (["psnr", "ssim"], [])


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
