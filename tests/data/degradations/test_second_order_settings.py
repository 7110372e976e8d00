"""The options of the second-order degradation: BasicSR's defaults, and the messages for wrong ones."""

import pytest

from kdsr_data import OptionError, build_degradation
from kdsr_data.degradations.second_order_settings import SecondOrderSettings, SecondStageSettings, StageSettings
from kdsr_tools.benchmark import degradation as benchmark_degradation

SECOND_ORDER = {"type": "SecondOrderDegradation", "scale": 4}


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
