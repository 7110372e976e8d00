"""`kdsr options`: from a clone and from an installed package."""

import shutil

from option_files import OPTIONS

from kdsr_options import files
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


def test_one_option_file_can_be_copied(tmp_path, capsys):
    assert main(["options", "train_kdsr_student.yml", "--to", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["train_kdsr_student.yml"]
    assert "1 option files written" in capsys.readouterr().out
    assert main(["options", "train_kdsr_studnt.yml", "--to", str(tmp_path)]) == 1
    assert "there is no option file 'train_kdsr_studnt.yml'; did you mean" in capsys.readouterr().err
    assert main(["options", "train_kdsr_student.yml"]) == 1
    assert "give the folder to copy to: --to FOLDER" in capsys.readouterr().err


def test_option_files_are_found_where_pip_installs_them(tmp_path, monkeypatch, capsys):
    shutil.copytree(OPTIONS, tmp_path / "kdsr_options/shipped")
    monkeypatch.setattr(files, "SOURCE_TREE", tmp_path / "options")
    monkeypatch.setattr(files, "INSTALLED", tmp_path / "kdsr_options/shipped")
    assert main(["options"]) == 0
    expected = sorted(path.relative_to(OPTIONS).as_posix() for path in OPTIONS.rglob("*.yml"))
    assert capsys.readouterr().out.split() == expected
