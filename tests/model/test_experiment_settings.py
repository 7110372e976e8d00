"""A whole option file as settings: what stands at its top, and what one kind of model alone knows."""
# ruff: noqa: E501  (a table)

import pytest
from option_files import OPTIONS, load_options, shrink
from spoilt_options import EDSR, GAN, assert_refused, make
from training_steps import complete

from kdsr_data import OptionError
from kdsr_model.options import find_problems, prepare_options


@pytest.fixture
def gan_options(gt_folder):
    options = load_options(OPTIONS / "real_world/train_kdsr_real_student_gan.yml")
    return shrink(options, gt_folder=gt_folder)


def test_a_gan_needs_a_discriminator(gan_options, tmp_path):
    del gan_options["network_d"]
    with pytest.raises(OptionError, match="network_d: is missing: a GAN needs a discriminator"):
        prepare_options(complete(gan_options, tmp_path))


NEEDED = ["datasets.train", "datasets.val", "datasets.train.degradation", "network_g", "network_d"]
NEEDED += [f"train.{key}" for key in ("optim_g", "optim_d", "scheduler", "pixel_opt", "idr_opt", "gan_opt")]


@pytest.mark.parametrize("path", [*NEEDED, "val.metrics.psnr"])
def test_a_block_that_is_needed_is_refused_while_it_is_empty(gt_folder, tmp_path, path):
    assert_refused(make(GAN, gt_folder), tmp_path, path, {}, f"{path}: is empty: expected a block of keys")


@pytest.mark.parametrize("path", ["name", "datasets.val.settings", "datasets.val.noise_levels"])
def test_so_are_lists_and_texts(gt_folder, tmp_path, path):
    value = "" if path == "name" else []
    assert_refused(make(GAN, gt_folder), tmp_path, path, value, f"{path}: is empty: expected a")


def test_switches_of_the_gan_are_unknown_elsewhere(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "real_world/train_kdsr_real_student.yml"), gt_folder=gt_folder)
    with pytest.raises(OptionError, match="l1_gt_usm: unknown key"):
        prepare_options(complete(options | {"l1_gt_usm": True}, tmp_path))


@pytest.mark.parametrize("model_type", ["SRGANModel", "ESRGANModel"])
def test_what_basicsrs_gans_do_not_obey_is_unknown_to_them(gan_options, gt_folder, tmp_path, model_type):
    options = make(EDSR, gt_folder) | {"model_type": model_type, "network_d": gan_options["network_d"]}
    options["train"] |= {key: gan_options["train"][key] for key in ("optim_d", "gan_opt", "net_d_iters")}
    complete(options, tmp_path)
    assert find_problems(options) == []
    options["gan_gt_usm"] = False
    options["train"] |= {"ema_decay": 0.9, "ldl_opt": {"type": "L1Loss"}}
    assert {problem.path for problem in find_problems(options)} == {"gan_gt_usm", "train.ldl_opt"}


TEACHER = "train_kdsr_teacher.yml"
DISCRIMINATOR = {"type": "UNetDiscriminatorSN", "num_in_ch": 3, "num_feat": 8}
MISTAKES = [
    ("student", "num_gpu", 99, "num_gpu: 99 are more than this machine has"),
    ("student", "num_gpu", -1, "num_gpu: expected greater than or equal to 0, got -1"),
    ("student", "num_gpu", "two", "num_gpu: expected a valid integer"),
    ("student", "manual_seed", "abc", "manual_seed: expected a valid integer"),
    ("student", "manual_seed", 0.0, "manual_seed: expected a valid integer, got 0.0"),
    ("student", "manual_seed", 2**32 - 1, "manual_seed: expected less than or equal to 4294901759, got 4294967295"),
    ("student", "scale", 4.0, "scale: expected a valid integer, got 4.0"),
    ("student", "manual_seed", -1, "manual_seed: expected greater than or equal to 0"),
    ("student", "logger.wandb", {"project": "x"}, "logger.wandb: is fed by TensorBoard's log; set use_tb_logger: true"),
    ("student", "dist_params", {"backend": "nccl", "prot": 1}, "dist_params.prot: unknown key; did you mean 'port'?"),
    (EDSR, "scale", None, "scale: is missing"),
    ("student", "network_d", DISCRIMINATOR, "network_d: unknown key"),
    (EDSR, "network_d", DISCRIMINATOR, "network_d: unknown key"),
    ("student", "path.param_key_d", "params", "path.param_key_d: unknown key"),
    (TEACHER, "path.param_key_teacher", "params", "path.param_key_teacher: unknown key"),
    (EDSR, "path.param_key_teacher", "params", "path.param_key_teacher: unknown key"),
    ("student", "scale", None, "scale: is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), MISTAKES)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    assert_refused(make(kind, gt_folder), tmp_path, path, value, expected)
