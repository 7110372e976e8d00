"""What BasicSR's dict holds after the check: types, defaults, what follows from the scale, and what is left out."""

import logging
import shutil

import pytest
from basicsr.data import build_dataset
from option_files import OPTIONS, load_options, make_lq_folder, save_student, shrink, student_options
from training_steps import complete

from kdsr_model.options import find_problems, prepare_options
from kdsr_options.schema import OptionError

PAPERS = [
    *sorted(path.name for path in OPTIONS.glob("*.yml")),
    *sorted(f"real_world/{path.name}" for path in (OPTIONS / "real_world").glob("*.yml")),
]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", PAPERS)
def test_scale_is_all_that_another_scale_needs(gt_folder, tmp_path, name, scale):
    if (name, scale) == ("real_world/train_rrdbnet.yml", 3):
        pytest.skip("BasicSR's RRDBNet has no x3, as the check says")
    options = shrink(load_options(OPTIONS / name) | {"scale": scale}, gt_folder=gt_folder)
    written = load_options(OPTIONS / name)["datasets"]
    for phase, block in options["datasets"].items():  # the keys are the file's own; the images are small
        for key, size in (("lq_size", 8), ("degraded_lq_size", 12), ("gt_size", 0), ("degraded_size", 0)):
            block.pop(key, None)
            if key in written[phase]:
                block[key] = size
    if "train" not in options:
        options["path"]["pretrain_network_g"] = str(save_student(tmp_path / "s.pth", scale=scale))
    complete(options, tmp_path)
    options["is_train"] = "train" in options
    prepare_options(options)
    for metric in options.get("val", {}).get("metrics", {}).values():
        assert metric["crop_border"] == scale
    for block in options["datasets"].values():
        build_dataset(block)
    assert options["datasets"].get("train", {}).get("gt_size") in (None, 8 * scale)


def with_benchmark(options, gt_folder, **changes):
    block = {"name": "v", "type": "BlindSRBenchmarkDataset", "dataroot_gt": str(gt_folder), "preset": "gaussian8"}
    options["datasets"]["val"] = {**block, **changes}
    options["val"] = {"val_freq": 1, "metrics": {"psnr": {"type": "calculate_psnr", "crop_border": "scale"}}}
    return options


def test_basicsr_gets_types_and_defaults(gt_folder, tmp_path):
    options = with_benchmark(student_options(gt_folder), gt_folder)
    options["train"] |= {"total_iter": 2.0, "ema_decay": 0}
    options["train"]["scheduler"]["milestones"] = [1.0, 2.0]
    del options["logger"]["use_tb_logger"]
    del options["datasets"]["train"]["num_worker_per_gpu"]
    options["datasets"]["train"]["pin_memory"] = True
    prepare_options(complete(options, tmp_path))
    assert (options["train"]["total_iter"], options["train"]["ema_decay"]) == (2, 0)
    assert type(options["train"]["total_iter"]) is int
    assert type(options["train"]["scheduler"]["milestones"][0]) is int
    assert options["logger"]["use_tb_logger"] is False
    assert options["val"]["save_img"] is False
    assert options["datasets"]["train"]["num_worker_per_gpu"] == 0
    assert options["datasets"]["train"]["pin_memory"] is False  # without CUDA, where PyTorch warns of it
    assert options["val"]["metrics"]["psnr"]["crop_border"] == 4


def test_sizes_in_lq_pixels_follow_the_scale_for_basicsrs_data_sets_too(gt_folder, tmp_path):
    options = student_options(gt_folder)
    pairs = {"type": "PairedImageDataset", "dataroot_lq": str(make_lq_folder(gt_folder, 4)), "lq_size": 8}
    block = options["datasets"]["train"]
    options["datasets"]["train"] = {
        key: value for key, value in block.items() if key not in ("gt_size", "lq_size", "degradation", "use_rot")
    } | pairs
    prepare_options(complete(options, tmp_path))
    assert options["datasets"]["train"]["gt_size"] == 32
    assert options["datasets"]["train"]["use_rot"] is False
    assert "lq_size" not in options["datasets"]["train"]


def test_sizes_that_disagree_are_refused(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["datasets"]["train"] |= {"gt_size": 32, "lq_size": 16}
    (problem,) = find_problems(complete(options, tmp_path))
    message = "stands for gt_size 64, which disagrees with 32; give one of them"
    assert problem == ("datasets.train.lq_size", message)


@pytest.mark.parametrize("kind", ["student", "edsr"])
def test_any_model_reports_by_setting(gt_folder, tmp_path, kind):
    options = student_options(gt_folder)
    if kind == "edsr":
        options = shrink(load_options(OPTIONS / "compare/train_edsr.yml"), gt_folder=gt_folder)
    with_benchmark(options, gt_folder)["val"]["per_setting"] = True
    prepare_options(complete(options, tmp_path))
    names = [block["name"] for phase, block in options["datasets"].items() if phase.split("_")[0] == "val"]
    assert names == [f"v_sigma-{sigma:g}_noise-0" for sigma in (1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.2)]
    assert list(options["datasets"]) == sorted(options["datasets"], key=lambda key: (key != "train", key))
    assert len(build_dataset(options["datasets"]["val_03"])) == 3


def test_optional_test_sets_that_are_not_there_are_left_out(gt_folder, tmp_path, caplog):
    options = complete(shrink(load_options(OPTIONS / "test_kdsr_gaussian8.yml"), gt_folder=gt_folder), tmp_path)
    options["is_train"] = False
    options["path"]["pretrain_network_g"] = None
    (problem,) = find_problems(options)
    assert problem == ("path.pretrain_network_g", "is missing: a test without weights would measure random ones")
    options["path"]["pretrain_network_g"] = str(save_student(tmp_path / "s.pth"))
    for phase in ("test_2", "test_4"):
        options["datasets"][phase] |= {"dataroot_gt": "nowhere", "optional": True}
    with caplog.at_level(logging.WARNING):
        prepare_options(options)
    assert list(options["datasets"]) == ["test_1", "test_3", "test_5"]
    assert "datasets.test_4: Urban100 is left out, its images are not on this machine" in caplog.text


def test_one_test_set_must_be_there(gt_folder, tmp_path):
    options = complete(shrink(load_options(OPTIONS / "test_kdsr_aniso.yml"), gt_folder=gt_folder), tmp_path)
    options["is_train"] = False
    options["path"]["pretrain_network_g"] = str(save_student(tmp_path / "s.pth"))
    for block in options["datasets"].values():
        block["optional"] = True
    shutil.rmtree(gt_folder)
    with pytest.raises(OptionError, match="datasets: all of them are optional, and none is on this machine"):
        prepare_options(options)


def test_so_do_basicsrs_own_data_sets(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "real_world/finetune_paired.yml"), gt_folder=gt_folder)
    options["datasets"]["train"]["gt_size"] = 32.0
    prepare_options(complete(options, tmp_path))
    assert type(options["datasets"]["train"]["gt_size"]) is int
    assert options["datasets"]["val"]["dataroot_lq"] == str(gt_folder.parent / "lq")
