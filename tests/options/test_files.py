"""Reading option files without running what they name."""

import pytest

from kdsr_options.files import read_option_file
from kdsr_options.schema import OptionError


def test_reading_an_option_file_runs_nothing_that_it_names(tmp_path):
    (tmp_path / "x.yml").write_text(
        f"a: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{tmp_path}/ran']]\n"
        'kdsr_version: !!python/name:kdsr_model.__version__ ""\nb: 2\nlr: !!float 1e-4\n'
    )
    assert read_option_file(tmp_path / "x.yml") == {"a": None, "kdsr_version": None, "b": 2, "lr": 1e-4}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("val:\n  1: x\n", "val.1"),
        ("a:\n- b\n- no: x\n", "a.1.no"),
        ("~: x\n", "~"),
        ("a:\n  [1, 2]: x\n", "a.?"),
    ],
)
def test_a_key_that_is_not_text_is_refused(tmp_path, text, path):
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(OptionError) as error:
        read_option_file(tmp_path / "x.yml")
    (problem,) = error.value.problems
    assert problem.path == path
    assert (
        problem.message == f"expected a name as the key in line {text.count(chr(10))}; if this is one, put it in quotes"
    )


def test_keys_in_quotes_and_merged_blocks_are_read(tmp_path):
    (tmp_path / "x.yml").write_text("a: &a {'1': 2, é: 3}\nb:\n  <<: *a\n  c: 4\n")
    assert read_option_file(tmp_path / "x.yml")["b"] == {"1": 2, "é": 3, "c": 4}
