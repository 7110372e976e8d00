"""Student and teacher: against the authors' outputs and sizes, and what their callers rely on."""

import re

import numpy as np
import pytest
import torch
from basicsr.archs import build_network
from torch.nn import functional as F

from kdsr_arch import KDSRNoEstimator, KDSRStudent, KDSRTeacher

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


LIGHT = {"estimator_he_init": True, "num_estimator_feat": 5, "direct_upsampler": True, "block_init_scale": 0.1}


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (KDSRStudent, {}, 119.450712),
        (KDSRTeacher, {}, 210.392603),
        (KDSRStudent, LIGHT, -148.650324),
        (KDSRTeacher, {"estimator_he_init": True}, 126.404769),
    ],
)
def test_a_seed_gives_the_same_initial_weights_for_ever(small, kind, arguments, expected):
    torch.manual_seed(0)
    parameters = kind(2, **{**small, **arguments}).parameters()
    # The place of each number counts, and so does the order of the layers.
    sums = [(value.detach().double().flatten() * torch.arange(1, value.numel() + 1)).mean() for value in parameters]
    weighted = sum(place * value for place, value in enumerate(sums, start=1))
    assert float(weighted) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(5, 7), (1, 1)])
def test_output_is_scale_times_larger(small, scale, size):
    lq = torch.rand(2, 3, *size)
    gt = torch.rand(2, 3, size[0] * scale, size[1] * scale)
    assert KDSRStudent(scale, **small)(lq).shape == gt.shape
    assert KDSRTeacher(scale, **small)(lq, gt).shape == gt.shape
    assert KDSRNoEstimator(scale, num_feat=8, num_block=2)(lq).shape == gt.shape


@pytest.mark.parametrize("kind", [KDSRStudent, KDSRTeacher])
def test_both_networks_build_from_basicsr_options(small, kind):
    assert isinstance(build_network({"type": kind.__name__, "scale": 2, **small}), kind)


def test_gradient_reaches_every_parameter(student, teacher):
    lq, gt = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16)
    without_estimator = KDSRNoEstimator(2, num_feat=8, num_block=2)
    for network, inputs in ((student, [lq]), (teacher, [lq, gt]), (without_estimator, [lq])):
        network(*inputs).square().sum().backward()
        untouched = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
        assert untouched == []


def test_the_idr_alone_trains_the_estimator_alone(student):
    idr, idr_prime = student(torch.rand(2, 3, 8, 8), only_idr=True)
    (idr.square().sum() + idr_prime.square().sum()).backward()
    assert all(p.grad is not None and p.grad.any() for p in student.estimator.parameters())
    assert all(p.grad is None for p in student.sr_network.parameters())


def test_student_gives_what_is_asked_for(student):
    lq = torch.rand(2, 3, 8, 9)
    sr, *idrs = student(lq, return_idr=True)
    assert torch.equal(student(lq), sr)
    for only in (student(lq, only_idr=True), student.estimate_idr(lq)):
        assert [torch.equal(one, other) for one, other in zip(only, idrs, strict=True)] == [True, True]
    assert torch.equal(student.super_resolve(lq, idrs[0]), sr)


def test_teacher_gives_what_is_asked_for(teacher):
    lq, gt = torch.rand(2, 3, 8, 9), torch.rand(2, 3, 16, 18)
    sr, *idrs = teacher(lq, gt, return_idr=True)
    assert torch.equal(teacher(lq, gt), sr)
    assert [torch.equal(*pair) for pair in zip(teacher.estimate_idr(lq, gt), idrs, strict=True)] == [True, True]
    assert torch.equal(teacher.super_resolve(lq, idrs[0]), sr)


def test_the_idr_steers_the_image(student):
    lq = torch.rand(1, 3, 8, 8)
    idr, _ = student.estimate_idr(lq)
    assert not torch.allclose(student.super_resolve(lq, idr), student.super_resolve(lq, idr + 1), atol=1e-5)


def test_images_of_a_batch_do_not_influence_each_other(student):
    # In double precision, since an untrained estimator tells images apart by little.
    lq = torch.rand(3, 3, 8, 8, dtype=torch.float64)
    together = student.double()(lq, return_idr=True)
    for number, image in enumerate(lq):
        for of_all, alone in zip(together, student(image[None], return_idr=True), strict=True):
            torch.testing.assert_close(of_all[number : number + 1], alone, atol=1e-13, rtol=0)


def test_without_estimator_every_image_gets_the_same_kernels():
    network = KDSRNoEstimator(2, num_feat=8, num_block=1)
    idrs = []
    network.sr_network.register_forward_pre_hook(lambda _, inputs: idrs.append(inputs[1]))
    network(torch.rand(2, 3, 8, 8))
    assert torch.equal(idrs[0][0], idrs[0][1])


@pytest.mark.parametrize("shape", [(1, 3, 16, 18), (1, 3, 8, 8), (2, 3, 16, 16), (1, 1, 16, 16)])
def test_teacher_refuses_gt_of_another_size(teacher, shape):
    message = f"gt: expected (1, 3, 16, 16), 2 times the LQ (1, 3, 8, 8), got {shape}"
    with pytest.raises(ValueError, match=re.escape(message)):
        teacher(torch.rand(1, 3, 8, 8), torch.rand(shape))


def test_teacher_sees_lq_before_the_cells_of_gt(teacher):
    lq, gt = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 8, 8)
    cells = [gt[0, channel, row::2, column::2] for channel in range(3) for row in range(2) for column in range(2)]
    assert torch.equal(teacher.join(lq, gt)[0], torch.stack([*lq[0], *cells]))


def test_networks_hold_no_buffers(student):
    # Distributed training would synchronise them in forward, and validation on one rank would wait for the others.
    assert list(student.buffers()) == []


def test_a_teacher_from_he_initialisation_sees_degradation_and_not_content():
    torch.manual_seed(0)
    size = {"num_feat": 8, "num_block": 1, "num_estimator_block": 1}
    adapted, plain = KDSRTeacher(4, **size, estimator_he_init=True), KDSRTeacher(4, **size)
    lq = torch.rand(6, 3, 12, 12)
    undegraded = F.interpolate(lq, scale_factor=4)
    noisy = lq + 0.1 * torch.randn(lq.shape)

    def spread(teacher, lq):  # from picture to picture
        return teacher.estimate_idr(lq, undegraded)[1].std(dim=0).mean().item()

    assert spread(adapted, lq) < 1e-6  # no difference of LQ and GT, nothing to see
    assert spread(plain, lq) > 1e-5
    moved = (adapted.estimate_idr(noisy, undegraded)[1] - adapted.estimate_idr(lq, undegraded)[1]).mean(dim=0)
    assert moved.abs().mean() > 3 * spread(adapted, noisy)
