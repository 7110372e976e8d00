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

from kdsr_data import OptionError, build_degradation
from kdsr_data.degradations import second_order
from kdsr_data.degradations.noise import add_gaussian_noise, add_poisson_noise, poisson
from kdsr_data.degradations.second_order_settings import SecondOrderSettings, SecondStageSettings, StageSettings
from kdsr_tools.benchmark import degradation as benchmark_degradation

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


def test_defaults_are_what_basicsr_is_given(tmp_path):
    (tmp_path / "meta_info.txt").write_text("image.png")
    expected = benchmark_degradation.basicsr_objects(tmp_path, sharpen=False)[1].opt
    renamed = {
        "resize_ratio_range": "resize_range",
        "noise_sigma_255": "noise_range",
        "jpeg_quality_range": "jpeg_range",
    }
    for stage, suffix in ((StageSettings(), ""), (SecondStageSettings(), "2")):
        for name, value in stage.model_dump().items():
            if name not in ("blur_prob", "kernel_size_range", "jpeg_prob"):  # fixed in BasicSR, or named otherwise
                value = list(value) if isinstance(value, tuple) else value
                assert value == expected[renamed.get(name, name) + suffix], name
    assert SecondStageSettings().blur_prob == expected["second_blur_prob"]
    assert SecondOrderSettings(scale=4).final_sinc_prob == expected["final_sinc_prob"]


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


@pytest.mark.parametrize("is_gray", [True, False])
def test_gaussian_noise_agrees_with_basicsrs(is_gray):
    flat = np.full((128, 128, 3), 0.4, np.float32)
    np.random.seed(0)  # noqa: NPY002  (what BasicSR draws from)
    theirs = basicsr_functions.add_gaussian_noise(flat, sigma=12, clip=True, gray_noise=is_gray) - flat
    ours = add_gaussian_noise(flat, 12 / 255, is_gray=is_gray, rng=np.random.default_rng(0)) - flat
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert np.corrcoef(ours.reshape(-1, 3).T)[0, 1] == pytest.approx(float(is_gray), abs=0.03)


@pytest.mark.parametrize("is_gray", [True, False])
def test_poisson_noise_agrees_with_basicsrs(photograph, is_gray):
    image = photograph.astype(np.float32) / 255
    np.random.seed(0)  # noqa: NPY002  (what BasicSR draws from)
    bgr = image[..., ::-1]
    theirs = basicsr_functions.add_poisson_noise(bgr, scale=1.5, clip=True, gray_noise=is_gray) - bgr
    ours = add_poisson_noise(bgr, 1.5, is_gray=is_gray, rng=np.random.default_rng(0)) - bgr
    for dark, bright in ((0, 0.2), (0.2, 0.5), (0.5, 0.8)):
        chosen = (bgr >= dark) & (bgr < bright)
        assert ours[chosen].std() == pytest.approx(theirs[chosen].std(), rel=0.05)


@pytest.mark.parametrize("mean", [0.5, 3.0, 6.0, 8.0, 20.0, 200.0])
def test_drawn_counts_follow_poissons_law(mean):
    drawn = poisson(np.full(100_000, mean, np.float32), np.random.default_rng(0))
    assert drawn.min() >= 0
    np.testing.assert_array_equal(drawn, np.round(drawn))
    values = np.arange(int(mean + 8 * mean**0.5) + 2)
    distance = np.abs(np.array([(drawn <= v).mean() for v in values]) - stats.poisson.cdf(values, mean)).max()
    assert distance < 0.008


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": {"resize_prob": [0.5, 0.4, 0.3]}}, "degradation.first.resize_prob: expected probabilities that sum"),
        ({"second": {"resize_prob": [0.5, 0.5]}}, "degradation.second: resize_prob: expected three entries"),
        ({"second": {"blur_prob": float("nan")}}, "degradation.second.blur_prob: expected"),
        ({"second": {"blur_prob": 1.4}}, "degradation.second.blur_prob: expected less than or equal to 1, got 1.4"),
        ({"first": {"blur_sigma": [3, 0.2]}}, "degradation.first.blur_sigma: expected [low, high] with low <= high"),
        ({"first": {"kernel_size_range": [7, 20]}}, "degradation.first.kernel_size_range: expected odd whole numbers"),
        ({"first": {"kernel_prob": [1.0]}}, "degradation.first: kernel_prob has 1 entries for 6 kernels"),
        ({"first": {"kernel_list": ["round"]}}, "degradation.first.kernel_list.0: expected 'iso', 'aniso'"),
        ({"second": {"resize_ratio_range": [1.1, 1.2]}}, "expected [low, high] with low <= 1 <= high"),
        ({"first": {"jpeg_quality_range": [30, 195]}}, "degradation.first.jpeg_quality_range: expected 1..100"),
        ({"second": {"jpeg_qualty_range": 30}}, "second.jpeg_qualty_range: unknown key; did you mean 'jpeg_quality"),
        ({"blur_prob2": 0.8}, "degradation.blur_prob2: unknown key"),
    ],
)  # fmt: skip
def test_impossible_options_are_named(options, message):
    with pytest.raises(OptionError) as error:
        build_degradation({**SECOND_ORDER, **options})
    assert message in str(error.value)
