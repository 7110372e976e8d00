"""`kdsr inspect` on small networks with random weights."""

import json

import pytest
import torch
from option_files import save_student, save_teacher, write_options

from kdsr_tools.cli import main


@pytest.fixture
def networks(tmp_path):
    torch.manual_seed(0)
    return save_student(tmp_path / "student.pth"), save_teacher(tmp_path / "teacher.pth")


def inspect(student, gt_folder, to, *arguments):
    return main(["inspect", str(student), "--images", str(gt_folder), "--number", "24", "--to", str(to), *arguments])


def test_the_page_has_maps_probe_and_distances(networks, gt_folder, tmp_path, capsys):
    student, teacher = networks
    assert inspect(student, gt_folder, tmp_path / "out", "--teacher", str(teacher), "--vary", "blur", "noise") == 0
    found = json.loads((tmp_path / "out/idr.json").read_text())
    assert list(found["r2"]) == ["student", "teacher", "untrained"]
    assert list(found["r2"]["student"]) == ["blur", "noise"]
    assert len(found["distances"]["student"]) == 24
    assert min(found["distances"]["student"].values()) > 0
    page = (tmp_path / "out/index.html").read_text()
    assert page.count("<svg role=") == 2
    score = f"{found['r2']['student']['blur']:.3f}"
    assert f">{score}</td>" in page
    assert f"| student | {score} |" in capsys.readouterr().out


def test_an_experiments_teacher_is_found_by_itself(networks, gt_folder, tmp_path):
    experiment = tmp_path / "experiment"
    (experiment / "models").mkdir(parents=True)
    (experiment / "models/net_g_10.pth").write_bytes(networks[0].read_bytes())
    write_options(experiment / "train.yml", {"path": {"pretrain_network_teacher": str(networks[1])}})
    assert inspect(experiment, gt_folder, tmp_path / "out", "--vary", "jpeg") == 0
    assert "teacher" in json.loads((tmp_path / "out/idr.json").read_text())["r2"]


def test_what_has_no_idr_is_refused(networks, gt_folder, tmp_path, capsys):
    student, teacher = networks
    for arguments, message in (
        ((teacher,), "this is a teacher's checkpoint"),
        ((student, "--teacher", str(student)), "the weights are a student's; only a KDSR teacher"),
        ((student, "--teacher", str(save_teacher(tmp_path / "x2.pth", scale=2))), "a teacher for x2"),
        ((student, "--number", "3"), "--number: expected at least 20 crops, got 3"),
    ):
        assert inspect(arguments[0], gt_folder, tmp_path / "out", *arguments[1:]) == 1
        assert message in capsys.readouterr().err
