"""What the viewer is told: pictures, places and scores, read back from the store."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from comparison_files import make_report

from kdsr_data.image_io import ImageReadError
from kdsr_tools.compare.image_sets import Pair
from kdsr_tools.compare.page import data
from kdsr_tools.compare.page.data import collect_page_data, crop_psnr, read_shown
from kdsr_tools.compare.settings import ComparedModelSettings
from kdsr_tools.compare.store import ResultStore


@pytest.fixture
def report():
    """Make a report whose image set can be read: LQ is gray, GT is white."""
    report = make_report()
    report.sets[0].plan.image_set.read = lambda image, case: Pair(torch.full((3, 8, 8), 0.5), torch.ones(3, 32, 32))
    return report


@pytest.fixture
def store(tmp_path, report):
    """Keep every item with a picture; `ours` is darker on its right half."""
    store = ResultStore(tmp_path)
    for item in report.sets[0].scores.items:
        picture = np.full((32, 32, 3), 200, np.uint8)
        picture[:, 16:] -= 50 if item.name.model == "ours" else 0
        store.save(item, picture=None if item.error else picture)
    return store


def test_an_image_comes_with_every_models_picture_and_none_where_one_failed(report, store):
    shown = read_shown(report.sets[0], 1, 1, store)
    assert (shown.image, shown.case) == ("b", "sigma-3.2_noise-0")
    assert (shown.lq.shape, shown.gt.shape) == ((8, 8, 3), (32, 32, 3))
    assert shown.sr["base"].tolist() == np.full((32, 32, 3), 200).tolist()
    assert shown.sr["ours"] is None


def test_an_image_that_cannot_be_read_is_not_shown(report, store):
    def fail(image, case):
        raise ImageReadError("a.png", "broken")

    report.sets[0].plan.image_set.read = fail
    assert read_shown(report.sets[0], 0, 0, store) is None


def test_the_page_gets_a_view_its_pictures_and_the_place_where_models_differ(report, store):
    found = collect_page_data(report, store)
    (view,) = found.views
    assert (view["name"], view["models"], view["settings"]) == ("Set5", ["base", "ours"], ["blur 1.8"])
    assert view["sharpness"] == []
    (picture,) = view["pictures"]
    assert (picture["name"], picture["width"], picture["height"]) == ("a", 32, 32)
    (case,) = picture["settings"]
    assert case["scores"] == {"base": "30.00 dB", "ours": "31.00 dB"}
    assert case["diagnosis"] is None  # no model has heads
    assert len(found.blocks) == 4  # GT, LQ and two results
    (crop,) = found.crops
    assert crop.title == "a · blur 1.8"
    assert [name for name, _, _ in crop.panels] == ["LQ", "base", "ours", "GT"]


def test_a_crops_psnr_is_that_of_its_luma():
    white = np.full((16, 16, 3), 255, np.uint8)
    assert crop_psnr(white - np.uint8(10), white) == pytest.approx(20 * np.log10(255 / (10 * 219 / 255)), abs=0.01)


def test_bicubic_does_not_vote_where_two_networks_differ(report, store):
    report.models[1] = SimpleNamespace(name="ours", network=object())
    assert collect_page_data(report, store).crops[0].place.left >= 0


def test_the_slider_gets_the_models_that_are_steps_of_sharpness_in_their_order(report, store):
    steps = {"base": 1.0, "ours": 0.5}
    blocks = {name: ComparedModelSettings(weights="sharp", sharpness=step) for name, step in steps.items()}
    report = replace(report, settings=report.settings.model_copy(update={"models": blocks}))
    (view,) = collect_page_data(report, store).views
    assert view["sharpness"] == [{"model": 1, "sharpness": 0.5}, {"model": 0, "sharpness": 1.0}]


def test_lq_comes_with_its_diagnosis_where_a_model_has_heads(report, store, monkeypatch):
    monkeypatch.setattr(data, "make_diagnoser", lambda models: lambda lq: {"note": f"{lq.shape}", "details": ""})
    (view,) = collect_page_data(report, store).views
    assert view["pictures"][0]["settings"][0]["diagnosis"]["note"] == "(8, 8, 3)"
