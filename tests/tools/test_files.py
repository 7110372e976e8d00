"""Error messages for users; the rest of this module is tested where it is used."""

from importlib import metadata

import pytest

from kdsr_tools import files
from kdsr_tools.files import describe_error, write_then_rename


def test_errors_of_the_system_begin_with_the_files_name(tmp_path):
    with pytest.raises(OSError) as error_info:
        (tmp_path / "none").read_bytes()
    assert describe_error(error_info.value) == f"{tmp_path}/none: No such file or directory"


def test_other_messages_stay_and_none_becomes_the_kind():
    assert describe_error(ValueError("a\nb")) == "a\nb"
    assert describe_error(OSError("of ours")) == "of ours"
    assert describe_error(MemoryError()) == "MemoryError"


def test_kinds_that_nobody_foresaw_are_named():
    assert describe_error(IndexError("index out of range")) == "IndexError: index out of range"
    assert describe_error(KeyError("name")) == "KeyError: 'name'"
    assert describe_error(IndexError()) == "IndexError"


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        ("basicsr.models", "this needs basicsr, which is not installed: pip install 'kdsr[train]'"),
        ("sklearn", "this needs scikit-learn, which is not installed: pip install 'kdsr[report]'"),
        ("basic", "this needs basic, which is not installed: pip install basic"),
    ],
)
def test_a_missing_package_comes_with_the_extra_that_brings_it(monkeypatch, module, advice):
    requirements = [
        "torch>=2.1",
        "basicsr>=1.4.2; extra == 'dev'",
        "basicsr>=1.4.2; extra == 'train'",
        'scikit-learn; extra == "report"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda project: requirements)
    assert describe_error(ModuleNotFoundError(f"No module named {module!r}", name=module)) == advice


def test_a_missing_package_is_named_where_the_project_itself_is_not_installed(monkeypatch):
    monkeypatch.setattr(files, "PROJECT", "not-installed-anywhere")
    message = describe_error(ModuleNotFoundError("No module named 'basicsr'", name="basicsr"))
    assert message == "this needs basicsr, which is not installed: pip install basicsr"


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "ß" * 125 + ".png", "caf\udce9.png"])
def test_names_as_long_as_the_file_system_allows_are_written(tmp_path, name):
    with write_then_rename(tmp_path / name) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
