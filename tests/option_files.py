"""Option files for tests: the shipped ones, shrunk to a few seconds and pointed at small data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from PIL import Image

import kdsr_model  # noqa: F401
from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_options.files import read_option_file

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = ROOT / "options"
PLUGIN_LINE = 'kdsr_version: !!python/name:kdsr_model.__version__ ""\n'
NUM_FEAT = 8
SMALL_NETWORKS = {
    "KDSRStudent": {"num_feat": NUM_FEAT, "num_block": 1, "num_estimator_block": 1},
    "KDSRTeacher": {"num_feat": NUM_FEAT, "num_block": 1, "num_estimator_block": 1},
    "KDSRNoEstimator": {"num_feat": NUM_FEAT, "num_block": 1},
    "EDSR": {"num_feat": NUM_FEAT, "num_block": 1},
    "RCAN": {"num_feat": NUM_FEAT, "num_group": 1, "num_block": 1, "squeeze_factor": 2},
    "RRDBNet": {"num_feat": NUM_FEAT, "num_block": 1, "num_grow_ch": 4},
    "SwinIR": {"img_size": 8, "window_size": 4, "depths": [1], "embed_dim": 12, "num_heads": [2]},
}
SMALL_LOADER = {"num_worker_per_gpu": 0, "batch_size_per_gpu": 2, "dataset_enlarge_ratio": 1, "pin_memory": False}


def load_options(path: Path) -> dict[str, Any]:
    """Read a shipped option file as plain blocks, without its plugin line."""
    options = read_option_file(path)
    del options["kdsr_version"]
    return options


def write_options(path: Path, options: dict[str, Any]) -> Path:
    """Write blocks as an option file that loads the plugin."""
    path.write_text(PLUGIN_LINE + yaml.safe_dump(options, sort_keys=False))
    return path


def save_teacher(path: Path, *, scale: int = 4, **size: Any) -> Path:
    """Save a small teacher with random weights, as BasicSR wraps them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network = KDSRTeacher(scale, **(SMALL_NETWORKS["KDSRTeacher"] | size))
    torch.save({"params": network.state_dict()}, path)
    return path


def save_student(path: Path, *, scale: int = 4, **size: Any) -> Path:
    """Save a small student with random weights, with an average as BasicSR wraps them."""
    network = KDSRStudent(scale, **(SMALL_NETWORKS["KDSRStudent"] | size))
    torch.save({"params": network.state_dict(), "params_ema": network.state_dict()}, path)
    return path


def make_lq_folder(gt_folder: Path, scale: int) -> Path:
    """Make LQ images of the same names beside a folder of GT."""
    lq_folder = gt_folder.parent / "lq"
    for path in gt_folder.rglob("*.png"):
        target = lq_folder / path.relative_to(gt_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.reduce(scale).save(target)
    return lq_folder


def shrink(options: dict[str, Any], *, gt_folder: Path, total_iter: int = 2) -> dict[str, Any]:
    """Return the same options with small networks, data and schedules; what kind they are stays."""
    options["num_gpu"] = 0
    options["network_g"] |= SMALL_NETWORKS[options["network_g"]["type"]]
    if "network_d" in options:
        options["network_d"]["num_feat"] = NUM_FEAT
    for block in options["datasets"].values():
        block |= {"dataroot_gt": str(gt_folder), "io_backend": {"type": "disk"}}
        if "dataroot_lq" in block:
            block["dataroot_lq"] = str(make_lq_folder(gt_folder, options["scale"]))
        if block.keys() & {"degraded_size", "degraded_lq_size"}:
            block["degraded_size"] = 12 * options["scale"]
        if block.keys() & {"gt_size", "lq_size"}:
            block |= {"gt_size": 8 * options["scale"], **SMALL_LOADER}
        for key in ("lq_size", "degraded_lq_size"):
            block.pop(key, None)
    if "train" in options:
        _shrink_training(options, gt_folder.parent, total_iter)
    if "val" in options and "train" in options:
        options["val"]["val_freq"] = total_iter
    return options


def _shrink_training(options: dict[str, Any], folder: Path, total_iter: int) -> None:
    train, path = options["train"], options["path"]
    train["total_iter"] = total_iter
    if "estimator_warmup_iter" in train:
        train["estimator_warmup_iter"] = 1
    size = {key: value for key, value in options["network_g"].items() if key not in ("type", "estimator_he_init")}
    if path.get("pretrain_network_g"):
        save = save_teacher if options["network_g"]["type"] == "KDSRTeacher" else save_student
        path["pretrain_network_g"] = str(save(folder / "pretrained.pth", scale=options["scale"], **size))
    # The weights of VGG and AlexNet cannot be had everywhere; tests of perceptual losses make their own.
    train.pop("perceptual_opt", None)
    train.pop("lpips_opt", None)
    if "pretrain_network_teacher" in path:
        path["pretrain_network_teacher"] = str(save_teacher(folder / "teacher.pth", scale=options["scale"], **size))
    options["logger"] |= {"print_freq": 1, "save_checkpoint_freq": total_iter, "use_tb_logger": False}


def student_options(gt_folder: Path, **changes: Any) -> dict[str, Any]:
    """Return the shrunk options of the student that the README trains, without validation."""
    options = shrink(load_options(OPTIONS / "train_kdsr_student.yml"), gt_folder=gt_folder)
    del options["val"], options["datasets"]["val"]
    return options | changes
