"""What a launcher's command line says about options: the file, and entries that go over it."""

from pathlib import Path

import pytest

from kdsr_options.command_line import CommandLine, parse_command_line, read_options
from kdsr_options.schema import OptionError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("name: x\ntrain:\n  total_iter: 10\n  optim_g: {lr: 1e-4}\n")
    return path


def test_only_what_concerns_options_is_read():
    argv = ["--launcher", "pytorch", "-opt", "a/b.yml", "--auto_resume", "--force_yml", "name=y", "scale=2"]
    assert parse_command_line(argv) == CommandLine(Path("a/b.yml"), ["name=y", "scale=2"])
    assert parse_command_line(["--local_rank", "0"]) == CommandLine(None, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2e-4", 2e-4),
        ("!!float 3", 3.0),
        ("7", 7),
        ("true", True),
        ("~", None),
        ("None", None),
        ("[1, 2.5, 'a']", [1, 2.5, "a"]),
        ("AdamW", "AdamW"),
    ],
)
def test_values_are_what_people_mean(file, text, expected):
    options = read_options(CommandLine(file, [f"train:optim_g:new={text}"]))
    assert options["train"]["optim_g"] == {"lr": 1e-4, "new": expected}


def test_entries_replace_and_leave_the_rest(file):
    options = read_options(CommandLine(file, ["train:total_iter = 20", "name=y"]))
    assert options == {"name": "y", "train": {"total_iter": 20, "optim_g": {"lr": 1e-4}}}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("name", "--force_yml: expected key=value or block:key=value, got 'name'"),
        ("a=b=c", "--force_yml: expected key=value or block:key=value, got 'a=b=c'"),
        ("trian:x=1", "--force_yml trian:x=1: there is no block 'trian'; did you mean 'train'?"),
        ("name:x=1", "--force_yml name:x=1: name is no block of keys"),
        ("name=[1, print(2)]", "--force_yml name=[1, print(2)]: expected a list of plain values, got [1, print(2)]"),
    ],
)
def test_wrong_entries_are_named(file, entry, message):
    with pytest.raises(OptionError) as error:
        read_options(CommandLine(file, [entry]))
    assert str(error.value) == message


def test_all_wrong_entries_are_named_together(file):
    with pytest.raises(OptionError) as error:
        read_options(CommandLine(file, ["name", "x:y=1", "scale=2"]))
    assert [problem.path for problem in error.value.problems] == ["--force_yml", "--force_yml x:y=1"]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"none\.yml: cannot be read: No such file or directory"):
        read_options(CommandLine(tmp_path / "none.yml", []))
    (tmp_path / "torn.yml").write_text("a: [1")
    with pytest.raises(OptionError, match=r"torn\.yml: is "):
        read_options(CommandLine(tmp_path / "torn.yml", []))
