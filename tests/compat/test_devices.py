"""BasicSR's models without CUDA: which process group, which device, and what the user is told."""

import pytest
import torch
from basicsr.models import realesrgan_model
from basicsr.models.base_model import BaseModel
from basicsr.utils import options
from basicsr.utils.img_process_util import filter2D

from kdsr_compat.devices import support_cpu_degradation, support_cpu_training


@pytest.fixture
def no_cuda(monkeypatch):
    """A machine without CUDA, whichever this one is; BasicSR's functions come back afterwards."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(options, "init_dist", options.init_dist)
    monkeypatch.setattr(BaseModel, "model_to_device", BaseModel.model_to_device)
    support_cpu_training()


def test_torchrun_gets_gloo(no_cuda, monkeypatch):
    called = []
    monkeypatch.setattr(torch.distributed, "init_process_group", called.append)
    options.init_dist("pytorch", backend="nccl", port=1)
    assert called == ["gloo"]


def test_other_launchers_are_told_what_to_do(no_cuda):
    with pytest.raises(SystemExit, match="--launcher slurm needs CUDA; without it, start with torchrun --launcher pyt"):
        options.init_dist("slurm")


def test_basicsrs_functions_are_replaced_once(no_cuda):
    replaced = options.init_dist, BaseModel.model_to_device
    support_cpu_training()
    assert (options.init_dist, BaseModel.model_to_device) == replaced


def test_a_model_of_one_process_stays_on_the_cpu(no_cuda):
    model = BaseModel({"num_gpu": 0, "is_train": True, "dist": False})
    network = torch.nn.Linear(1, 1)
    assert model.model_to_device(network) is network
    assert network.weight.device.type == "cpu"


def test_filters_take_images_in_any_memory_order(monkeypatch):
    monkeypatch.setattr(realesrgan_model, "filter2D", filter2D)
    support_cpu_degradation()
    image = torch.rand(2, 3, 9, 8)
    kernels = torch.rand(2, 5, 5)
    strided = image.contiguous(memory_format=torch.channels_last)
    assert torch.equal(realesrgan_model.filter2D(strided, kernels), filter2D(image, kernels))
