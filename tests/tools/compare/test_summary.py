"""Means, paired differences and their bootstrap intervals."""

import numpy as np
import pytest

from kdsr_tools.compare.store import Item, ItemName
from kdsr_tools.compare.summary import Scores, bootstrap_interval


def make_item(model, image, setting, psnr):
    error = "broken" if psnr is None else None
    return Item(ItemName(model, "set", setting, image), "key", {} if error else {"psnr": psnr}, error)


@pytest.fixture
def scores():
    rows = [("a", "s1", 30, 31), ("a", "s2", 28, 31), ("b", "s1", 25, 26), ("b", "s2", 25, None)]
    return Scores([make_item(m, i, s, v) for i, s, base, ours in rows for m, v in (("base", base), ("ours", ours))])


def test_means_leave_out_and_count_what_failed(scores):
    mean = scores.mean("ours", "psnr")
    assert mean.value == pytest.approx((31 + 31 + 26) / 3)
    assert (mean.num, mean.num_missing) == (3, 1)
    assert scores.mean("ours", "psnr", where=lambda item: item.name.image == "b").value == 26
    assert scores.mean("ours", "niqe").value is None
    assert [item.name.setting for item in scores.failures("ours")] == ["s2"]


def test_differences_are_paired_and_average_an_images_settings_first(scores):
    difference = scores.difference("ours", "base", "psnr")
    assert difference.value == pytest.approx(((1 + 3) / 2 + 1) / 2)
    assert difference.num == 2
    assert (difference.low, difference.high) == (1, 2)
    assert difference.is_clear
    assert scores.difference("ours", "base", "ssim") is None


def test_the_interval_is_that_of_the_normal_law_for_many_values():
    values = np.random.default_rng(1).normal(0.3, 1, size=400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)
    assert bootstrap_interval(values) == (low, high)


def test_one_image_has_no_interval():
    assert bootstrap_interval([0.5]) == (None, None)


def test_equal_images_psnr_is_left_out_of_differences():
    items = [make_item("base", "a", "s", float("inf")), make_item("ours", "a", "s", 30.0)]
    assert Scores(items).difference("ours", "base", "psnr") is None
