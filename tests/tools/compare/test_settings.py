"""The shipped option file of a comparison, and what the settings say."""

from pathlib import Path

from option_files import OPTIONS, load_options

from kdsr_tools.compare.settings import read_compare_settings


def test_the_shipped_file_compares_what_the_other_option_files_train():
    settings = read_compare_settings(OPTIONS / "compare/classic_x4.yml")
    trained = {load_options(OPTIONS / f"compare/train_{name}.yml")["name"] for name in ("edsr", "rcan", "swinir")}
    trained.add(load_options(OPTIONS / "train_kdsr_student.yml")["name"])
    assert {Path(m.experiment).name for m in settings.models.values() if m.experiment} == trained
    assert settings.baseline_name == "KDSRs-M"
    assert {block.preset for block in settings.data.values()} == {"gaussian8"}


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
