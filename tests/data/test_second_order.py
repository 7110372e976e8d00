"""The second-order degradation: against BasicSR's pipeline and functions, properties, and wrong options."""

import cv2
import numpy as np
import pytest
import second_order_statistics as reference
from basicsr.data import degradations as basicsr_functions
from scipy import stats

from kdsr_data import OptionError, build_degradation, second_order
from kdsr_data.noise import add_gaussian_noise, add_poisson_noise, poisson

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


def measure(**options):
    """Describe our LQ images of the reference's image, (samples, statistics)."""
    degradation = build_degradation({**SECOND_ORDER, **options})
    image = reference.test_image().astype(np.float32) / 255
    rng = np.random.default_rng(0)
    return np.array([reference.describe(degradation(image, rng)) for _ in range(reference.NUM_SAMPLES)])


def load_reference(jpeg, names):
    """Give BasicSR's values of some statistics, (samples, statistics)."""
    return np.load(reference.REFERENCE)[jpeg][:, [reference.NAMES.index(name) for name in names]]


def least_p_value(values, jpeg="with_opencv_jpeg", names=reference.NAMES):
    """Give the smallest p-value over the statistics, by which ours and BasicSR's would be one distribution."""
    values = values[:, [reference.NAMES.index(name) for name in names]]
    pairs = zip(values.T, load_reference(jpeg, names).T, strict=True)
    return min(stats.ks_2samp(ours, theirs).pvalue for ours, theirs in pairs)


def test_lq_images_are_distributed_as_basicsrs_with_the_same_jpeg():
    values, expected = measure(), load_reference("with_opencv_jpeg", reference.NAMES)
    assert least_p_value(values) > 0.001
    error = expected.std(axis=0) * np.sqrt(2 / reference.NUM_SAMPLES)
    assert (np.abs(values.mean(axis=0) - expected.mean(axis=0)) < 3.5 * error).all()
    np.testing.assert_allclose(values.std(axis=0), expected.std(axis=0), rtol=0.4)


def test_lq_images_are_distributed_as_basicsrs_but_for_chroma():
    # BasicSR's stand-in for JPEG repeats chroma pixels, where decoders, ours among them, interpolate.
    names = [name for name in reference.NAMES if name != "colour noise"]
    assert least_p_value(measure(), jpeg="as_it_is", names=names) > 0.001


@pytest.mark.parametrize(
    "left_out",
    [
        {"first": {"blur_prob": 0}},
        {"first": {"noise_sigma_255": 0, "poisson_scale_range": 0}},
        {"second": {"noise_sigma_255": 0, "poisson_scale_range": 0}},
        {"second": {"jpeg_prob": 0}},
    ],
    ids=["blur", "first noise", "second noise", "last JPEG"],
)
def test_the_comparison_notices_a_step_that_is_missing(left_out):
    assert least_p_value(measure(**left_out)) < 0.001


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


@pytest.mark.parametrize("shape", ["iso", "aniso", "generalized_iso", "plateau_aniso"])
def test_filtering_agrees_with_opencvs_whole_kernel(gt, shape):
    rng = np.random.default_rng(0)
    stage = build_degradation({**SECOND_ORDER, "first": {"kernel_list": [shape], "kernel_prob": [1.0]}}).settings.first
    for _ in range(20):
        kernel = second_order.draw_kernel(stage, rng)
        expected = cv2.filter2D(gt, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REFLECT_101)
        np.testing.assert_allclose(second_order.filter_image(gt, kernel), expected, atol=0.5 / 255)


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
