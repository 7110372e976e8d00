"""The benchmark: its settings are the field's, and its LQ images are the same on every run and machine."""

import numpy as np
import pytest
import torch
from PIL import Image

from kdsr_data import BlindSRBenchmarkDataset, OptionError
from kdsr_data.image_io import ImageReadError
from kdsr_data.presets import preset_settings
from kdsr_data.random_state import rng_for_name

ANISO_TABLE = [
    (2.0, 0.2, 0), (2.0, 1.0, 10), (3.5, 1.5, 30), (3.5, 2.0, 45), (3.5, 2.0, 90),
    (4.0, 1.5, 120), (4.0, 2.0, 135), (4.0, 3.0, 165), (4.0, 4.0, 180),
]  # fmt: skip


def benchmark(root, **changes):
    opt = {"name": "set", "type": "BlindSRBenchmarkDataset", "phase": "test", "scale": 4, "dataroot_gt": str(root)}
    return BlindSRBenchmarkDataset({**opt, **({"preset": "gaussian8"} | changes)})


@pytest.mark.parametrize(
    ("scale", "sigmas"),
    [
        (4, [1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2]),
        (3, [1.35, 1.5, 1.65, 1.8, 1.95, 2.1, 2.25, 2.4]),
        (2, [0.8, 0.9143, 1.0286, 1.1429, 1.2571, 1.3714, 1.4857, 1.6]),
    ],
)
def test_gaussian8_has_the_papers_widths(scale, sigmas):
    settings = preset_settings("gaussian8", scale=scale)
    assert [setting.degradation["sigma"] for setting in settings] == sigmas


def test_gaussian8_takes_other_widths():
    settings = preset_settings("gaussian8", scale=2, sigma_range=(0.9, 1.6))
    assert [setting.degradation["sigma"] for setting in settings] == [0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]


def test_gaussian8_without_published_widths_asks_for_them():
    with pytest.raises(ValueError, match="gaussian8 has blur widths for x2, x3, x4 only; at x8 give sigma_range"):
        preset_settings("gaussian8", scale=8)


def test_aniso9_is_the_papers_grid_in_its_order():
    settings = preset_settings("aniso9", scale=4, noise_levels=[0, 10, 20])
    blocks = [setting.degradation for setting in settings]
    assert [(b["lambda1"], b["lambda2"], b["theta_degrees"]) for b in blocks] == 3 * ANISO_TABLE
    assert [b["noise_sigma_255"] for b in blocks] == [0] * 9 + [10] * 9 + [20] * 9
    assert settings[11].label == "l1-3.5_l2-1.5_theta-30_noise-10"


def test_every_image_is_shown_under_every_setting(gt_folder):
    data_set = benchmark(gt_folder)
    seen = [(sample["gt_path"].split("/")[-1], sample["setting"]) for sample in data_set]
    assert len(seen) == len(set(seen)) == len(data_set) == 24
    assert seen[8] == ("b.png", "sigma-1.8_noise-0")
    assert data_set[16]["lq_path"] == "sub_c_sigma-1.8_noise-0.png"


def test_lq_images_are_the_same_on_every_run_and_machine(gt_folder):
    data_set = benchmark(gt_folder, preset="aniso9", noise_levels=[20])
    torch.manual_seed(1)
    backwards = [data_set[index]["lq"] for index in reversed(range(9))][::-1]
    again = benchmark(gt_folder, preset="aniso9", noise_levels=[20])
    for index in range(9):
        assert torch.equal(backwards[index], again[index]["lq"])


def test_noise_follows_from_name_and_setting_alone():
    # Measured once: a change of these numbers changes every published result.
    drawn = rng_for_name("sub/c", "sigma-2_noise-10").standard_normal(4)
    np.testing.assert_allclose(drawn, [0.75865835, 1.07151508, 0.54140648, -0.07111346], atol=1e-8)


def test_noise_differs_between_settings(gt_folder):
    same_blur = [{"sigma": 2, "noise_sigma_255": 10}, {"sigma": 2, "noise_sigma_255": 10.5}]
    data_set = benchmark(gt_folder, preset=None, settings=same_blur)
    assert float((data_set[0]["lq"] - data_set[1]["lq"]).std() * 255) > 10


def test_a_list_of_settings_replaces_the_preset(gt_folder):
    data_set = benchmark(gt_folder, preset=None, settings=[{"sigma": 1.0}, {"downsampling": "s_fold"}])
    assert [setting.label for setting in data_set.settings] == ["sigma-1", "downsampling-s_fold"]
    sample = data_set[1]
    assert torch.equal(sample["lq"], sample["gt"][:, ::4, ::4])


def test_one_setting_at_a_time_gives_the_same_images(gt_folder):
    whole = benchmark(gt_folder, noise_levels=[0, 10])
    parts = whole.split_by_setting()
    assert [len(part) for part in parts] == [3] * 16
    assert parts[9].opt["name"] == "set_sigma-2_noise-10"
    for image in range(3):
        assert torch.equal(parts[9][image]["lq"], whole[16 * image + 9]["lq"])


def test_images_are_cropped_to_a_multiple_of_the_scale(tmp_path, photograph):
    Image.fromarray(photograph[:51, :58]).save(tmp_path / "odd.png")
    sample = benchmark(tmp_path)[0]
    assert (sample["gt"].shape, sample["lq"].shape) == ((3, 48, 56), (3, 12, 14))


def test_an_image_that_cannot_be_used_ends_the_evaluation(tmp_path):
    Image.new("RGB", (3, 9)).save(tmp_path / "tiny.png")
    with pytest.raises(ImageReadError, match=r"tiny\.png: smaller than one LQ pixel at x4"):
        benchmark(tmp_path)[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "gaussian9"}, "datasets.test.preset: expected 'gaussian8' or 'aniso9', got 'gaussian9'"),
        ({"preset": None}, "give either preset (gaussian8, aniso9) or settings"),
        ({"settings": []}, "give either preset (gaussian8, aniso9) or settings"),
        ({"noise_levels": [300]}, "noise_levels: expected a list of levels in 0..255, got [300.0]"),
        ({"noise_levels": []}, "noise_levels: expected a list of levels in 0..255, got []"),
        ({"presett": "x"}, "datasets.test.presett: unknown key; did you mean 'preset'?"),
        ({"scale": 8}, "at x8 give sigma_range: [first, last]"),
        ({"preset": None, "settings": [{"sigma": 1}, {"sgma": 1}]}, "datasets.test.settings.1.sgma: unknown key"),
    ],
)
def test_impossible_options_are_named(gt_folder, changes, message):
    with pytest.raises(OptionError) as error:
        benchmark(gt_folder, **changes)
    assert message in str(error.value)
