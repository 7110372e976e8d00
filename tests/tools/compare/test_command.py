"""`kdsr compare` as a whole: its files, going on after a stop, and what it says to bad input."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from basicsr.utils import tensor2img
from comparison_files import compare_options, write_option_file, write_photographs
from option_files import save_teacher
from PIL import Image

from kdsr_arch import KDSRStudent
from kdsr_data import BlindSRBenchmarkDataset
from kdsr_tools.checkpoints.loading import load_teacher
from kdsr_tools.cli import main
from kdsr_tools.compare import runner
from kdsr_tools.evaluation import bicubic_restorer, score


def test_scores_are_those_of_the_evaluation(comparison, results):
    folder = comparison.parent
    opt = {"name": "s", "type": "BlindSRBenchmarkDataset", "phase": "test", "scale": 4, "dataroot_gt": f"{folder}/gt"}
    expected = {}
    for sample in BlindSRBenchmarkDataset({**opt, "preset": "gaussian8"}):
        sr = tensor2img(bicubic_restorer(4)(sample["lq"][None]))
        place = Path(sample["gt_path"]).stem, sample["setting"]
        expected[place] = score(sr, tensor2img(sample["gt"]), scale=4)["psnr"]
    items = [item for item in results["sets"]["Set5"]["items"] if item["model"] == "bicubic"]
    assert len(items) == 24
    for item in items:
        assert item["scores"]["psnr"] == pytest.approx(expected[item["image"], item["setting"]])
    mean = results["sets"]["Set5"]["means"]["bicubic"]["psnr"]
    assert mean["value"] == pytest.approx(np.mean(list(expected.values())))


def test_a_model_that_fails_is_told_in_its_cell_and_the_rest_goes_on(comparison, results):
    failed = [item for item in results["sets"]["Set5"]["items"] if item["error"]]
    assert {(item["model"], item["image"]) for item in failed} == {("<failing>", "wide")}
    assert failed[0]["error"] == "RuntimeError: wider than 24 pixels"
    mean = results["sets"]["Set5"]["means"]["<failing>"]["psnr"]
    assert (mean["num"], mean["num_missing"]) == (16, 8)
    page = (comparison / "index.html").read_text()
    assert "&lt;failing&gt;</strong> failed on 8 of Set5" in page
    assert "<failing>" not in page


def test_real_photographs_have_no_metric_that_needs_gt(results):
    items = results["sets"]["real"]["items"]
    assert len(items) == 3
    assert all(item["scores"].keys() == {"niqe"} for item in items if not item["error"])


@pytest.fixture
def small(comparison_folder):
    """Return options of a comparison that takes a second."""
    options = compare_options(comparison_folder)
    options["models"] = {name: options["models"][name] for name in ("bicubic", "student")}
    options["data"] = {"noisy": options["data"]["noisy"]}
    return options | {"metrics": ["psnr"], "cost": None, "idr": None, "baseline": "bicubic"}


def run(folder, options):
    return main(["compare", str(write_option_file(folder, options))])


def test_a_stopped_run_goes_on_where_it_stopped(small, comparison_folder, monkeypatch, capsys):
    calls = []

    def measure_or_stop(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return {"psnr": 20.0 + len(calls)}

    monkeypatch.setattr(runner, "measure", measure_or_stop)
    assert run(comparison_folder, small) == 130
    assert "the same command goes on from there" in capsys.readouterr().out
    assert run(comparison_folder, small) == 0
    assert len(calls) == 4 + 3  # 2 models x 3 images, of which three were done
    assert run(comparison_folder, small) == 0
    assert len(calls) == 7


def test_a_changed_checkpoint_is_measured_anew_and_the_others_are_not(small, comparison_folder, monkeypatch):
    assert run(comparison_folder, small) == 0
    before = json.loads((comparison_folder / "out/results.json").read_text())
    torch.manual_seed(1)
    size = {"num_feat": 8, "num_block": 1, "num_estimator_block": 1}
    torch.save({"params": KDSRStudent(4, **size).state_dict()}, comparison_folder / "student.pth")
    measured = []
    measure = runner.measure
    monkeypatch.setattr(runner, "measure", lambda *args, **kwargs: measured.append(1) or measure(*args, **kwargs))
    assert run(comparison_folder, small) == 0
    assert len(measured) == 3
    after = json.loads((comparison_folder / "out/results.json").read_text())
    old, new = (content["sets"]["noisy"]["means"] for content in (before, after))
    assert old["bicubic"] == new["bicubic"]
    assert old["student"] != new["student"]


def test_an_image_that_cannot_be_read_fails_in_every_cell(small, comparison_folder):
    (comparison_folder / "gt/broken.png").write_bytes(b"no image")
    assert run(comparison_folder, small) == 0
    items = json.loads((comparison_folder / "out/results.json").read_text())["sets"]["noisy"]["items"]
    assert [item["image"] for item in items if item["error"]] == ["broken", "broken"]
    assert "gt/broken.png: not a picture of a known format" in next(item["error"] for item in items if item["error"])


def test_an_image_too_small_for_a_metric_is_named_and_the_others_averaged(small, comparison_folder, capsys):
    Image.new("RGB", (16, 16), (9, 99, 199)).save(comparison_folder / "gt/tiny.png")
    assert run(comparison_folder, small | {"metrics": ["psnr", "ssim"]}) == 0
    assert "Note: noisy: SSIM leaves out tiny: fewer than 11 pixels a side within the border" in capsys.readouterr().out
    means = json.loads((comparison_folder / "out/results.json").read_text())["sets"]["noisy"]["means"]["student"]
    assert (means["ssim"]["num"], means["ssim"]["num_missing"]) == (3, 1)
    assert 0 < means["ssim"]["value"] < 1
    assert means["psnr"]["num_missing"] == 0


def test_names_that_are_not_utf_8_and_other_files_are_no_obstacle(small, comparison_folder, capsys):
    shutil.copy(comparison_folder / "gt/a.png", comparison_folder / "gt/caf\udce9.png")
    (comparison_folder / "gt/notes.txt").touch()
    assert run(comparison_folder, small) == 0
    assert "Note: noisy: 1 other file was passed over (1 .txt)" in capsys.readouterr().out
    items = json.loads((comparison_folder / "out/results.json").read_text())["sets"]["noisy"]["items"]
    assert [item["image"] for item in items if item["image"].startswith("caf")] == ["caf\\udce9"] * 2
    assert not any(item["error"] for item in items)


def test_a_teacher_is_given_the_original_and_has_no_cost(small, comparison_folder):
    save_teacher(comparison_folder / "teacher.pth")
    teacher = {"weights": str(comparison_folder / "teacher.pth"), "sees_gt": True}
    real = {"real": {"dataroot_lq": str(comparison_folder / "real")}}
    options = small | {"models": small["models"] | {"teacher": teacher}, "data": small["data"] | real}
    assert run(comparison_folder, options) == 0
    results = json.loads((comparison_folder / "out/results.json").read_text())
    network = load_teacher(comparison_folder / "teacher.pth").network
    block = options["data"]["noisy"] | {"name": "s", "type": "BlindSRBenchmarkDataset", "phase": "test", "scale": 4}
    items = [item for item in results["sets"]["noisy"]["items"] if item["model"] == "teacher"]
    assert len(items) == 3
    for sample, item in zip(BlindSRBenchmarkDataset(block), items, strict=True):
        sr = tensor2img(network(sample["lq"][None], sample["gt"][None]))
        assert item["scores"]["psnr"] == pytest.approx(score(sr, tensor2img(sample["gt"]), scale=4)["psnr"], abs=1e-3)
    blind = [item for item in results["sets"]["real"]["items"] if item["model"] == "teacher"]
    assert {item["error"] for item in blind} == {"ValueError: it sees the original, and there is none"}


def test_bad_input_is_one_sentence_that_says_what_and_where(small, comparison_folder, capsys):
    folder = comparison_folder
    write_photographs(folder / "lq", {"a": (18, 20), "b": (16, 22), "c": (16, 16)})
    (folder / "empty").mkdir()
    (folder / "no_checkpoint").mkdir()
    (folder / "no_checkpoint/x.yml").write_text("scale: 4\n")
    gt = str(folder / "gt")
    paired = {"dataroot_gt": gt, "dataroot_lq": str(folder / "lq")}
    save_teacher(folder / "teacher.pth")
    larger = {"type": "KDSRStudent", "num_feat": 8, "num_block": 2, "num_estimator_block": 1}
    for change, message in (
        (
            {"data": {"s": paired}},
            "data.s: names do not pair up: 1 LQ images are missing: wide; 1 LQ images have no GT: c",
        ),
        ({"data": {"s": {**paired, "filename_tmpl": "{}x4"}}}, "3 LQ images are missing: ax4, bx4, widex4"),
        ({"data": {"s": {"dataroot_lq": gt, "dataroot_gt": gt}}}, "which is not x4; set scale accordingly"),
        ({"data": {"s": {"dataroot_lq": gt, "metrics": ["psnr"]}}}, "metrics: psnr need GT"),
        ({"data": {"s": {"dataroot_lq": str(folder / "empty")}}}, "empty: no images found"),
        ({"data": {"s": {"dataroot_gt": gt}}}, "no LQ images: give preset"),
        (
            {"data": {"s": {"dataroot_gt": gt, "preset": "gaussian9"}}},
            "data.s.preset: expected 'gaussian8' or 'aniso9'",
        ),
        ({"data": {"s": {"dataroot_gt": gt, "settings": [{"sgma": 1}]}}}, "did you mean 'sigma'?"),
        ({"models": {"m": {"weights": "nowhere.pth"}}}, "models.m: nowhere.pth: there is no such checkpoint file"),
        ({"models": {"m": {"weights": "x.pth", "bicubic": True}}}, "give one of bicubic: true, experiment, weights"),
        ({"models": {"m": {"experiment": str(folder / "no_checkpoint")}}}, "no checkpoint models/net_g_*.pth"),
        (
            {"models": {"m": {"weights": str(folder / "student.pth"), "network": larger}}},
            "4 are missing (sr_network.blocks.1.depthwise.linear1.weight",
        ),
        (
            {"models": {"m": {"weights": str(folder / "teacher.pth")}}},
            "so it cannot restore pictures; name the student that was trained from it",
        ),
        (
            {"models": {"m": {"weights": str(folder / "student.pth"), "sees_gt": True}}},
            "student.pth: the weights are a student's; only a KDSR teacher takes the original (GT)",
        ),
        ({"models": {"m": {"bicubic": True, "sees_gt": True}}}, "sees_gt belongs to a KDSR teacher's"),
        (
            {"scale": 2, "data": {"s": {"dataroot_gt": gt, "preset": "gaussian8"}}},
            "it enlarges x4, and this comparison has",
        ),
        ({"baseline": "EDSR"}, "baseline: expected one of"),
        ({"colour": "red"}, "colour: unknown key"),
        ({"models": {"m": {"wieghts": "x.pth"}}}, "models.m.wieghts: unknown key; did you mean 'weights'?"),
        ({"data": {"s": {"dataroot": gt}}}, "data.s.dataroot: unknown key; did you mean 'dataroot_"),
    ):
        options = small | ({"baseline": None} if "models" in change else {}) | change
        assert run(folder, options) == 1, change
        error = capsys.readouterr().err
        assert message in error, error
        assert "Traceback" not in error
