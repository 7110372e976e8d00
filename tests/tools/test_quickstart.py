"""The quickstart's data and report, and the pieces they are made of."""

import cv2
import numpy as np
import pytest
import torch
from option_files import OPTIONS, load_options
from PIL import Image

from kdsr_arch import KDSRStudent
from kdsr_data import BlindSRBenchmarkDataset, DegradedImageDataset
from kdsr_tools.cli import main
from kdsr_tools.evaluation import bicubic_restorer, evaluate, network_restorer, score
from kdsr_tools.files import write_then_rename
from kdsr_tools.quickstart import HELD_OUT, TRAINING

SMALL = {"num_feat": 8, "num_block": 1, "num_estimator_block": 1}


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
    """Write a report's options: bicubic and one random student on small images."""
    torch.save({"params": KDSRStudent(4, **SMALL).state_dict()}, tmp_path / "net.pth")
    size = ", ".join(f"{key}: {value}" for key, value in SMALL.items())
    (tmp_path / "train.yml").write_text(f"network_g: {{type: KDSRStudent, {size}}}\n")
    text = f"""
scale: 4
benchmark: {{name: small, type: BlindSRBenchmarkDataset, dataroot_gt: {gt_folder}, preset: gaussian8}}
models:
  student: {{options: {tmp_path}/train.yml, weights: {tmp_path}/net.pth}}
shown_model: student
patch_size: 32
panel_size: 64
pictures:
  - {{image: a, setting: sigma-1.8_noise-0, left_top: [8, 8]}}
output: {tmp_path}/out
"""
    (tmp_path / "report.yml").write_text(text)
    return tmp_path / "report.yml"


def test_the_report_has_a_table_and_a_picture(report_options, capsys):
    assert main(["quickstart", "report", "-opt", str(report_options)]) == 0
    table = (report_options.parent / "out/table.md").read_text()
    assert table in capsys.readouterr().out
    rows = [line.split(" | ")[0] for line in table.splitlines()]
    assert rows == ["| PSNR-Y (dB) / SSIM", "|---|---|---|---|---|", "| bicubic", "| student"]
    picture = np.asarray(Image.open(report_options.parent / "out/comparison.png"))
    panels = [picture[6:70, 6 + 70 * column :][:, :64] for column in range(4)]
    gt = np.asarray(Image.open(report_options.parent / "gt/a.png"))[8:40, 8:40]
    np.testing.assert_array_equal(panels[3][::2, ::2], gt)
    assert all(panel.std() > 0 for panel in panels)


def test_a_missing_checkpoint_is_one_sentence(report_options, capsys):
    (report_options.parent / "net.pth").unlink()
    assert main(["quickstart", "report", "-opt", str(report_options)]) == 1
    assert "net.pth: there is no such checkpoint file" in capsys.readouterr().err


def test_evaluation_gives_basicsrs_metrics_for_every_image_setting_and_restorer(gt_folder):
    opt = {"name": "s", "type": "BlindSRBenchmarkDataset", "phase": "test", "scale": 4, "dataroot_gt": str(gt_folder)}
    benchmark = BlindSRBenchmarkDataset({**opt, "settings": [{"sigma": 0.4}, {"sigma": 3}]})
    results = list(evaluate(benchmark, {"bicubic": bicubic_restorer(4)}, scale=4))
    assert [(result.image, result.setting) for result in results][:3] == [
        ("a", "sigma-0.4"),
        ("a", "sigma-3"),
        ("b", "sigma-0.4"),
    ]
    assert all(result.sr.shape == (72, 96, 3) for result in results)
    assert results[0].scores["PSNR"] > results[1].scores["PSNR"] + 1
    assert results[0].scores["SSIM"] > results[1].scores["SSIM"]


def test_scores_follow_the_fields_rules(photograph):
    gt = photograph[:64, :64, ::-1]
    assert score(gt, gt, scale=4)["SSIM"] == pytest.approx(1)
    shifted = gt.copy()
    shifted[:4] = 0  # the border is not looked at
    assert score(shifted, gt, scale=4)["PSNR"] == float("inf")
    gray = np.full((32, 32, 3), 100, np.uint8)
    # One level of gray is 219/255 of one level of Y.
    expected = 20 * np.log10(255 / (219 / 255))
    assert score(gray + np.uint8(1), gray, scale=4)["PSNR"] == pytest.approx(expected, abs=0.01)


def test_weights_that_do_not_fit_are_named(tmp_path):
    torch.save(KDSRStudent(4, **SMALL).state_dict(), tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"net\.pth: the weights do not fit EDSR"):
        network = {"type": "EDSR", "num_in_ch": 3, "num_out_ch": 3, "num_feat": 8, "num_block": 1}
        network_restorer(network, tmp_path / "net.pth", device=torch.device("cpu"))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "result.txt").write_text("old")
    with pytest.raises(RuntimeError), write_then_rename(tmp_path / "result.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "result.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
