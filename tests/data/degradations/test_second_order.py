"""The second-order degradation: its steps against BasicSR's functions, properties, and wrong options."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from basicsr.data import degradations as basicsr_functions
from basicsr.utils import diffjpeg
from basicsr.utils.img_process_util import filter2D
from scipy import stats
from torch.nn import functional

from kdsr_data import build_degradation
from kdsr_data.degradations import second_order
from kdsr_data.degradations.second_order_settings import StageSettings

SECOND_ORDER = {"type": "SecondOrderDegradation", "scale": 4}
NOTHING = {
    "blur_prob": 0,
    "resize_prob": [0, 0, 1],
    "gaussian_noise_prob": 1,
    "noise_sigma_255": 0,
    "jpeg_prob": 0,
}


def degrade(gt, seed=0, **options):
    return build_degradation({**SECOND_ORDER, **options})(gt, np.random.default_rng(seed))


def to_tensor(img):
    return torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1)))[None]


def to_image(tensor):
    return tensor[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("shape", [(96, 128, 3), (95, 127, 3), (9, 30, 3), (1, 1, 3)])
def test_output_has_an_image_scale_times_smaller_for_any_size(gt, shape):
    image = gt[: shape[0], : shape[1]]
    for seed in range(20):
        lq = degrade(image, seed=seed)
        assert lq.shape == (-(-shape[0] // 4), -(-shape[1] // 4), 3)
        assert lq.dtype == np.float32
        np.testing.assert_allclose(lq * 255, np.round(lq * 255), atol=1e-4)
        assert 0 <= lq.min() <= lq.max() <= 1


def test_draws_repeat_with_the_seed_and_differ_without(gt):
    np.testing.assert_array_equal(degrade(gt, seed=1), degrade(gt, seed=1))
    assert len({degrade(gt, seed=seed).tobytes() for seed in range(20)}) == 20


def test_neutral_settings_return_the_image(gt):
    lq = degrade(gt, scale=1, first=NOTHING, second=NOTHING, final_sinc_prob=0)
    np.testing.assert_allclose(lq, gt, atol=1e-6)


def test_the_input_is_left_alone(gt):
    before = gt.copy()
    degrade(gt)
    np.testing.assert_array_equal(gt, before)


def test_colours_keep_their_places():
    red = np.zeros((64, 64, 3), np.float32)
    red[..., 0] = 0.8
    lq = np.mean([degrade(red, seed=seed).mean(axis=(0, 1)) for seed in range(20)], axis=0)
    np.testing.assert_allclose(lq, [0.8, 0, 0], atol=0.1)


@pytest.mark.parametrize("shape", [*StageSettings().kernel_list, "sinc"])
def test_filtering_agrees_with_basicsrs(gt, shape):
    rng = np.random.default_rng(0)
    kernel_list = [shape] if shape != "sinc" else ["iso"]
    stage = StageSettings(kernel_list=kernel_list, kernel_prob=[1.0], sinc_prob=float(shape == "sinc"))
    for _ in range(20):
        kernel = second_order.draw_kernel(stage, rng)
        expected = to_image(filter2D(to_tensor(gt).contiguous(), torch.from_numpy(kernel).float()[None]))
        np.testing.assert_allclose(second_order.filter_image(gt, kernel), expected, atol=0.5 / 255)


@pytest.mark.parametrize(("index", "mode"), list(enumerate(second_order.RESIZE_MODES)))
@pytest.mark.parametrize("size", [(14, 19), (40, 57), (48, 64), (89, 119), (115, 153), (144, 192)])
def test_resizing_agrees_with_basicsrs(gt, index, mode, size):
    expected = to_image(functional.interpolate(to_tensor(gt), size=size, mode=mode))
    resized = second_order.resize(gt, size, SimpleNamespace(integers=lambda count: index))
    np.testing.assert_allclose(resized, expected, atol=1e-4)


def to_jpeg(img, quality):
    """Compress BGR as the degradation does."""
    return second_order.jpeg(img, StageSettings(jpeg_quality_range=quality), np.random.default_rng(0))


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_jpeg_is_what_basicsr_has_for_arrays(gt, quality):
    np.testing.assert_array_equal(to_jpeg(gt, quality), basicsr_functions.add_jpg_compression(gt, quality))


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_jpeg_agrees_with_basicsrs_stand_in_for_tensors(gt, quality, monkeypatch):
    # Its table for luma has rows and columns exchanged.
    monkeypatch.setattr(diffjpeg, "y_table", torch.nn.Parameter(diffjpeg.y_table.T.contiguous()))
    jpeger = diffjpeg.DiffJPEG(differentiable=False).requires_grad_(False)
    stand_in = to_image(jpeger(to_tensor(gt), quality=quality))
    ours = to_jpeg(gt[..., ::-1], quality)[..., ::-1]
    luma = np.float32([0.299, 0.587, 0.114])
    assert np.abs((ours - stand_in) @ luma).mean() < 1.5 / 255
    assert np.abs((ours - gt) @ luma).mean() == pytest.approx(np.abs((stand_in - gt) @ luma).mean(), rel=0.05)


def test_kernels_are_distributed_as_basicsrs():
    def describe(kernel):
        offset = np.arange(len(kernel)) - len(kernel) // 2
        return kernel.max(), (kernel * offset**2).sum(), (kernel * np.outer(offset, offset)).sum()

    stage, rng = StageSettings(sinc_prob=0), np.random.default_rng(0)
    ours = [describe(second_order.draw_kernel(stage, rng)) for _ in range(2000)]
    random.seed(0)
    sizes = range(7, 23, 2)
    sigmas, shapes = list(stage.blur_sigma), (stage.kernel_list, stage.kernel_prob)
    limits = {"betag_range": stage.betag_range, "betap_range": stage.betap_range}
    theirs = [
        describe(basicsr_functions.random_mixed_kernels(*shapes, random.choice(sizes), sigmas, sigmas, **limits))
        for _ in range(2000)
    ]
    for our_values, their_values in zip(np.transpose(ours), np.transpose(theirs), strict=True):
        assert stats.ks_2samp(our_values, their_values).pvalue > 0.001


def test_shares_may_be_rounded_thirds(gt):
    thirds = {"kernel_list": ["iso", "aniso", "plateau_iso"], "kernel_prob": [0.3333333] * 3}
    for seed in range(10):
        degrade(gt, seed=seed, first=thirds)


def test_kernels_come_in_the_given_shares_and_sizes():
    stage = build_degradation({**SECOND_ORDER, "first": {"sinc_prob": 0.5}}).settings.first
    rng = np.random.default_rng(0)
    kernels = [second_order.draw_kernel(stage, rng) for _ in range(600)]
    sizes, counts = np.unique([len(kernel) for kernel in kernels], return_counts=True)
    assert sizes.tolist() == [7, 9, 11, 13, 15, 17, 19, 21]
    assert counts.min() > 45
    ringing = np.mean([kernel.min() < -1e-6 for kernel in kernels])
    assert ringing == pytest.approx(0.5, abs=0.07)
