"""The models that tests of training step, and a file for LPIPS."""

import pytest
import torch
import torchvision
from option_files import OPTIONS, load_options, shrink, student_options
from training_steps import build


@pytest.fixture
def student(gt_folder, tmp_path):
    return build(student_options(gt_folder), tmp_path)


@pytest.fixture
def teacher_model(gt_folder, tmp_path):
    options = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    return build(options, tmp_path)


@pytest.fixture(scope="session")
def alexnet_file(tmp_path_factory):
    """A file with the convolutions of AlexNet, random: the shapes are torchvision's, the classifier is left out."""
    torch.manual_seed(0)
    weights = torchvision.models.alexnet().state_dict()
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save({name: value for name, value in weights.items() if name.startswith("features.")}, path)
    return path
