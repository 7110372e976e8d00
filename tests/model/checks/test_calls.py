"""A block with a `type` against what it calls: the signature, and what is raised when it is tried."""

import random
import warnings

import numpy as np
import pytest
import torch

from kdsr_model.checks.calls import arguments_of, check_call, is_number, try_block, undisturbed


def blend(img, ratio, mode="mean"):
    """Stand in for what a registry holds."""
    if ratio > 1:
        raise ValueError(f"a ratio of {ratio}\nis too large")
    if mode not in ("mean", "sum"):
        raise TypeError(mode)
    return img * ratio


def anything(img, **kwargs):
    """Swallow what it is given."""


REGISTERED = {"blend": blend, "anything": anything}


@pytest.mark.parametrize(
    ("block", "options", "expected"),
    [
        ({"type": "blend", "ratio": 1}, {}, []),
        ({"type": "blend"}, {}, [("b.ratio", "is missing")]),
        ({"type": "blend", "ratio": 1, "mod": 2}, {}, [("b.mod", "unknown key; did you mean 'mode'?")]),
        ({"type": "blend", "ratio": 1, "name": 2}, {"extra": ("name",)}, []),
        ({"type": "anything", "x": 1}, {}, []),
        ({"type": "anything", "x": 1}, {"open": False}, [("b.x", "unknown key; known here: ")]),
        ({"type": "blnd"}, {}, [("b.type", "no loss is registered as 'blnd'; did you mean 'blend'?")]),
        ("blend", {}, [("b.type", "no loss is registered as 'blend'")]),
        ({"ratio": 1}, {}, [("b.type", "no loss is registered as None")]),
    ],
)
def test_a_block_is_compared_with_the_signature(block, options, expected):
    problems = []
    called = check_call(problems, block, REGISTERED, "loss", path="b", given=("img",), **options)
    assert [problem.path for problem in problems] == [path for path, _ in expected]
    assert all(problem.message.startswith(start) for problem, (_, start) in zip(problems, expected, strict=True))
    assert called in (REGISTERED.values() if isinstance(block, dict) and block.get("type") in REGISTERED else [None])


@pytest.mark.parametrize(
    ("block", "path", "message"),
    [
        ({"type": "blend", "ratio": 2}, "b.ratio", "2 was tried and fails: a ratio of 2 is too large"),
        ({"type": "blend", "ratio": 0, "mode": "max"}, "b.mode", "'max' was tried and fails: TypeError: max"),
        ({"type": "blend", "ratio": 2, "mode": "max"}, "b", "'blend' was tried and fails: a ratio of 2 is too large"),
    ],
)
def test_the_key_without_which_it_would_work_is_named(block, path, message):
    problems = []
    attempt = lambda tried: blend(1, **{"ratio": 0, **arguments_of(tried)})  # noqa: E731
    assert try_block(problems, attempt, block, path="b") is None
    assert problems == [(path, message)]


def test_what_works_gives_its_result():
    problems = []
    assert try_block(problems, lambda tried: blend(4, **arguments_of(tried)), {"ratio": 0.5}, path="b") == 2
    assert problems == []


def test_trying_leaves_no_trace():
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    with undisturbed():
        warnings.warn("unheard", stacklevel=1)
        random.random()
        np.random.uniform()  # noqa: NPY002
        torch.rand(1)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == states  # noqa: NPY002


@pytest.mark.parametrize(
    ("value", "expected"), [(1, True), (0.5, True), (True, False), ("1", False), (float("nan"), False), (None, False)]
)
def test_numbers_are_finite_and_no_truth_values(value, expected):
    assert is_number(value) is expected
