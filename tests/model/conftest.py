"""The models that tests of training step."""

import pytest
from option_files import OPTIONS, load_options, shrink, student_options
from training_steps import build


@pytest.fixture
def student(gt_folder, tmp_path):
    return build(student_options(gt_folder), tmp_path)


@pytest.fixture
def teacher_model(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    return build(options, tmp_path)
