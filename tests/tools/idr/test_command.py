"""`kdsr inspect` on small networks with random weights."""

import json

import numpy as np
import pytest
import torch
from option_files import save_student, save_teacher, write_options
from PIL import Image

from kdsr_arch import load_student
from kdsr_arch.checkpoint import read_metadata
from kdsr_tools import Upscaler
from kdsr_tools.cli import main
from kdsr_tools.idr import command


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


@pytest.mark.parametrize(
    ("arguments", "unheeded"),
    [
        (("--save-heads", "new.safetensors", "--vary", "blur"), "--vary"),
        (("--save-heads", "new.safetensors", "--teacher", "t.pth"), "--teacher"),
        (("--test-images", "folder", "--overwrite"), "--test-images, --overwrite"),
        (("--seed", "0"), "--seed"),
    ],
)
def test_what_the_other_task_alone_heeds_is_refused(networks, gt_folder, capsys, arguments, unheeded):
    assert main(["inspect", str(networks[0]), "--images", str(gt_folder), *arguments]) == 1
    assert f"{unheeded}: " in capsys.readouterr().err


def test_the_tests_of_heads_are_looked_at_before_the_work(networks, gt_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "collect_crops", pytest.fail)
    to = tmp_path / "new.safetensors"
    assert save_heads(networks[0], gt_folder, to, "--test-images", "nowhere") == 1
    assert "nowhere: there is no such folder" in capsys.readouterr().err
    assert save_heads(networks[0], gt_folder, to, "--number", "100") == 1
    assert "heads need at least 300 crops, got 100; raise --number" in capsys.readouterr().err


def save_heads(student, gt_folder, to, *arguments):
    return main(["inspect", str(student), "--images", str(gt_folder), "--save-heads", str(to), *arguments])


@pytest.fixture
def pictures(tmp_path, photograph):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(photograph[2 * number :][:60, 5 * number :][:, :80]).save(folder / f"{number}.png")
    return folder


def test_heads_are_saved_with_the_student_and_tested_on_other_pictures(networks, pictures, gt_folder, tmp_path, capsys):
    path = tmp_path / "net.safetensors"
    options = ("--number", "300", "--test-images", str(gt_folder), "--test-number", "24", "--seed", "3")
    assert save_heads(networks[0], pictures, path, *options) == 0
    printed = capsys.readouterr().out
    assert "| R² | all | tiles | pictures | flat | texture | edges |" in printed
    assert "| crops | 24 | 24 | 0 |" in printed
    assert printed.endswith("from 300 damaged crops of 6 pictures\n")
    assert read_metadata(path)["heads"].endswith("from 300 damaged crops of 6 pictures, seed 3")
    student = load_student(path)
    assert all(torch.equal(v, student.state_dict()[k]) for k, v in load_student(networks[0]).state_dict().items())
    upscaler = Upscaler.from_checkpoint(path, device="cpu")
    assert 0 <= upscaler.diagnose(np.zeros((20, 30, 3), np.uint8)).blur.value <= 4


def test_heads_are_refused_where_they_cannot_be_kept(networks, gt_folder, tmp_path, capsys):
    (tmp_path / "there.safetensors").touch()
    for name, message in (
        ("net.pth", "--save-heads: expected a name that ends in .safetensors"),
        ("there.safetensors", "exists already; --overwrite replaces it"),
    ):
        assert save_heads(networks[0], gt_folder, tmp_path / name) == 1
        assert message in capsys.readouterr().err
    assert save_heads(networks[0], gt_folder, tmp_path / "few.safetensors", "--number", "20") == 1
    assert "heads need at least 300 crops" in capsys.readouterr().err
