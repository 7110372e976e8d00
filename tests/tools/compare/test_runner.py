"""What is measured, in which order, and what of it is kept."""

from types import SimpleNamespace

import pytest
import torch
from comparison_files import compare_options
from torch.nn import functional as F

from kdsr_data.image_io import ImageReadError
from kdsr_data.presets import make_case
from kdsr_tools.compare.image_sets import Pair
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.compare.runner import Plan, make_plans, run_plan
from kdsr_tools.compare.settings import CompareSettings
from kdsr_tools.compare.store import ResultStore


@pytest.fixture
def settings(tmp_path):
    return CompareSettings(**compare_options(tmp_path))


@pytest.fixture
def image_set():
    """Two images in one case."""
    pair = Pair(torch.full((3, 8, 8), 0.5), torch.full((3, 32, 32), 0.5))
    case = make_case({"sigma": 1}, scale=4)
    return SimpleNamespace(name="Set5", images=["a", "b"], cases=[case], has_gt=True, read=lambda image, case: pair)


def make_model(name, restore):
    return ComparedModel(name, "", restore, fingerprint=name)


def enlarge(lq):
    return F.interpolate(lq, scale_factor=4)


def run(image_set, models, store, shown=(0,)):
    plan = Plan(image_set, ["psnr"], list(shown), [0])
    return list(run_plan(plan, models, store, scale=4))


def test_a_set_is_planned_with_what_it_has_metrics_for(settings, image_set):
    real = SimpleNamespace(name="real", images=["x"], cases=image_set.cases, has_gt=False)
    plans = make_plans(settings, [image_set, real], ["psnr", "niqe"])
    assert [plan.metrics for plan in plans] == [["psnr", "niqe"], ["niqe"]]
    assert plans[0].shown_images == [0, 1]
    assert plans[0].num_pairs() == 2


def test_every_pair_is_measured_once_and_only_shown_pictures_are_kept(image_set, tmp_path):
    calls = []
    model = make_model("m", lambda lq: calls.append(1) or enlarge(lq) + 0.1)
    store = ResultStore(tmp_path)
    items = run(image_set, [model], store)
    assert [item.name.image for item in items] == ["a", "b"]
    assert items[0].scores["psnr"] == pytest.approx(21.3, abs=0.3)  # 0.1 of the luma's 219 levels
    assert [store.picture_path(item.name).exists() for item in items] == [True, False]
    assert run(image_set, [model], store) == items
    assert len(calls) == 2
    run(image_set, [model], store, shown=(0, 1))  # now the second one's picture is wanted
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("restore", "error"),
    [
        (lambda lq: enlarge(lq)[..., 1:], "ValueError: gave 31x32 pixels, expected 32x32"),
        (lambda lq: enlarge(lq) / 0, "ValueError: gave values that are no numbers (NaN or infinite)"),
        (lambda lq: int("\n"), "ValueError: invalid literal for int() with base 10: '\\n'"),
    ],
)
def test_what_fails_is_an_item_with_its_error_and_is_tried_anew(image_set, tmp_path, restore, error):
    items = run(image_set, [make_model("m", restore), make_model("n", enlarge)], ResultStore(tmp_path))
    assert [item.error for item in items] == [error, None] * 2
    assert run(image_set, [make_model("m", enlarge)], ResultStore(tmp_path))[0].error is None


def test_an_image_that_cannot_be_read_fails_for_every_model(image_set, tmp_path):
    def fail(image, case):
        raise ImageReadError("a.png", "broken")

    image_set.read = fail
    items = run(image_set, [make_model("m", enlarge), make_model("n", enlarge)], ResultStore(tmp_path))
    assert [(item.name.model, item.error) for item in items] == [("m", "a.png: broken"), ("n", "a.png: broken")] * 2
