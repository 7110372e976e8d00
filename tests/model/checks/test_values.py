"""Values that a check of names lets through: each is tried, and refused by its path before anything is built."""
# ruff: noqa: E501  (a table)

import copy

import pytest
import torch
from option_files import OPTIONS, load_options, shrink, student_options
from PIL import Image
from test_training import complete

from kdsr_model.options import find_problems, prepare_options


def validated(options, gt_folder, **val):
    """Give the options a validation."""
    options["val"] = {"val_freq": 1, "save_img": False, **val}
    options["datasets"]["val"] = {
        "name": "v", "type": "BlindSRBenchmarkDataset", "dataroot_gt": str(gt_folder), "preset": "gaussian8",
    }  # fmt: skip
    return options


def make(kind, gt_folder):
    if kind == "student":
        return validated(
            student_options(gt_folder), gt_folder, metrics={"psnr": {"type": "calculate_psnr", "crop_border": 4}}
        )
    return shrink(load_options(OPTIONS / kind), gt_folder=gt_folder)


def put(options, path, value):
    *parents, last = path.split(".")
    for parent in parents:
        options = options[parent]
    if value is None:
        del options[last]
    else:
        options[last] = value


def cosine(**changes):
    return {"type": "CosineAnnealingRestartLR", "periods": [2], **changes}


def steps(**changes):
    return {"type": "MultiStepLR", "milestones": [1], **changes}


def adam(kind="Adam", **changes):
    return {"type": kind, "lr": 1e-4, **changes}


GAN = "real_world/train_kdsr_real_student_gan.yml"
EDSR = "compare/train_edsr.yml"
MISTAKES = [
    ("student", "train.scheduler", cosine(periods=[]), "train.scheduler.periods: "),
    ("student", "train.scheduler", cosine(periods=[3, -1]), "train.scheduler.periods: expected numbers of iterations"),
    ("student", "train.scheduler", cosine(restart_weights=[1, 2]), "train.scheduler.restart_weights: 2 weights for 1 periods"),
    ("student", "train.scheduler", cosine(eta_min=1), "train.scheduler.eta_min: 1 is above the learning rate 0.0001"),
    ("student", "train.scheduler", steps(milestones=100), "train.scheduler.milestones: expected a valid list, got 100"),
    ("student", "train.scheduler", steps(milestones=[2, 1]), "train.scheduler.milestones: expected rising iterations"),
    ("student", "train.scheduler", steps(restarts=[1, 2]), "train.scheduler.restart_weights: 1 weights for 2 restarts"),
    ("student", "train.scheduler", steps(restart_weights=[-1]), "train.scheduler.restart_weights: expected numbers above 0"),
    ("student", "train.scheduler", steps(gamma=-1), "train.scheduler.gamma: expected greater than 0, got -1"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "reduction": "average"}, "train.pixel_opt.reduction: 'average' was tried"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "reduction": "none"}, "train.pixel_opt.reduction: 'none' was tried"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "loss_weight": -1}, "train.pixel_opt.loss_weight: expected a number from 0"),
    ("student", "train.pixel_opt", {"type": "L1Loss", "loss_weight": "x"}, "train.pixel_opt.loss_weight: expected a number from 0"),
    ("student", "train.pixel_opt", {"type": "GANLoss", "gan_type": "vanilla"}, "train.pixel_opt: 'GANLoss' was tried and fails"),
    ("student", "train.idr_opt", {"type": "IDRKLLoss", "temperature": 0}, "train.idr_opt.temperature: 0 was tried and fails: temp"),
    ("student", "train.perceptual_opt", {"type": "PerceptualLoss", "layer_weights": {"conv9": 1}}, "has no layer 'conv9'"),
    ("student", "train.perceptual_opt", {"type": "PerceptualLoss", "layer_weights": {"conv1_1": 1}, "criterion": "l2"},
     "train.perceptual_opt.criterion: 'l2' was tried"),
    ("student", "train.optim_g", adam(betas=[0.9]), "train.optim_g.betas: [0.9] was tried and fails"),
    ("student", "train.optim_g", adam(weight_decay=-1), "train.optim_g.weight_decay: -1 was tried and fails"),
    ("student", "train.optim_g", adam("LBFGS"), "train.optim_g: 'LBFGS' was tried and fails: TypeError: "),
    ("student", "train.optim_g", adam("SparseAdam"), "train.optim_g: 'SparseAdam' was tried and fails"),
    ("student", "train.optim_g", adam("Optimizer"), "train.optim_g.type: no optimiser is registered as 'Optimizer'"),
    (GAN, "train.optim_d", adam(betas=[2, 3]), "train.optim_d.betas: [2, 3] was tried and fails: Invalid beta"),
    (GAN, "train.gan_opt", {"type": "GANLoss", "gan_type": "vanila"}, "train.gan_opt"),
    (GAN, "network_d.num_feat", 0, "network_d.num_feat: 0 was tried"),
    (GAN, "train.net_d_iters", 0, "train.net_d_iters: expected greater than or equal to 1, got 0"),
    ("student", "val.metrics.psnr.crop_border", "x", "val.metrics.psnr.crop_border: expected a number of pixels, or 'scale'"),
    ("student", "val.metrics.psnr.crop_border", 36, "crop_border: 36 pixels at each edge leave nothing of images with 72"),
    ("student", "val.metrics.psnr.input_order", "HCW", "val.metrics.psnr.input_order: 'HCW' was tried"),
    ("student", "num_gpu", 99, "num_gpu: 99 are more than this machine has"),
    ("student", "num_gpu", -1, "num_gpu: expected greater than or equal to 0, got -1"),
    ("student", "num_gpu", "two", "num_gpu: expected a valid integer"),
    ("student", "manual_seed", "abc", "manual_seed: expected a valid integer"),
    ("student", "manual_seed", -1, "manual_seed: expected greater than or equal to 0"),
    ("student", "logger.wandb", {"project": "x"}, "logger.wandb: is fed by TensorBoard's log; set use_tb_logger: true"),
    ("student", "dist_params", {"backend": "nccl", "prot": 1}, "dist_params.prot: unknown key; did you mean 'port'?"),
    ("student", "datasets.val", {}, "datasets.val.type: "),
    ("student", "datasets.val.dataroot_gt", "nowhere", "datasets.val.dataroot_gt: nowhere does not exist"),
    ("student", "network_g.type", "KDSRTeacher", "network_g.type: KDSRStudentModel needs a KDSRStudent, got 'KDSRTeacher'"),
    ("student", "network_g", {"type": "EDSR", "num_in_ch": 3, "num_out_ch": 3}, "KDSRStudentModel needs a KDSRStudent"),
    ("train_kdsr_teacher.yml", "network_g.type", "KDSRStudent", "network_g.type: KDSRTeacherModel needs a KDSRTeacher"),
    (EDSR, "network_g", {"type": "KDSRTeacher", "num_feat": 8}, "network_g.type: SRModel needs a network that restores LQ alone"),
    (EDSR, "network_g", {"type": "UNetDiscriminatorSN", "num_in_ch": 3, "num_feat": 8}, "not an image 4 times as large"),
    (EDSR, "network_g.res_scale", "x", "network_g.res_scale: 'x' was tried and fails"),
    (EDSR, "network_g.num_in_ch", 1, "network_g"),
    (EDSR, "scale", None, "scale: is missing"),
    ("student", "scale", None, "scale: is missing"),
    ("student", "train.amp", "fp16", "train.amp: fp16 needs CUDA"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"), MISTAKES, ids=[f"{m[0]}:{m[1]}={m[2]}"[:70] for m in MISTAKES]
)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    options = complete(make(kind, gt_folder), tmp_path)
    put(options, path, value)
    problems = find_problems(options)
    assert expected in "\n".join(f"{where}: {message}" for where, message in problems)
    assert len(problems) == 1, problems
    assert "'])" not in problems[0].path


def test_a_schedule_that_ends_before_training_is_refused(gt_folder, tmp_path):
    options = complete(make("student", gt_folder), tmp_path)
    options["train"] |= {"total_iter": 10, "estimator_warmup_iter": 4, "scheduler": cosine(periods=[4])}
    assert find_problems(options) == [("train.scheduler.periods", "end after 4 iterations, training after 6")]
    options["train"]["scheduler"]["periods"] = [6]
    assert find_problems(options) == []


@pytest.mark.parametrize("kind", ["AdamW", "SGD", "RMSprop", "NAdam", "Adamax", "RAdam", "Adafactor", "Adagrad"])
@pytest.mark.parametrize("model", ["student", EDSR])
def test_pytorchs_optimisers_train(gt_folder, tmp_path, kind, model):
    from basicsr.models import build_model

    options = complete(make(model, gt_folder), tmp_path)
    options["train"]["optim_g"] = {"type": kind, "lr": 1e-4, "weight_decay": 0.01}
    prepare_options(options)
    assert type(build_model(options).optimizer_g) is getattr(torch.optim, kind)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: [path.unlink() for path in folder.rglob("*.png")], "no images found"),
        (lambda folder: (folder / "a.png").write_bytes(b"torn"), "a.png: "),
        (lambda folder: (folder / "sub_c.png").write_bytes((folder / "a.png").read_bytes()), "the name sub_c"),
        (lambda folder: Image.new("RGB", (3, 3)).save(folder / "b.png"), "smaller than one LQ pixel at x4"),
    ],
)
def test_images_of_a_validation_are_looked_at_before_it(gt_folder, tmp_path, spoil, expected):
    options = complete(make("student", gt_folder), tmp_path)
    (tmp_path / "train").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "train/x.png")
    options["datasets"]["train"]["dataroot_gt"] = str(tmp_path / "train")
    spoil(gt_folder)
    problem, *others = find_problems(options)
    assert problem.path == "datasets.val.dataroot_gt"
    assert expected in problem.message
    assert not others


def test_two_validations_of_one_name_are_refused(gt_folder, tmp_path):
    options = make("student", gt_folder)
    options["datasets"]["val_2"] = copy.deepcopy(options["datasets"]["val"])
    complete(options, tmp_path)
    assert find_problems(options) == [("datasets.val_2.name", "'v' is the name of datasets.val too; give each its own")]


def test_the_check_draws_nothing(gt_folder, tmp_path):
    options = complete(make(EDSR, gt_folder), tmp_path)
    before = torch.get_rng_state()
    find_problems(options)
    assert torch.equal(torch.get_rng_state(), before)
