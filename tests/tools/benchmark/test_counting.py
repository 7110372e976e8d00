"""What networks cost without running them: counts that can be checked by hand."""

import pytest
import torch
from option_files import SMALL_NETWORKS
from torch import nn

from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_tools.benchmark.counting import count_macs, count_parameters


def test_multiply_adds_are_those_of_the_layers():
    network = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 5, 3, padding=1, groups=5))
    assert count_macs(network, (10, 12)) == 10 * 12 * (27 * 5 + 9 * 5)


def test_a_teacher_is_given_the_original_too():
    teacher, student = KDSRTeacher(4, **SMALL_NETWORKS["KDSRTeacher"]), KDSRStudent(4, **SMALL_NETWORKS["KDSRTeacher"])
    extra = 9 * 3 * 4**2 * SMALL_NETWORKS["KDSRTeacher"]["num_feat"]  # its first layer's further channels
    assert count_macs(teacher, (10, 12)) - count_macs(student, (10, 12)) == 10 * 12 * extra


class LooksAtValues(nn.Module):
    """A network for tests that needs more than shapes."""

    def forward(self, lq):
        """Multiply by the mean."""
        return lq * float(lq.mean())


class MakesItsOwnTensors(nn.Module):
    """A network for tests that leaves its device."""

    def forward(self, lq):
        """Add nothing, on the CPU."""
        return lq.cpu() + torch.zeros(1).item()


@pytest.mark.parametrize("network", [LooksAtValues(), MakesItsOwnTensors()])
def test_a_network_that_cannot_run_on_shapes_says_why(network):
    with pytest.raises(ValueError, match="meta"):
        count_macs(network, (4, 4))


def test_parameters_are_counted_though_they_are_frozen():
    student = KDSRStudent(4).requires_grad_(False)
    assert count_parameters(student) == 5_795_075
