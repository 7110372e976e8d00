"""Which degradations an IDR view varies, and that it is made once."""

from types import SimpleNamespace

import pytest
import torch
from comparison_files import compare_options
from option_files import SMALL_NETWORKS

from kdsr_arch import KDSRStudent
from kdsr_data.presets import BenchmarkCase, make_case, preset_cases
from kdsr_tools.compare import idr_views
from kdsr_tools.compare.idr_views import make_idr_views, varied_parameters
from kdsr_tools.compare.image_sets import Pair
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.compare.runner import Plan
from kdsr_tools.compare.settings import CompareSettings


def plan_of(*cases, has_gt=True):
    read = lambda image, case: Pair(torch.zeros(3, 8, 8), torch.rand(3, 32, 32) if has_gt else None)  # noqa: E731
    image_set = SimpleNamespace(name="s", images=["a", "b"], cases=list(cases), has_gt=has_gt, read=read)
    return Plan(image_set, [], [0, 1], [0])


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (preset_cases("gaussian8", scale=4), ["blur"]),
        (preset_cases("gaussian8", scale=4, noise_levels=(0, 10)), ["blur", "noise"]),
        (preset_cases("aniso9", scale=4), ["blur", "angle"]),
        ([make_case({"type": "SecondOrderDegradation"}, scale=4)], ["blur", "angle", "noise", "jpeg"]),
        ([BenchmarkCase("as given", {})], ["blur"]),
    ],
)
def test_what_the_cases_vary_is_varied(cases, expected):
    assert varied_parameters([plan_of(*cases)]) == expected


def test_a_students_view_is_made_once_and_none_without_gt(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(idr_views, "make_idr_view", lambda *args, **kwargs: made.append(kwargs) or {"name": args[0]})
    torch.manual_seed(0)
    student = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"])
    models = [ComparedModel("student", "", None, "f", student), ComparedModel("bicubic", "", None, "g")]
    settings = CompareSettings(**compare_options(tmp_path))
    plans = [plan_of(*preset_cases("gaussian8", scale=4))]
    plans[0].image_set.read = lambda image, case: Pair(torch.zeros(3, 8, 8), torch.zeros(3, 32, 32))
    for _ in range(2):
        assert make_idr_views(settings, models, plans) == [{"name": "student"}]
    assert made == [{"vary": ["blur"], "number": 40}]
    assert make_idr_views(settings, models, [plan_of(has_gt=False)]) == []
    assert make_idr_views(settings, models[1:], plans) == []
