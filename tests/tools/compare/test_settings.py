"""The shipped option files of comparisons, and what the settings say."""

from pathlib import Path

import pytest
from option_files import OPTIONS, load_options

from kdsr_tools.checkpoints.shipped import find_checkpoint, find_pair, list_models
from kdsr_tools.compare.settings import read_compare_settings


def list_trained(*files):
    return {load_options(OPTIONS / file)["name"] for file in files}


@pytest.mark.parametrize(
    ("name", "files", "baseline"),
    [
        (
            "classic_x4",
            ["train_kdsr_student.yml", *(f"compare/train_{name}.yml" for name in ("edsr", "rcan", "swinir"))],
            "KDSRs-M",
        ),
        (
            "xs_classic_x4",
            [f"xs/classic/{name}.yml" for name in ("teacher", "student", "student_kl", "no_distillation", "no_idr")],
            "student, L1",
        ),
    ],
)
def test_a_shipped_file_compares_what_the_other_option_files_train(name, files, baseline):
    settings = read_compare_settings(OPTIONS / f"compare/{name}.yml")
    assert {Path(m.experiment).name for m in settings.models.values() if m.experiment} == list_trained(*files)
    assert settings.baseline_name == baseline
    assert settings.data["Set5"].preset == "gaussian8"  # of which there are published numbers


def test_the_shipped_models_comparisons_have_them_all():
    settings = read_compare_settings(OPTIONS / "compare/blind_shipped_x4.yml")
    compared = {find_checkpoint(str(block.weights)) for block in settings.models.values() if block.weights}
    assert compared == {model.path for model in list_models() if not model.sharpens}
    settings = read_compare_settings(OPTIONS / "compare/sharp_x4.yml")
    blocks = [block for block in settings.models.values() if block.weights]
    compared = {find_pair(str(block.weights))[1] for block in blocks if block.sharpness == 1}
    compared |= {find_checkpoint(str(block.weights)) for block in blocks if block.sharpness is None}
    assert compared == {model.path for model in list_models() if model.sharpens}


def test_the_first_model_is_the_baseline_unless_another_is_named(tmp_path):
    text = "scale: 4\noutput: x\nmodels: {b: {bicubic: true}, a: {weights: a.pth}}\ndata: {d: {dataroot_lq: x}}\n"
    (tmp_path / "x.yml").write_text(text)
    assert read_compare_settings(tmp_path / "x.yml").baseline_name == "b"


def test_a_scale_without_blur_widths_is_named_by_its_path(tmp_path):
    text = "scale: 8\noutput: x\nmodels: {b: {bicubic: true}}\ndata: {d: {dataroot_gt: x, preset: gaussian8}}\n"
    (tmp_path / "x.yml").write_text(text)
    try:
        read_compare_settings(tmp_path / "x.yml")
    except ValueError as error:
        assert str(error).startswith("data.d: gaussian8 has blur widths for x2, x3, x4 only")
