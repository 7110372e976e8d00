"""A file with the convolutions of AlexNet, random: the shapes are torchvision's, the classifier is left out."""

import pytest
import torch
import torchvision


@pytest.fixture(scope="session")
def alexnet_file(tmp_path_factory):
    torch.manual_seed(0)
    weights = torchvision.models.alexnet().state_dict()
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save({name: value for name, value in weights.items() if name.startswith("features.")}, path)
    return path
