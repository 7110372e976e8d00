"""What is found in an experiment's folder, and what is said where something is missing."""

import os

import pytest
from option_files import write_options

from kdsr_options.files import RUN_OPTIONS
from kdsr_tools.checkpoints.experiments import experiment_options, file_or_newest, find_teacher, newest_checkpoint


def test_the_newest_checkpoint_is_the_highest_iteration_unless_latest_is_younger(tmp_path):
    models = tmp_path / "models"
    models.mkdir()
    for name, age in (("net_g_900", 3), ("net_g_1000", 2), ("net_g_latest", 1)):
        (models / f"{name}.pth").touch()
        os.utime(models / f"{name}.pth", (1e9 - age, 1e9 - age))
    assert newest_checkpoint(tmp_path).name == "net_g_latest.pth"
    os.utime(models / "net_g_latest.pth", (1e9 - 9, 1e9 - 9))
    assert newest_checkpoint(tmp_path).name == "net_g_1000.pth"


def test_without_a_checkpoint_the_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint models/net_g_\*\.pth; has the training saved one\?"):
        newest_checkpoint(tmp_path)


def test_the_newest_copy_of_the_option_file_counts(tmp_path):
    for name, age in (("a.yml", 1), ("b.yml", 9)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    assert experiment_options(tmp_path).name == "a.yml"


HEAD = "# GENERATE TIME: today\n# CMD:\n# train.py -opt a.yml --auto_resume {}\n\n"


@pytest.mark.parametrize("forced", ["network_g:num_feat=16", "train:total_iter=4 scale=2", "network_g:res_scale=0.1"])
def test_a_copy_that_the_command_line_went_over_is_refused(tmp_path, forced):
    (tmp_path / "a.yml").write_text(HEAD.format(f"--force_yml {forced}") + "scale: 4\n")
    with pytest.raises(ValueError, match=r"a\.yml: the run was started with --force_yml .*name weights and network"):
        experiment_options(tmp_path)
    (tmp_path / RUN_OPTIONS).write_text("scale: 2\n")
    assert experiment_options(tmp_path).name == RUN_OPTIONS


@pytest.mark.parametrize("arguments", ["", "--force_yml train:total_iter=4 name=network_g", "--launcher pytorch"])
def test_a_copy_that_says_what_was_trained_will_do(tmp_path, arguments):
    older = HEAD.format("--force_yml network_g:num_feat=16")  # of the experiment that the file was taken from
    (tmp_path / "a.yml").write_text(HEAD.format(arguments) + older + "scale: 4\n")
    assert experiment_options(tmp_path).name == "a.yml"


def test_a_folder_that_is_no_experiment_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such experiment folder"):
        experiment_options(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no option file"):
        experiment_options(tmp_path)


def test_a_file_stands_for_itself_and_a_folder_for_its_newest_checkpoint(tmp_path):
    checkpoint = tmp_path / "models/net_g_10.pth"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    assert file_or_newest(checkpoint) == file_or_newest(tmp_path) == checkpoint


def test_a_teacher_is_found_where_the_option_file_names_one_that_is_there(tmp_path):
    teacher = tmp_path / "teacher.pth"
    write_options(tmp_path / "train.yml", {"path": {"pretrain_network_teacher": str(teacher)}})
    assert find_teacher(tmp_path) is None
    teacher.touch()
    assert find_teacher(tmp_path) == teacher
