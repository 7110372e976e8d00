"""What is said about wrong option files: each problem by its path in the file, all in one message, no stack trace."""

import sys

import pytest
import torch
from option_files import OPTIONS, load_options, save_teacher, shrink, student_options, write_options
from spoilt_options import put
from training_steps import build, changed, feed, snapshot, step

from kdsr_arch import KDSRStudent
from kdsr_model.launch import run


def message_for(options, tmp_path, monkeypatch, capsys, *arguments):
    """Start training with these options, which must end at once; return what was written to stderr."""
    file = write_options(tmp_path / "opt.yml", options)
    monkeypatch.setattr(sys, "argv", ["train.py", "-opt", str(file), *arguments])
    with pytest.raises(SystemExit) as stop:
        run("train", tmp_path)
    assert stop.value.code == 2
    assert not (tmp_path / "experiments").exists()
    return capsys.readouterr().err


WRONG = [
    ("model_type", "KDSRStudntModel", "no model is registered as 'KDSRStudntModel'; did you mean 'KDSRStudentModel'?"),
    ("scale", 5, "network_g: scale: expected one of 2, 3, 4, 8, got 5"),
    ("name", "a/../../b", "name: expected a folder inside experiments/, got 'a/../../b'"),
    ("name", "/tmp/b", "name: expected a folder inside experiments/, got '/tmp/b'"),
    ("logger.keep_checkpoints", 0, "logger.keep_checkpoints: expected greater than or equal to 1, got 0"),
    ("train.pixel_opt.type", [], "train.pixel_opt.type: no loss is registered as []"),
    ("datasets.train.type", [], "datasets.train.type: no data set is registered as []"),
    ("network_g.num_block", 10**9, "network_g.num_block: expected a whole number from 1 to 4096, got 1000000000"),
    ("sclae", 4, "sclae: unknown key; did you mean 'scale'?"),
    ("network_g.num_fet", 8, "network_g.num_fet: unknown key; did you mean 'num_feat'?"),
    ("network_g.num_feat", 0, "network_g.num_feat: expected a whole number from 1 to 4096, got 0"),
    ("network_g.num_feat", 16, "path.pretrain_network_teacher: the teacher has num_feat 8, network_g has 16"),
    ("network_g.num_estimator_feat", 4, "the teacher has num_estimator_feat 8, network_g has 4"),
    ("network_g.direct_upsampler", True, "the teacher has direct_upsampler False, network_g has"),
    ("network_g.direct_upsampler", 1, "network_g.direct_upsampler: expected true or false, got 1"),
    ("network_g.num_block", True, "network_g.num_block: expected a whole number from 1 to 4096, got True"),
    ("network_g.num_block", 3, "path.pretrain_network_teacher: the teacher has num_block 1, network_g has 3"),
    ("network_g.scale", 2, "network_g.scale: 2 disagrees with the scale 4 at the top"),
    ("network_g.type", "KDSRStudnt", "no network is registered as 'KDSRStudnt'; did you mean 'KDSRStudent'?"),
    ("datasets.train.type", "DegradedImagesDataset", "datasets.train.type: no data set is registered as"),
    ("datasets.train.dataroot_gt", "nowhere", "datasets.train.dataroot_gt: nowhere does not exist (seen from "),
    ("datasets.train.gt_size", 33, "datasets.train.gt_size: expected a multiple of the scale 4, got 33"),
    ("datasets.train.scale", 2, "datasets.train.scale: 2 disagrees with the scale 4 at the top"),
    ("datasets.train.degradation.sigma", [4, 1], "train.degradation.sigma: expected [low, high] with low <= high"),
    ("datasets.train", None, "datasets.train: is missing"),
    ("train.total_iter", 0, "train.total_iter: expected greater than or equal to 1, got 0"),
    ("train.optim_g.lr", "fast", "train.optim_g.lr: expected a number above 0, got 'fast'"),
    ("train.optim_g.type", "Adamm", "train.optim_g.type: no optimiser is registered as 'Adamm'; did you mean 'Adam"),
    ("train.optim_g.beta", [0.9, 0.99], "train.optim_g.beta: unknown key; did you mean 'betas'?"),
    ("train.scheduler.type", "Step", "train.scheduler.type: no scheduler is registered as 'Step'"),
    ("train.scheduler.milestone", [1], "train.scheduler.milestone: unknown key; did you mean 'milestones'?"),
    ("train.idr_opt.type", "IDRL2Loss", "no loss is registered as 'IDRL2Loss'; did you mean 'IDRL1Loss'?"),
    ("train.pixel_opt.loss_wieght", 1, "train.pixel_opt.loss_wieght: unknown key; did you mean 'loss_weight'?"),
    ("train.pixel_opt", None, "train: pixel_opt and perceptual_opt are both missing"),
    ("train.estimator_warmup_iter", 2, "train.estimator_warmup_iter: 2 leaves nothing of total_iter 2"),
    ("train.warmup", 2, "train.warmup: unknown key; did you mean"),
    ("path.pretrain_network_teacher", None, "path.pretrain_network_teacher: is missing"),
    ("path.pretrain_network_teacher", "no.pth", "no.pth: there is no such checkpoint file (train the teacher first)"),
    ("path.pretrain_network_g", "no.pth", "path.pretrain_network_g: no.pth does not exist (seen from "),
    ("path.resume_state", "9.state", "path.resume_state: 9.state does not exist (seen from "),
    ("logger.print_freq", None, "logger.print_freq: is missing"),
    ("logger", None, "logger: is missing"),
    ("network_g", None, "network_g: is missing"),
    ("val", {"val_freq": 1, "save_img": False, "metrics": {"p": {"type": "calculate_pnsr"}}},
     "val.metrics.p.type: no metric is registered as 'calculate_pnsr'; did you mean 'calculate_psnr'?"),
    ("val", {"val_freq": 1, "save_img": False, "metrics": {"p": {"type": "calculate_psnr", "crop_boarder": 4}}},
     "val.metrics.p.crop_boarder: unknown key; did you mean 'crop_border'?"),
    ("val", {"save_img": False}, "val.val_freq: is missing"),
    ("train", "fast", "train: expected a block of keys, got 'fast'"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), WRONG, ids=[f"{path}={value}" for path, value, _ in WRONG])
def test_a_wrong_option_is_named_by_its_path(gt_folder, tmp_path, monkeypatch, capsys, path, value, expected):
    options = student_options(gt_folder)
    put(options, path, value)
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert expected in message
    assert "Traceback" not in message


def test_all_problems_come_in_one_message(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    for path, value in (("datasets.train.gt_sise", 8), ("train.optim_g.lr", -1), ("network_g.num_blok", 2)):
        put(options, path, value)
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert message.startswith("3 problems in the options; nothing was started:\n")
    assert len(message.splitlines()) == 4


def test_a_teacher_of_another_scale_is_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    options["path"]["pretrain_network_teacher"] = str(save_teacher(tmp_path / "x2.pth", scale=2))
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "path.pretrain_network_teacher: the teacher was trained for x2, these options say scale 4" in message


def test_a_student_in_the_teachers_place_is_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    torch.save(KDSRStudent(4, num_feat=8, num_block=1, num_estimator_block=1).state_dict(), tmp_path / "s.pth")
    options["path"]["pretrain_network_teacher"] = str(tmp_path / "s.pth")
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "path.pretrain_network_teacher: this is a student's checkpoint; a teacher's is needed" in message


def test_two_sources_of_the_sr_network_are_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    options["path"]["pretrain_network_g"] = str(save_teacher(tmp_path / "any.pth"))
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "train.init_sr_from_teacher: both path.pretrain_network_g and the teacher would set" in message


def test_pretrained_weights_of_another_network_are_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    options["train"]["init_sr_from_teacher"] = False
    options["path"]["pretrain_network_g"] = str(save_teacher(tmp_path / "t.pth", num_feat=4))
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "path.pretrain_network_g: these are a teacher's weights, network_g is a student" in message
    assert "path.pretrain_network_g: the weights have num_feat 4, network_g has 8" in message


def test_a_torn_pretrained_file_is_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    (tmp_path / "torn.pth").write_bytes(b"PK")
    options["path"]["pretrain_network_g"] = str(tmp_path / "torn.pth")
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "torn.pth: not a readable checkpoint of tensors" in message


def test_a_patch_larger_than_the_images_is_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    options["datasets"]["train"]["gt_size"] = 76
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "datasets.train.gt_size: 76 pixels are more than the images have (of those looked at, at most 72)" in message


def test_a_set_without_a_readable_image_is_refused(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    for path in gt_folder.rglob("*.png"):
        path.write_bytes(b"torn")
    assert "datasets.train.dataroot_gt: " in message_for(options, tmp_path, monkeypatch, capsys)
    for path in gt_folder.rglob("*.png"):
        path.unlink()
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert "no images found" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("phase", ["train", "val"])
def test_a_list_that_cannot_be_used_is_reported_as_such(gt_folder, tmp_path, monkeypatch, capsys, phase):
    options = student_options(gt_folder)
    options["datasets"].setdefault("val", {**options["datasets"]["train"], "name": "val"})
    options["datasets"][phase]["meta_info"] = str(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("../a.png\n")
    message = message_for(options, tmp_path, monkeypatch, capsys)
    assert f"datasets.{phase}.meta_info: {tmp_path}/list.txt: '../a.png' leads out of the data root" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1", "is not valid YAML"),
        ("just words", "is not an option file"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_files_that_are_no_options_are_named(tmp_path, monkeypatch, capsys, text, expected):
    file = tmp_path / "opt.yml"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(sys, "argv", ["train.py", "-opt", str(file)])
    with pytest.raises(SystemExit) as stop:
        run("train", tmp_path)
    assert stop.value.code == 2
    assert f"opt.yml: {expected}" in capsys.readouterr().err


@pytest.mark.parametrize("tag", ["nam", "name:no_such_module.x", "name:kdsr_model.no_such_name"])
def test_a_misspelt_plugin_line_is_refused(gt_folder, tmp_path, monkeypatch, capsys, tag):
    monkeypatch.setattr("option_files.PLUGIN_LINE", f'kdsr_version: !!python/{tag} ""\n')
    message = message_for(student_options(gt_folder), tmp_path, monkeypatch, capsys)
    assert f"{tmp_path / 'opt.yml'}: cannot be read by BasicSR: " in message
    assert 'opt.yml", line 1, column 15' in message


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("train:total_iter", "--force_yml: expected key=value or block:key=value, got 'train:total_iter'"),
        ("tran:total_iter=1", "--force_yml tran:total_iter=1: there is no block 'tran'; did you mean 'train'?"),
    ],
)
def test_wrong_forced_entries_are_named(gt_folder, tmp_path, monkeypatch, capsys, entry, expected):
    options = student_options(gt_folder)
    assert expected in message_for(options, tmp_path, monkeypatch, capsys, "--force_yml", entry)


def test_forced_entries_are_checked_like_the_files(gt_folder, tmp_path, monkeypatch, capsys):
    options = student_options(gt_folder)
    message = message_for(options, tmp_path, monkeypatch, capsys, "--force_yml", "train:total_iter=0")
    assert "train.total_iter: expected greater than or equal to 1, got 0" in message


def test_any_basicsr_model_trains_on_the_same_data(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "compare/train_edsr.yml"), gt_folder=gt_folder)
    model = build(options, tmp_path)
    feed(model)
    before = snapshot(model.net_g)
    step(model, 1)
    assert changed(model.net_g, before)
