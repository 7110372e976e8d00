"""The benchmark's cases: the field's numbers, and their labels."""

import pytest

from kdsr_data.presets import BenchmarkCase, describe_label, make_case, preset_cases

ANISO_TABLE = [
    (2.0, 0.2, 0), (2.0, 1.0, 10), (3.5, 1.5, 30), (3.5, 2.0, 45), (3.5, 2.0, 90),
    (4.0, 1.5, 120), (4.0, 2.0, 135), (4.0, 3.0, 165), (4.0, 4.0, 180),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "sigmas"),
    [
        (4, [1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2]),
        (3, [1.35, 1.5, 1.65, 1.8, 1.95, 2.1, 2.25, 2.4]),
        (2, [0.8, 0.9143, 1.0286, 1.1429, 1.2571, 1.3714, 1.4857, 1.6]),
    ],
)
def test_gaussian8_has_the_papers_widths_without_noise(scale, sigmas):
    cases = preset_cases("gaussian8", scale=scale)
    assert [case.degradation for case in cases] == [
        {"type": "ClassicDegradation", "scale": scale, "sigma": sigma, "noise_sigma_255": 0} for sigma in sigmas
    ]


def test_gaussian8_takes_other_widths():
    cases = preset_cases("gaussian8", scale=2, sigma_range=(0.9, 1.6))
    assert [case.degradation["sigma"] for case in cases] == [0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]


def test_gaussian8_without_published_widths_asks_for_them():
    with pytest.raises(ValueError, match="gaussian8 has blur widths for x2, x3, x4 only; at x8 give sigma_range"):
        preset_cases("gaussian8", scale=8)


def test_unknown_presets_are_named():
    with pytest.raises(ValueError, match="expected one of gaussian8, aniso9, got 'gaussian9'"):
        preset_cases("gaussian9", scale=4)


def test_aniso9_is_the_papers_grid_in_its_order():
    cases = preset_cases("aniso9", scale=4, noise_levels=[0, 10, 20])
    blocks = [case.degradation for case in cases]
    assert [(b["lambda1"], b["lambda2"], b["theta_degrees"]) for b in blocks] == 3 * ANISO_TABLE
    assert [b["noise_sigma_255"] for b in blocks] == [0] * 9 + [10] * 9 + [20] * 9


@pytest.mark.parametrize(
    ("block", "label"),
    [
        ({"sigma": 2.0}, "sigma-2"),
        ({"sigma": [0.2, 4.0], "noise_sigma_255": 10}, "sigma-0.2-4_noise-10"),
        ({"lambda1": 3.5, "lambda2": 1.5, "theta_degrees": 30}, "l1-3.5_l2-1.5_theta-30"),
        ({"downsampling": "s_fold"}, "downsampling-s_fold"),
        ({}, "ClassicDegradation"),
        ({"type": "SecondOrderDegradation", "first": {"blur_prob": 0.5}}, "SecondOrderDegradation"),
        ({"label": "mild", "sigma": 1}, "mild"),
        ({"label": 2020, "sigma": 1}, "2020"),
        ({"label": None, "sigma": 1}, "sigma-1"),
    ],
)
def test_a_setting_is_labelled_as_it_says_or_by_its_parameters_or_its_type(block, label):
    case = make_case(block, scale=4)
    assert case.label == label
    assert case.degradation == {"type": "ClassicDegradation", "scale": 4} | {k: block[k] for k in block if k != "label"}


@pytest.mark.parametrize(("preset", "number"), [("gaussian8", 8), ("aniso9", 9)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_labels_tell_all_settings_apart(preset, number, scale):
    cases = preset_cases(preset, scale=scale, noise_levels=[0, 10, 20])
    assert len({case.label for case in cases}) == len(cases) == 3 * number


def test_blur_and_noise_are_read_off_a_degradation():
    def of(**block):
        return BenchmarkCase("", {"type": "ClassicDegradation", **block})

    assert of(sigma=1.8).blur_width == 1.8
    assert of(lambda1=4.0, lambda2=1.0).blur_width == pytest.approx(2)
    assert of(sigma=[1, 2]).blur_width is None
    assert of(noise_sigma_255=10).noise_level == 10
    assert of().noise_level == 0
    assert of(type="SecondOrderDegradation").noise_level is None


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("sigma-1.8_noise-0", "blur 1.8"),
        ("l1-2_l2-0.2_theta-10_noise-15", "blur 2 by 0.2, angle 10°, noise 15"),
        ("downsampling-s_fold", "downsampling-s_fold"),
        ("noise-0", "noise-0"),
    ],
)
def test_a_label_is_written_for_people(label, text):
    assert describe_label(label) == text
