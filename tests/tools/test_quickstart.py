"""The quickstart's data and report, and the pieces they are made of."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from option_files import OPTIONS, SMALL_NETWORKS, load_options, write_options

from kdsr_arch import KDSRNoEstimator, KDSRStudent
from kdsr_data import DegradedImageDataset
from kdsr_tools.cli import main
from kdsr_tools.files import write_then_rename
from kdsr_tools.quickstart import DATA_FOLDER, HELD_OUT, TRAINING


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    assert main(["quickstart", "data", "--to", str(folder)]) == 0
    return folder


def test_training_and_held_out_photographs_are_apart(data):
    assert not set(TRAINING) & set(HELD_OUT)
    assert {path.name for path in (data / "heldout").iterdir()} == set(HELD_OUT)
    photographs = {line[6:].rsplit("_", 2)[0] for line in (data / "train.lmdb/meta_info.txt").read_text().splitlines()}
    assert photographs == {name.split(".")[0] for name in TRAINING}


def test_the_quickstarts_options_train_on_that_data(data):
    block = load_options(OPTIONS / "quickstart/train_student.yml")["datasets"]["train"]
    data_set = DegradedImageDataset({**block, "scale": 4, "phase": "train", "dataroot_gt": str(data / "train.lmdb")})
    assert len(data_set) == len(list((data / "train").iterdir()))
    sample = data_set[0]["gt"].permute(1, 2, 0).numpy()
    tile = cv2.imread(str(data / "train" / f"{data_set.source.key(0)}.png"))[..., ::-1] / np.float32(255)
    assert tile.min() <= sample.min() < sample.max() <= tile.max()


def test_running_it_again_changes_nothing(data, capsys):
    before = (data / "train.lmdb/data.mdb").stat().st_mtime_ns
    assert main(["quickstart", "data", "--to", str(data)]) == 0
    assert "are there already" in capsys.readouterr().out
    assert (data / "train.lmdb/data.mdb").stat().st_mtime_ns == before


@pytest.fixture
def report_options(tmp_path, gt_folder):
    """Write the shipped report's options for two random experiments and small images."""
    options = load_compare_options()
    options["output"] = str(tmp_path / "out")
    options["data"] = {"small": {"dataroot_gt": str(gt_folder), "preset": "gaussian8"}}
    options["cost"], options["idr"] = {"lq_size": [8, 8], "rounds": 1, "memory": False}, {"number": 20}
    for name, kind in (("without IDR", KDSRNoEstimator), ("KDSR student", KDSRStudent)):
        experiment = tmp_path / Path(options["models"][name]["experiment"]).name
        options["models"][name]["experiment"] = str(experiment)
        block = {"type": kind.__name__, **SMALL_NETWORKS[kind.__name__]}
        (experiment / "models").mkdir(parents=True)
        write_options(experiment / "train.yml", {"scale": 4, "network_g": block})
        network = kind(4, **SMALL_NETWORKS[kind.__name__])
        torch.save({"params": network.state_dict()}, experiment / "models/net_g_latest.pth")
    (tmp_path / "report.yml").write_text(yaml.safe_dump(options, sort_keys=False))
    return tmp_path / "report.yml"


def load_compare_options():
    return yaml.safe_load((OPTIONS / "quickstart/report.yml").read_text())


def test_the_report_compares_what_the_quickstart_trains():
    options = load_compare_options()
    trained = {load_options(OPTIONS / f"quickstart/train_{name}.yml")["name"] for name in ("student", "no_idr")}
    compared = {Path(model["experiment"]).name for model in options["models"].values() if "experiment" in model}
    assert compared == trained
    assert {block["dataroot_gt"] for block in options["data"].values()} == {f"{DATA_FOLDER}/heldout"}


def test_the_report_has_a_table_and_a_page(report_options, capsys):
    assert main(["quickstart", "report", "-opt", str(report_options)]) == 0
    table = (report_options.parent / "out/table.md").read_text()
    assert table in capsys.readouterr().out
    rows = [line.split(" | ")[0] for line in table.splitlines()]
    assert rows == ["| PSNR-Y (dB) / SSIM", "|---|---|---|---|---|", "| bicubic", "| without IDR", "| KDSR student"]
    results = json.loads((report_options.parent / "out/results.json").read_text())["sets"]["small"]
    mean = results["means"]["bicubic"]
    assert table.splitlines()[2].endswith(f"| {mean['psnr']['value']:.2f} / {mean['ssim']['value']:.4f} |")
    assert "What the representation knows" in (report_options.parent / "out/index.html").read_text()


def test_a_missing_checkpoint_is_one_sentence(report_options, capsys):
    (report_options.parent / "quickstart_student/models/net_g_latest.pth").unlink()
    assert main(["quickstart", "report", "-opt", str(report_options)]) == 1
    assert "no checkpoint models/net_g_*.pth; has the training saved one?" in capsys.readouterr().err


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "result.txt").write_text("old")
    with pytest.raises(RuntimeError), write_then_rename(tmp_path / "result.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "result.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
