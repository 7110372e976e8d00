"""What several commands read from their arguments."""

import argparse

import pytest

from kdsr_tools.arguments import parse_count, parse_size


@pytest.mark.parametrize("text", ["180", "0x4", "4x", "x4", "4X4", "-1x4", "axb", "1x2x3"])
def test_what_is_no_size_is_refused(text):
    assert parse_size("180x320") == (180, 320)
    with pytest.raises(argparse.ArgumentTypeError, match="expected height x width such as 180x320"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_what_is_no_number_from_1_on_is_refused(text):
    assert parse_count("12") == 12
    with pytest.raises(argparse.ArgumentTypeError, match=f"expected a number from 1 on, got '{text}'"):
        parse_count(text)
