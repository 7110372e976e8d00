"""Settings: what an option block may hold, and the sentences about one that holds something else."""

import math
from collections import OrderedDict
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from kdsr_options.schema import (
    FilledBlock,
    FilledList,
    OptionError,
    Problem,
    Range,
    Settings,
    Within,
    join_path,
    read_settings,
    suggest,
    unknown_type,
)


class BlurSettings(Settings):
    prob: float = Field(default=1, ge=0, le=1)
    width_range: Annotated[Range, Within(0, 20)] = Range(0.2, 4)


class SampleSettings(Settings):
    scale: int = Field(ge=1)
    noise: Annotated[Range, Within(0, 255)] | None = None
    blur: BlurSettings = BlurSettings()
    more: dict[str, BlurSettings] = {}
    last: BlurSettings | None = None
    counts: FilledList[int] = [1]
    filled: FilledBlock | None = None
    name: str = Field(default="x", min_length=1)
    is_fast: bool = False


def problems_of(opt):
    with pytest.raises(OptionError) as error:
        read_settings(SampleSettings, opt, path="datasets.train")
    assert str(error.value) == "\n".join(f"{path}: {message}" for path, message in error.value.problems)
    return error.value.problems


def test_what_is_not_given_has_its_default():
    settings = read_settings(SampleSettings, {"scale": 4, "blur": {"prob": 0.5}}, path="")
    assert (settings.scale, settings.noise, settings.blur) == (4, None, BlurSettings(prob=0.5))
    assert settings.blur.width_range == (0.2, 4)


@pytest.mark.parametrize(
    ("given", "expected"), [(3, (3, 3)), (0.5, (0.5, 0.5)), ([1, 2], (1, 2)), ((0, 255), (0, 255))]
)
def test_a_range_is_a_number_or_a_pair(given, expected):
    assert read_settings(SampleSettings, {"scale": 4, "noise": given}, path="").noise == Range(*expected)


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        SampleSettings(scale=4).scale = 2


def test_the_block_is_left_alone():
    opt = {"scale": 4, "blur": {"width_range": [1, 2]}}
    read_settings(SampleSettings, opt, path="")
    assert opt == {"scale": 4, "blur": {"width_range": [1, 2]}}


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"sclae": 2}, "sclae", "unknown key; did you mean 'scale'?"),
        ({"zzz": 2}, "zzz", "unknown key; known here: blur, counts, filled, is_fast, last, more, name, noise, scale"),
        ({"blur": {"widht_range": 2}}, "blur.widht_range", "unknown key; did you mean 'width_range'?"),
        ({"blur": {"scale": 2}}, "blur.scale", "unknown key; known here: prob, width_range"),
        ({"more": {"own": {"scale": 2}}}, "more.own.scale", "unknown key; known here: prob, width_range"),
        ({"last": {"porb": 2}}, "last.porb", "unknown key; did you mean 'prob'?"),
        ({"scale": 0}, "scale", "expected greater than or equal to 1, got 0"),
        ({"scale": "4"}, "scale", "expected a number, got '4', which is text: take the quotes away"),
        ({"scale": True}, "scale", "expected a number, got True"),
        ({"blur": {"prob": "1e-1"}}, "blur.prob", "expected a number, got '1e-1', which is text: take the quotes away"),
        ({"counts": [1, "2"]}, "counts", "expected a number, got '2', which is text: take the quotes away"),
        ({"counts": []}, "counts", "is empty: expected a list of at least one"),
        ({"filled": {}}, "filled", "is empty: expected a block of keys"),
        ({"filled": OrderedDict()}, "filled", "is empty: expected a block of keys"),
        ({"name": ""}, "name", "is empty: expected a text"),
        ({"is_fast": 1}, "is_fast", "expected true or false, got 1"),
        ({"is_fast": "yes"}, "is_fast", "expected true or false, got 'yes'"),
        ({"scale": "big"}, "scale", "expected a valid integer, unable to parse string as an integer, got 'big'"),
        ({"blur": {"prob": 1.4}}, "blur.prob", "expected less than or equal to 1, got 1.4"),
        (
            {"blur": {"width_range": [4, 0.2]}},
            "blur.width_range",
            "expected [low, high] with low <= high, got [4, 0.2]",
        ),
        ({"noise": 256}, "noise", "expected 0..255, got 256.0"),
        ({"noise": [-1, 5]}, "noise", "expected 0..255, got [-1.0, 5.0]"),
        ({"noise": math.nan}, "noise", "expected 0..255, got [nan, nan]"),
        ({"noise": [0, math.nan]}, "noise", "expected 0..255, got [0.0, nan]"),
        ({"noise": [1, 2, 3]}, "noise", "expected a number or [low, high], got [1, 2, 3]"),
        ({"noise": []}, "noise", "expected a number or [low, high], got []"),
        ({"noise": "25"}, "noise", "expected a number or [low, high], got '25'"),
        ({"noise": True}, "noise", "expected a number or [low, high], got True"),
    ],
)
def test_one_problem_is_named_by_its_path(changes, path, message):
    assert problems_of({"scale": 4, **changes}) == [Problem(f"datasets.train.{path}", message)]


def test_all_problems_are_reported_together():
    problems = problems_of({"noise": -1, "blur": {"prob": 2, "width": 1}})
    assert {path.removeprefix("datasets.train.") for path, _ in problems} == {
        "scale",
        "noise",
        "blur.prob",
        "blur.width",
    }
    assert Problem("datasets.train.scale", "is missing") in problems


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("L1Los", "no loss is registered as 'L1Los'; did you mean 'L1Loss'?; registered: GANLoss, L1Loss"),
        (None, "no loss is registered as None; registered: GANLoss, L1Loss"),
    ],
)
def test_an_unknown_type_is_answered_with_the_registered_ones(name, expected):
    assert unknown_type("train.loss.type", "loss", name, ["L1Loss", "GANLoss"]) == ("train.loss.type", expected)


def test_far_fetched_words_are_not_suggested():
    assert suggest("sgima", ["sigma", "scale"]) == "; did you mean 'sigma'?"
    assert suggest("kernel", ["sigma", "scale"]) == ""


def test_empty_parts_of_a_path_are_left_out():
    assert join_path("", "val", "settings", 0, "sigma") == "val.settings.0.sigma"


@hypothesis_settings(max_examples=50, deadline=None)
@given(st.tuples(st.floats(-300, 300), st.floats(-300, 300)), st.integers(0, 100))
def test_a_range_is_taken_if_it_lies_inside_the_limits_and_draws_lie_inside_it(limits, seed):
    low, high = limits
    if 0 <= low <= high <= 255:
        drawn = read_settings(SampleSettings, {"scale": 4, "noise": limits}, path="").noise.draw(
            np.random.default_rng(seed)
        )
        assert low <= drawn <= high
    else:
        assert [path for path, _ in problems_of({"scale": 4, "noise": limits})] == ["datasets.train.noise"]


def test_draws_fill_the_range_evenly():
    rng = np.random.default_rng(0)
    drawn = np.array([Range(2, 10).draw(rng) for _ in range(2000)])
    np.testing.assert_allclose(np.histogram(drawn, bins=4, range=(2, 10))[0] / 2000, 0.25, atol=0.04)


def test_a_fixed_parameter_uses_up_no_random_number():
    rng = np.random.default_rng(0)
    assert Range(3, 3).draw(rng) == 3
    assert rng.random() == np.random.default_rng(0).random()
