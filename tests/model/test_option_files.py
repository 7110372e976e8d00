"""Every shipped option file is checked, built, trained for two steps and validated, or tested, through BasicSR."""

import sys

import pytest
import torch
import yaml
from basicsr.archs import build_network
from option_files import OPTIONS, SMALL_NETWORKS, load_options, shrink, write_options

from kdsr_arch import read_weights, size_from_weights
from kdsr_model.launch import run

OF_COMPARISONS = {
    "quickstart/report.yml",
    "compare/blind_shipped_x4.yml",
    "compare/blind_xs_x4.yml",
    "compare/classic_x4.yml",
    "compare/sharp_x4.yml",
    "compare/xs_classic_x4.yml",
    "compare/xs_classic_x4_seed1.yml",
}  # not BasicSR's: tests/tools/compare
EVERY_FILE = [path.relative_to(OPTIONS).as_posix() for path in sorted(OPTIONS.rglob("*.yml"))]
FILES = [name for name in EVERY_FILE if name not in OF_COMPARISONS]
PUBLISHED_SIZES = {
    "train_kdsr_teacher.yml": 5_822_723,
    "train_kdsr_student.yml": 5_795_075,
    "train_kdsr_student_l.yml": 14_190_979,
    "train_kdsr_teacher_aniso_noise.yml": 5_822_723,
    "train_kdsr_student_aniso_noise.yml": 5_795_075,
    "test_kdsr_gaussian8.yml": 5_795_075,
    "test_kdsr_aniso.yml": 5_795_075,
}


def launch(pipeline, file, root, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [f"{pipeline}.py", "-opt", str(file), *arguments])
    run(pipeline, root)


@pytest.mark.parametrize("name", FILES)
def test_every_option_file_runs(name, gt_folder, tmp_path, monkeypatch):
    options = shrink(load_options(OPTIONS / name), gt_folder=gt_folder)
    if "train" not in options:
        weights = tmp_path / "student.pth"
        size = SMALL_NETWORKS["KDSRStudent"]
        torch.save({"params": build_network({"type": "KDSRStudent", **size}).state_dict()}, weights)
        options["path"]["pretrain_network_g"] = str(weights)
        launch("test", write_options(tmp_path / "opt.yml", options), tmp_path, monkeypatch)
        assert len(list((tmp_path / "results" / options["name"]).rglob("*.png"))) > 0
        return
    launch("train", write_options(tmp_path / "opt.yml", options), tmp_path, monkeypatch)
    weights = read_weights(tmp_path / "experiments" / options["name"] / "models" / "net_g_latest.pth")
    assert all(value.isfinite().all() for value in weights.values())


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("train_", "quickstart"))])
def test_scale_stands_once(name, gt_folder, tmp_path, monkeypatch):
    options = shrink(load_options(OPTIONS / name) | {"scale": 2}, gt_folder=gt_folder, total_iter=2)
    launch("train", write_options(tmp_path / "opt.yml", options), tmp_path, monkeypatch)
    weights = read_weights(tmp_path / "experiments" / options["name"] / "models" / "net_g_latest.pth")
    if options["network_g"]["type"] != "KDSRNoEstimator":
        assert size_from_weights(weights).scale == 2


@pytest.mark.parametrize(("name", "expected"), PUBLISHED_SIZES.items())
def test_networks_have_the_published_sizes(name, expected):
    with torch.device("meta"):
        network = build_network({**load_options(OPTIONS / name)["network_g"], "scale": 4})
    assert sum(p.numel() for p in network.parameters()) == expected


def test_the_papers_schedules_are_in_the_files():
    teacher, student = (load_options(OPTIONS / f"train_kdsr_{who}.yml")["train"] for who in ("teacher", "student"))
    assert (teacher["total_iter"], teacher["scheduler"]["milestones"]) == (500_000, [125_000, 250_000, 375_000])
    assert (student["total_iter"], student["scheduler"]["milestones"]) == (600_000, [150_000, 300_000, 450_000])
    assert teacher["optim_g"] == student["optim_g"] == {"type": "Adam", "lr": 1e-4, "betas": [0.9, 0.999]}


def test_compared_networks_differ_in_their_network_alone():
    reference = load_options(OPTIONS / "train_kdsr_student.yml")
    for path in (OPTIONS / "compare").glob("train_*.yml"):
        options = load_options(path)
        assert options["datasets"] == reference["datasets"]
        ours = {
            key: value for key, value in reference["train"].items() if key not in ("idr_opt", "init_sr_from_teacher")
        }
        assert options["train"] == ours


@pytest.mark.parametrize("name", FILES)
def test_every_option_file_loads_the_plugin(name):
    assert 'kdsr_version: !!python/name:kdsr_model.__version__ ""' in (OPTIONS / name).read_text().splitlines()
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load((OPTIONS / name).read_text())
