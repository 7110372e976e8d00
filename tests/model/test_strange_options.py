"""The option check meets anything: it lists problems or passes, and never fails itself."""

import copy

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from option_files import student_options

from kdsr_model.options import find_problems

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(block, path=()):
    """List the path of every value in nested blocks."""
    for key, value in block.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def change(options, path, value, *, is_removed):
    block = options
    for key in path[:-1]:
        block = block[key]
    if is_removed:
        del block[path[-1]]
    else:
        block[path[-1]] = value


def fuzzed(max_examples):
    return settings(
        max_examples=max_examples,
        deadline=None,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@fuzzed(60)
@given(data=st.data())
def test_any_value_anywhere_is_a_problem_or_fine(gt_folder, data):
    check_changed(gt_folder, data)


@pytest.mark.faults
@fuzzed(2000)
@given(data=st.data())
def test_any_value_anywhere_is_a_problem_or_fine_for_minutes(gt_folder, data):
    check_changed(gt_folder, data)


def check_changed(gt_folder, data):
    options = OPTIONS.setdefault(gt_folder, parsed(gt_folder))
    changed = copy.deepcopy(options)
    path = data.draw(st.sampled_from(sorted(places(options))))
    change(changed, path, data.draw(VALUES), is_removed=data.draw(st.booleans()))
    for problem in find_problems(changed):
        assert problem.message


OPTIONS = {}


def parsed(gt_folder):
    """Return options as BasicSR's parser completes them."""
    options = student_options(gt_folder)
    options["datasets"]["train"] |= {"phase": "train", "scale": options["scale"]}
    return options | {"is_train": True, "dist": False, "rank": 0, "world_size": 1, "auto_resume": False}
