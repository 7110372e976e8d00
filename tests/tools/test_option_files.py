"""`kdsr options`: from a clone and from an installed package."""

import shutil

from option_files import OPTIONS

from kdsr_options.files import read_option_file
from kdsr_tools import option_files
from kdsr_tools.cli import main


def test_option_files_are_listed_and_copied_once(tmp_path, capsys):
    assert main(["options"]) == 0
    assert "train_kdsr_student.yml" in capsys.readouterr().out.splitlines()
    assert main(["options", "--to", str(tmp_path)]) == 0
    mine = tmp_path / "quickstart/train_teacher.yml"
    assert mine.read_text() == (OPTIONS / "quickstart/train_teacher.yml").read_text()
    mine.write_text("changed")
    assert main(["options", "--to", str(tmp_path)]) == 0
    assert mine.read_text() == "changed"
    assert "0 option files written" in capsys.readouterr().out


def test_option_files_are_found_where_pip_installs_them(tmp_path, monkeypatch, capsys):
    shutil.copytree(OPTIONS, tmp_path / "kdsr_options")
    monkeypatch.setattr(option_files, "SOURCE_TREE", tmp_path / "options")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["options"]) == 0
    expected = sorted(path.relative_to(OPTIONS).as_posix() for path in OPTIONS.rglob("*.yml"))
    assert capsys.readouterr().out.split() == expected


def test_reading_an_option_file_runs_nothing_that_it_names(tmp_path):
    (tmp_path / "x.yml").write_text(
        f"a: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{tmp_path}/ran']]\n"
        'kdsr_version: !!python/name:kdsr_model.__version__ ""\nb: 2\nlr: !!float 1e-4\n'
    )
    assert read_option_file(tmp_path / "x.yml") == {"a": None, "kdsr_version": None, "b": 2, "lr": 1e-4}
    assert not (tmp_path / "ran").exists()
