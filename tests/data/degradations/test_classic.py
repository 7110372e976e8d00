"""The classic degradation: the authors' LQ images, properties, and the messages for wrong options."""

import numpy as np
import pytest

from kdsr_data import OptionError, build_degradation
from kdsr_data.degradations import (
    anisotropic_gaussian_kernel,
    bicubic_resize,
    isotropic_gaussian_kernel,
    round_to_8_bit,
)
from kdsr_data.degradations.compression import compress_jpeg

CLASSIC = {"type": "ClassicDegradation", "scale": 4}


def degrade(gt, seed=0, **options):
    return build_degradation({**CLASSIC, **options})(gt, np.random.default_rng(seed))


def golden_lq_images(golden):
    """Yield each golden LQ image with the options that make it."""
    for key, lq in golden("degradation").items():
        if not key.startswith("lq_"):
            continue
        options = {"downsampling": "s_fold"} if "sfold" in key else {}
        if "sigma" in key:
            options["sigma"] = float(key.split("sigma")[1])
        else:
            numbers = key.removeprefix("lq_aniso_x4_l").replace("_t", "_").split("_")
            options |= dict(zip(("lambda1", "lambda2", "theta_degrees"), map(float, numbers), strict=True))
        yield lq[0].transpose(1, 2, 0), options


def test_lq_images_agree_with_the_authors(golden):
    gt = golden("degradation")["hr"][0].transpose(1, 2, 0)
    pairs = list(golden_lq_images(golden))
    assert len(pairs) == 10
    for expected, options in pairs:
        difference = np.abs(degrade(gt, **options) - expected)
        assert difference.max() < 1.01 / 255, options
        assert np.count_nonzero(difference > 1e-5) <= 1, options  # a pixel on a rounding edge


def test_the_levels_of_8_bits_stay_and_all_else_is_rounded_to_them():
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    np.testing.assert_array_equal(round_to_8_bit(levels), levels)
    np.testing.assert_array_equal(round_to_8_bit(levels + np.float32(0.45 / 255)), levels)
    np.testing.assert_array_equal(round_to_8_bit(levels - np.float32(0.45 / 255)), levels)
    np.testing.assert_array_equal(round_to_8_bit(np.array([-0.3, 1.2, np.inf], np.float32)), [0, 1, 1])
    assert round_to_8_bit(levels).dtype == np.float32


def test_neutral_settings_return_the_image(gt):
    np.testing.assert_array_equal(degrade(gt, scale=1), gt)
    np.testing.assert_array_equal(degrade(gt, scale=1, sigma=0, noise_sigma_255=0), gt)
    np.testing.assert_array_equal(degrade(gt, scale=1, sigma=2.0, kernel_size=1), gt)


def test_without_blur_only_resizing_and_rounding_is_left(gt):
    expected = np.round(np.clip(bicubic_resize(gt, 0.25), 0, 1) * 255) / 255
    np.testing.assert_allclose(degrade(gt), expected, atol=1e-6)
    np.testing.assert_array_equal(degrade(gt, downsampling="s_fold"), gt[::4, ::4])


def test_s_fold_takes_every_pixel_of_the_blurred_image(gt):
    blurred = degrade(gt, scale=1, sigma=1.5)
    np.testing.assert_array_equal(degrade(gt, sigma=1.5, downsampling="s_fold"), blurred[::4, ::4])


@pytest.mark.parametrize("edge", ["replicate", "mirror"])
def test_the_edge_is_the_one_asked_for(gt, edge):
    np.testing.assert_allclose(degrade(gt, edge=edge), round_to_8_bit(bicubic_resize(gt, 0.25, edge=edge)), atol=1e-6)
    assert not np.array_equal(degrade(gt, edge="replicate"), degrade(gt, edge="mirror"))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("downsampling", ["bicubic", "s_fold"])
def test_output_is_scale_times_smaller(gt, scale, downsampling):
    lq = degrade(gt[:95, :126], scale=scale, downsampling=downsampling)
    assert lq.shape == (-(-95 // scale), -(-126 // scale), 3)


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ({"sigma": 2.5}, isotropic_gaussian_kernel(21, 2.5)),
        (
            {"lambda1": 3, "lambda2": 0.8, "theta_degrees": 30},
            anisotropic_gaussian_kernel(21, 3, 0.8, np.pi / 6),
        ),
    ],
    ids=["isotropic", "anisotropic"],
)
def test_blurring_an_impulse_shows_the_kernel(options, kernel):
    impulse = np.zeros((41, 41, 3), np.float32)
    impulse[20, 20] = 1
    blurred = degrade(impulse, scale=1, **options)[10:31, 10:31, 0]
    np.testing.assert_allclose(blurred, kernel, atol=0.5 / 255 + 1e-6)


def test_equal_lambdas_blur_like_sigma(gt):
    round_kernel = degrade(gt, lambda1=1.7, lambda2=1.7, theta_degrees=33)
    np.testing.assert_allclose(round_kernel, degrade(gt, sigma=1.7), atol=1.01 / 255)


@pytest.mark.parametrize(
    "options",
    [
        {"sigma": [0.2, 4.0]},
        {"lambda1": [0.2, 4], "lambda2": [0.2, 4], "theta_degrees": [0, 180]},
        {"noise_sigma_255": [5, 25]},
    ],
)
def test_draws_repeat_with_the_seed_and_differ_without(gt, options):
    one = degrade(gt, seed=1, **options)
    np.testing.assert_array_equal(one, degrade(gt, seed=1, **options))
    assert not np.array_equal(one, degrade(gt, seed=2, **options))
    assert one.dtype == np.float32
    assert one.shape == (24, 32, 3)
    np.testing.assert_allclose(one * 255, np.round(one * 255), atol=1e-4)


def test_the_input_is_left_alone(gt):
    before = gt.copy()
    degrade(gt, sigma=2, noise_sigma_255=10)
    np.testing.assert_array_equal(gt, before)


@pytest.mark.parametrize("scale", [1, 4])
def test_noise_has_the_level_asked_for_after_downsampling(scale):
    gray = np.full((256 * scale, 256 * scale, 3), 0.5, np.float32)
    noise = (degrade(gray, scale=scale, noise_sigma_255=10) - 0.5) * 255
    assert noise.std() == pytest.approx(10, rel=0.003)
    assert abs(noise.mean()) < 0.2
    channels = np.corrcoef(noise.reshape(-1, 3).T)
    assert np.abs(channels - np.eye(3)).max() < 0.02


def test_so_many_images_have_noise_as_asked_for():
    gray = np.full((8, 8, 3), 0.5, np.float32)
    options = {"scale": 1, "noise_sigma_255": [20, 25]}
    noises = [np.ptp(degrade(gray, seed=seed, noise_prob=0.3, **options)) for seed in range(300)]
    assert np.mean(np.array(noises) > 0) == pytest.approx(0.3, abs=0.08)
    # What is noisy has the whole level, and a probability of 1 changes no draw.
    assert min(noise for noise in noises if noise > 0) > 40 / 255
    np.testing.assert_array_equal(degrade(gray, noise_prob=1, **options), degrade(gray, **options))


def test_the_range_of_widths_is_used_evenly():
    impulse = np.zeros((63, 63, 3), np.float32)
    impulse[31, 31] = 1
    peaks = [degrade(impulse, seed=seed, scale=1, sigma=[0.5, 3.0]).max() for seed in range(200)]
    sigmas = np.array([0.3989 / np.sqrt(peak) for peak in peaks if peak < 0.6])  # peak = 1 / (2 pi sigma^2)
    assert sigmas.min() < 0.7
    assert sigmas.max() > 2.8
    assert sigmas.mean() == pytest.approx(1.78, abs=0.15)


def test_the_ranges_of_elongated_kernels_are_used_evenly():
    impulse = np.zeros((63, 63, 3), np.float32)
    impulse[31, 31] = 1
    y, x = np.indices((63, 63)) - 31
    angles = []
    for seed in range(200):
        blurred = degrade(impulse, seed=seed, scale=1, lambda1=[3, 4], lambda2=[1, 1.5], theta_degrees=[0, 180])[..., 0]
        xx, xy, yy = ((blurred * moment).sum() / blurred.sum() for moment in (x * x, x * y, y * y))
        angles.append(np.rad2deg(np.arctan2(2 * xy, xx - yy) / 2) % 180)
    np.testing.assert_allclose(np.histogram(angles, bins=4, range=(0, 180))[0] / 200, 0.25, atol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sgima": 1}, "degradation.sgima: unknown key; did you mean 'sigma'?"),
        ({"sigma": [4, 0.2]}, r"degradation.sigma: expected [low, high] with low <= high, got [4, 0.2]"),
        ({"sigma": -1}, "degradation.sigma: expected 0..20, got -1"),
        ({"sigma": "wide"}, "degradation.sigma: expected a number or [low, high], got 'wide'"),
        ({"sigma": [1, 2, 3]}, "degradation.sigma: expected a number or [low, high], got [1, 2, 3]"),
        ({"noise_sigma_255": [0, 256]}, "degradation.noise_sigma_255: expected 0..255, got [0.0, 256.0]"),
        ({"noise_prob": 1.5}, "degradation.noise_prob: expected less than or equal to 1, got 1.5"),
        ({"kernel_size": 20}, "degradation.kernel_size: expected an odd number, got 20"),
        ({"downsampling": "area"}, "degradation.downsampling: expected 'bicubic' or 's_fold', got 'area'"),
        ({"sigma": 1, "lambda1": 1}, "give either sigma or lambda1, lambda2 and theta_degrees, not both"),
        ({"lambda1": 1}, "an anisotropic kernel needs lambda1, lambda2 and theta_degrees"),
        ({"scale": 0}, "degradation.scale: expected greater than or equal to 1, got 0"),
        ({"type": "ClassicDegradaton"}, "did you mean 'ClassicDegradation'?; registered: ClassicDegradation"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(OptionError) as error:
        build_degradation({**CLASSIC, **options})
    assert message in str(error.value)


def test_a_block_that_is_no_block_is_refused():
    with pytest.raises(OptionError, match="degradation: expected a block with a 'type', got 'blur'"):
        build_degradation("blur")


def test_jpeg_compresses_the_small_image_at_last(gt):
    small = degrade(gt)
    compressed = degrade(gt, jpeg_quality=50)
    expected = compress_jpeg(np.ascontiguousarray(small[..., ::-1]), quality=50)[..., ::-1]
    np.testing.assert_array_equal(compressed, expected)
    assert np.abs(compressed - small).mean() > 1 / 255


def test_some_of_the_images_are_compressed(gt):
    plain = degrade(gt)
    is_plain = [np.array_equal(degrade(gt, seed, jpeg_quality=[30, 90], jpeg_prob=0.25), plain) for seed in range(200)]
    assert 0.65 < np.mean(is_plain) < 0.85


def test_without_jpeg_no_draw_is_used_up(gt):
    rng, untouched = np.random.default_rng(3), np.random.default_rng(3)
    build_degradation({**CLASSIC, "sigma": 1})(gt, rng)
    assert rng.random() == untouched.random()
