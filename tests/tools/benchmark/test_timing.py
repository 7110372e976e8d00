"""The timer: turns, a first round that does not count, and ratios round by round."""

import pytest

from kdsr_tools.benchmark.timing import median_ratio, time_in_turn


def test_works_take_turns_and_the_first_round_is_left_out():
    calls = []
    works = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    seconds = time_in_turn(works, rounds=2)
    assert calls == ["a", "b"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2}
    assert all(0 <= value < 1 for values in seconds.values() for value in values)


def test_one_slow_round_does_not_spoil_the_ratio():
    assert median_ratio([2, 4, 90], [1, 2, 3]) == 2
    with pytest.raises(ValueError):
        median_ratio([1, 2], [1])
