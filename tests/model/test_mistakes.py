"""Mistakes by the thousand: each ends in a refusal that names a path, or in three iterations and a validation."""

import contextlib
import copy
import io
import re
import shutil
import sys
from unittest.mock import patch

import pytest
import torch
import yaml
from basicsr.data import build_dataloader, build_dataset
from basicsr.losses import basic_loss
from basicsr.models import build_model
from basicsr.utils.options import parse_options
from hypothesis import HealthCheck, Phase, currently_in_test_context, given, note, settings
from hypothesis import strategies as st
from launching import Training
from mistakes import do_without_vgg, spoil, spoil_text
from option_files import NUM_FEAT, OPTIONS, load_options, shrink, write_options

from kdsr_model.launch import check_file
from kdsr_model.options import prepare_options
from kdsr_options.numbers import mend_numbers
from kdsr_options.schema import OptionError

KINDS = {
    "student": "train_kdsr_student.yml",
    "teacher": "blind/s/teacher.yml",  # a mixture of degradations
    "warmed": "xs/classic/student_kl.yml",
    "gan": "real_world/train_kdsr_real_student_gan.yml",
    "sharp": "blind/xs/sharp.yml",
    "paired": "real_world/finetune_paired.yml",
    "plain": "compare/train_edsr.yml",
    "plain gan": "compare/train_edsr.yml",
}
# What people write out, though it can be left out.
WRITTEN_OUT = {
    "path": {"param_key_g": "params", "strict_load_g": True, "ignore_resume_networks": None},
    "val": {"suffix": None, "pbar": False, "per_setting": False, "tile_size": 32, "tile_overlap": 16},
    "logger": {"keep_checkpoints": 2, "use_tb_logger": False, "wandb": {"project": None}},
    "train": {"warmup_iter": -1, "ema_decay": 0.9, "amp": "none", "grad_clip_norm": 1.0, "max_bad_steps": 10},
}
# Of these, what BasicSR's own models know.
PLAIN = {"param_key_g", "strict_load_g", "suffix", "pbar", "per_setting", "use_tb_logger", "wandb", "warmup_iter"}
STAGE = {"blur_prob": 0.8, "kernel_size_range": [7, 9], "kernel_list": ["iso", "aniso"], "kernel_prob": [0.5, 0.5]}
STAGE |= {"sinc_prob": 0.1, "blur_sigma": [0.2, 3], "resize_prob": [0.2, 0.7, 0.1], "resize_ratio_range": [0.5, 1.5]}
STAGE |= {"gaussian_noise_prob": 0.5, "noise_sigma_255": [1, 30], "jpeg_quality_range": [30, 95]}


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patched:
        yield patched


@pytest.fixture(scope="module")
def options_of(tmp_path_factory, photograph, alexnet_file, monkeypatch_module):
    """Return tiny options with a validation, by kind."""
    from PIL import Image

    monkeypatch_module.setattr(basic_loss, "VGGFeatureExtractor", None)  # put back in the end
    do_without_vgg()
    made = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind.replace(" ", "_"))
        (folder / "gt").mkdir()
        for number in range(2):
            Image.fromarray(photograph[8 * number :][:72, :96]).save(folder / "gt" / f"{number}.png")
        made[kind] = make(kind, folder, alexnet_file)
    return made


def make(kind, folder, alexnet_file):
    options = shrink(load_options(OPTIONS / KINDS[kind]), gt_folder=folder / "gt", total_iter=3)
    is_ours = options["model_type"].startswith("KDSR")
    for key, block in WRITTEN_OUT.items():
        known = block if is_ours else {name: block[name] for name in block if name in PLAIN}
        options[key] = {**known, **options.get(key, {})}
    options["val"] |= {"val_freq": 3, "save_img": False}
    if kind != "paired":
        images = {"dataroot_gt": str(folder / "gt"), "io_backend": {"type": "disk"}, "meta_info": None}
        cases = [{"sigma": 2}, {"lambda1": 2, "lambda2": 1, "theta_degrees": 30, "label": "long"}]
        options["datasets"]["val"] = {"name": "v", "type": "BlindSRBenchmarkDataset", **images, "settings": cases}
    options["val"]["metrics"] = {"psnr": {"type": "calculate_psnr", "crop_border": "scale", "test_y_channel": True}}
    if kind == "gan":
        stages = {"first": dict(STAGE), "second": dict(STAGE), "final_sinc_prob": 0.8}
        options["datasets"]["train"]["degradation"] |= stages
        options["datasets"]["val"]["settings"] = [{"type": "SecondOrderDegradation"}]
        (folder / "vgg.pth").touch()
        options["path"]["pretrain_network_vgg"] = str(folder / "vgg.pth")
        whole = load_options(OPTIONS / KINDS[kind])["train"]["perceptual_opt"]
        options["train"] |= {"ldl_opt": {"type": "L1Loss", "loss_weight": 1.0}, "gan_crop_size": 16}
        options["train"]["perceptual_opt"] = whole | {"layer_weights": {"conv1_2": 0.1, "conv5_4": 1}}
    if kind == "sharp":
        shutil.copy(alexnet_file, folder / "alexnet.pth")
        whole = load_options(OPTIONS / KINDS[kind])["train"]["lpips_opt"]
        options["train"]["lpips_opt"] = whole | {"weights": str(folder / "alexnet.pth"), "most_shift": 1}
    if kind == "plain gan":
        gan = load_options(OPTIONS / KINDS["gan"])
        options |= {"model_type": "ESRGANModel", "network_d": gan["network_d"] | {"num_feat": NUM_FEAT}}
        options["train"] |= {key: gan["train"][key] for key in ("optim_d", "gan_opt", "net_d_iters")}
    return options


def outcome(text, folder):
    """Return how an option file ends, as the launcher reads it: checked, parsed by BasicSR, checked again."""
    file = folder / "options.yml"
    file.write_text(text, encoding="utf-8")
    arguments = ["-opt", str(file)]
    try:
        with patch.object(sys, "argv", ["train.py", *arguments]), contextlib.redirect_stdout(io.StringIO()):
            written = check_file(arguments)
            options, _ = parse_options(str(folder), is_train=True)
        mend_numbers(options, written)
        prepare_options(options)
    except yaml.YAMLError as error:  # which `launch.run` turns into a sentence
        assert str(file) in str(error)
        return "refused"
    except OptionError as error:
        if currently_in_test_context():
            note(str(error))
        for problem in error.problems:
            assert_sentence(*problem)
        return "refused"
    run(options)
    return "ran"


def assert_sentence(path, message):
    """Assert that a problem has a path, without what pydantic calls its own parts there, and a message."""
    assert path and message
    assert "Traceback" not in message
    assert not re.search(r"(literal|function|dict|list|lax|nullable|tagged)[-\[]", path)


def run(options):
    """Train three iterations and validate, as BasicSR's loop does."""
    model = build_model(options)
    train = options["datasets"]["train"]
    alone = {"batch_size_per_gpu": min(train["batch_size_per_gpu"], 2), "num_worker_per_gpu": 0}
    loader = build_dataloader(build_dataset(train), {**train, **alone, "persistent_workers": False})
    for current_iter in range(1, 4):
        model.update_learning_rate(current_iter, warmup_iter=options["train"]["warmup_iter"])
        model.feed_data(next(iter(loader)))
        model.optimize_parameters(current_iter)
    if options.get("val") is not None:
        for phase, block in options["datasets"].items():
            if phase != "train":
                model.validation(build_dataloader(build_dataset(block), block), 3, None, options["val"]["save_img"])


def fuzzed(max_examples):
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=max_examples < 100,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def spoilt(data, options_of, folder):
    """Draw the text of an option file with a mistake or two."""
    options = copy.deepcopy(options_of[data.draw(st.sampled_from(sorted(KINDS)), label="kind of training")])
    slips = data.draw(st.sampled_from([0, 0, 0, 0, 1]), label="slips")
    for _ in range(data.draw(st.sampled_from([1, 1, 1, 2]), label="mistakes") if slips == 0 else 0):
        spoil(data.draw, options)
    text = write_options(folder / "spoilt.yml", options).read_text()
    for _ in range(slips):
        text = spoil_text(data.draw, text)
    return text


def check(data, options_of, folder):
    text = spoilt(data, options_of, folder)
    torch.manual_seed(0)
    try:
        assert outcome(text, folder) in ("refused", "ran")
    except SystemExit as stop:  # a sentence, too: of steps that gave no numbers
        assert str(stop)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@fuzzed(50)
@given(data=st.data())
def test_a_mistake_is_refused_or_runs(options_of, folder, data):
    check(data, options_of, folder)


@pytest.mark.faults
@fuzzed(3000)
@given(data=st.data())
def test_mistakes_by_the_thousand_are_refused_or_run(options_of, folder, data):
    check(data, options_of, folder)


@pytest.mark.faults
@fuzzed(100)
@given(data=st.data())
def test_the_launcher_ends_in_a_sentence_or_goes_through(options_of, tmp_path_factory, data):
    """The same by the whole launcher, with its loop, logs and files, in processes of their own."""
    folder = tmp_path_factory.mktemp("launched")
    file = folder / "options.yml"
    file.write_text(spoilt(data, options_of, folder), encoding="utf-8")
    training = Training(folder, file, before=do_without_vgg)
    output = training.wait(code=None)
    note(output)
    assert "Traceback" not in output
    assert training.process.exitcode in (0, 1, 2)
    ends = {0: "Save the latest model", 1: "", 2: "in the options; nothing was started:"}
    assert ends[training.process.exitcode] in output
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_options_without_a_mistake_run(options_of, folder, kind):
    text = write_options(folder / "right.yml", options_of[kind]).read_text()
    assert outcome(text, folder) == "ran"
