"""Numbers as people write them, in a file, on the command line, and in what BasicSR's reader has made of them."""

import pytest
import yaml
from basicsr.utils.options import ordered_yaml
from hypothesis import given
from hypothesis import strategies as st

from kdsr_options.command_line import CommandLine, read_options
from kdsr_options.files import read_option_file
from kdsr_options.numbers import mend_numbers, to_number
from kdsr_options.schema import OptionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-4", 1e-4),
        ("1e5", 100_000),
        ("+1E5", 100_000),
        ("2.5e5", 250_000),
        ("5e-1", 0.5),
        (".5e1", 5),
        ("1.", 1.0),
        ("-3", -3),
        ("007", 7),
        ("1e999", float("inf")),
        ("1e", None),
        ("e5", None),
        ("1e5x", None),
        ("1e5\n", None),
        ("", None),
        (".", None),
        ("0x10", None),
    ],
)
def test_a_text_is_a_number_by_the_rule_of_yaml_1_2(text, expected):
    found = to_number(text)
    assert found == expected
    assert type(found) is type(expected)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_python_writes_it(value):
    assert to_number(repr(value)) == value


FILE = """
train:
  lr: 1e-4
  milestones: [1e5, 2e5, 300000]
  gamma: 5e-1
  total_iter: 1.5e5
  nested: [{decay: 9.99e-1}]
name: '1e5'
other: 1e5x
old: !!float 1e-4
plain: 1.0e-4
"""
EXPECTED = {
    "train": {
        "lr": 1e-4,
        "milestones": [100_000, 200_000, 300_000],
        "gamma": 0.5,
        "total_iter": 150_000,
        "nested": [{"decay": 0.999}],
    },
    "name": "1e5",
    "other": "1e5x",
    "old": 1e-4,
    "plain": 1e-4,
}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "x.yml").write_text(FILE)
    return tmp_path / "x.yml"


def test_numbers_of_a_file_are_numbers_and_what_is_quoted_is_text(file):
    assert read_option_file(file) == EXPECTED


def test_what_basicsr_has_read_is_mended(file):
    options = yaml.load(FILE, Loader=ordered_yaml()[0])
    assert options["train"]["lr"] == "1e-4"
    mended = mend_numbers(options, read_option_file(file))
    assert mended is options
    assert mended == EXPECTED
    assert type(mended["train"]["milestones"][0]) is int


def test_what_basicsr_has_made_of_other_values_is_left_alone():
    assert mend_numbers({"a": "x", "b": 3, "c": [1]}, {"a": 1, "b": 4, "c": [1, 2], "d": 5}) == {
        "a": "x",
        "b": 3,
        "c": [1],
    }


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("train:lr=5e-5", 5e-5),
        ("train:lr=-1", -1),
        ("train:lr=!!float 1e-3", 1e-3),
        ("train:lr=[1e5, 2]", [1e5, 2]),
        ("train:lr=~", None),
        ("train:lr=True", True),
        ("train:lr=fast", "fast"),
    ],
)
def test_entries_of_the_command_line_go_over_the_file(file, entry, expected):
    assert read_options(CommandLine(file, [entry]))["train"]["lr"] == expected


@pytest.mark.parametrize("entry", ["train:lr=[1", "train:lr=[open('x')]"])
def test_a_list_that_is_none_is_named(file, entry):
    with pytest.raises(OptionError, match="expected a list of plain values, got"):
        read_options(CommandLine(file, [entry]))


def test_a_key_that_stands_twice_is_named_with_its_lines(tmp_path):
    (tmp_path / "x.yml").write_text("a: 1\ntrain:\n  lr: 1\n  gamma: 2\n  lr: 3\nlist:\n  - {b: 1, b: 2}\na: 1\n")
    with pytest.raises(OptionError) as error:
        read_option_file(tmp_path / "x.yml")
    assert str(error.value).splitlines() == [
        "a: stands 2 times, in lines 1, 8; keep one of them",
        "train.lr: stands 2 times, in lines 3, 5; keep one of them",
        "list.0.b: stands 2 times, in lines 7, 7; keep one of them",
    ]
