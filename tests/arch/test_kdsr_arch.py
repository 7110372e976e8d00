"""The networks: against the authors' outputs, against slow and obvious versions, and their contracts."""

import numpy as np
import pytest
import torch
from basicsr.archs import build_network
from torch.nn import functional as F

from kdsr_arch import KDSRNoEstimator, KDSRStudent, KDSRTeacher
from kdsr_arch.sr_network import DynamicDepthwiseConv

SMALL = {"num_feat": 8, "num_block": 2, "num_estimator_block": 1}
# From the facts of the paper and the authors' code: trainable parameters at x4.
PUBLISHED_SIZES = [
    (KDSRStudent, (64, 53, 9), 5_795_075),
    (KDSRTeacher, (64, 53, 9), 5_822_723),
    (KDSRStudent, (128, 28, 5), 14_190_979),
    (KDSRStudent, (128, 42, 6), 18_846_083),
    (KDSRTeacher, (128, 42, 6), 18_901_379),
]


def load_golden(data):
    """Build the network of a golden file with its weights, and its inputs."""
    scale, num_feat, num_estimator_block, num_block = map(int, data["config"])
    kind = KDSRTeacher if "gt" in data else KDSRStudent
    network = kind(scale, num_feat=num_feat, num_block=num_block, num_estimator_block=num_estimator_block)
    official = {key[len("param/") :]: torch.from_numpy(data[key]) for key in data if key.startswith("param/")}
    network.load_state_dict(official, strict=True)
    return network, [torch.from_numpy(data[name]) for name in ("lq", "gt") if name in data]


@pytest.mark.parametrize("name", ["network_student_x4", "network_teacher_x4"])
@pytest.mark.parametrize("training", [True, False])
def test_outputs_agree_with_the_authors_networks(golden, name, training):
    data = golden(name)
    network, inputs = load_golden(data)
    network.train(training)
    with torch.no_grad():
        outputs = network(*inputs, return_idr=True)
    for key, output in zip(("sr", "idr", "idr_prime"), outputs, strict=True):
        np.testing.assert_allclose(output.numpy(), data[key], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "size", "expected"), PUBLISHED_SIZES)
def test_parameters_count_as_published(kind, size, expected):
    num_feat, num_block, num_estimator_block = size
    with torch.device("meta"):
        network = kind(4, num_feat=num_feat, num_block=num_block, num_estimator_block=num_estimator_block)
    assert sum(p.numel() for p in network.parameters()) == expected


def test_defaults_are_the_size_m_at_x4():
    with torch.device("meta"):
        assert sum(p.numel() for p in KDSRStudent().parameters()) == 5_795_075


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_output_is_scale_times_larger(scale):
    lq, gt = torch.rand(2, 3, 5, 7), torch.rand(2, 3, 5 * scale, 7 * scale)
    expected = gt.shape
    assert KDSRStudent(scale, **SMALL)(lq).shape == expected
    assert KDSRTeacher(scale, **SMALL)(lq, gt).shape == expected
    assert KDSRNoEstimator(scale, num_feat=8, num_block=2)(lq).shape == expected


def test_both_networks_build_from_basicsr_options():
    assert isinstance(build_network({"type": "KDSRStudent", "scale": 2, **SMALL}), KDSRStudent)
    assert isinstance(build_network({"type": "KDSRTeacher", "scale": 2, **SMALL}), KDSRTeacher)


def test_gradient_reaches_every_parameter():
    lq, gt = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16)
    networks = (KDSRStudent(2, **SMALL), KDSRTeacher(2, **SMALL), KDSRNoEstimator(2, num_feat=8, num_block=2))
    for network in networks:
        output = network(lq, gt) if isinstance(network, KDSRTeacher) else network(lq)
        output.square().sum().backward()
        untouched = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
        assert untouched == []


def test_estimating_and_restoring_apart_equals_forward():
    student, lq = KDSRStudent(2, **SMALL), torch.rand(2, 3, 8, 9)
    sr, idr, idr_prime = student(lq, return_idr=True)
    for one, other in zip(student.estimate_idr(lq), (idr, idr_prime), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(student.super_resolve(lq, idr), sr)
    assert torch.equal(student(lq), sr)
    assert torch.equal(student(lq, only_idr=True)[1], idr_prime)


def test_the_idr_steers_the_image():
    student, lq = KDSRStudent(2, **SMALL), torch.rand(1, 3, 8, 8)
    idr, _ = student.estimate_idr(lq)
    assert not torch.allclose(student.super_resolve(lq, idr), student.super_resolve(lq, idr + 1), atol=1e-5)


def test_images_of_a_batch_do_not_influence_each_other():
    student, lq = KDSRStudent(2, **SMALL), torch.rand(3, 3, 8, 8)
    alone = torch.cat([student(image[None]) for image in lq])
    torch.testing.assert_close(student(lq), alone, atol=1e-6, rtol=1e-5)


def test_without_estimator_every_image_gets_the_same_kernels():
    network = KDSRNoEstimator(2, num_feat=8, num_block=1)
    idrs = []
    network.sr_network.register_forward_pre_hook(lambda _, inputs: idrs.append(inputs[1]))
    network(torch.rand(2, 3, 8, 8))
    assert torch.equal(idrs[0][0], idrs[0][1])


def test_teacher_refuses_gt_of_another_size():
    teacher = KDSRTeacher(2, **SMALL)
    with pytest.raises(ValueError, match=r"gt: expected \(1, 3, 16, 16\), 2 times the LQ .*, got \(1, 3, 16, 18\)"):
        teacher(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 16, 18))


def test_teacher_sees_lq_before_the_cells_of_gt():
    teacher, lq, gt = KDSRTeacher(2, **SMALL), torch.rand(1, 3, 4, 4), torch.rand(1, 3, 8, 8)
    seen = []
    teacher.estimator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    teacher.estimate_idr(lq, gt)
    cells = [gt[0, channel, row::2, column::2] for channel in range(3) for row in range(2) for column in range(2)]
    assert torch.equal(seen[0][0], torch.stack([*lq[0], *cells]))


def test_networks_hold_no_buffers():
    # Distributed training would synchronise them in forward, and validation on one rank would wait for the others.
    assert list(KDSRStudent(2, **SMALL).buffers()) == []
