"""The benchmark: every image in every case, and LQ images that are the same on every run and machine."""

import numpy as np
import pytest
import torch
from basicsr.data import build_dataset
from dataset_options import benchmark_block
from PIL import Image

from kdsr_data import BlindSRBenchmarkDataset, OptionError, build_degradation
from kdsr_data.dataset_settings import check_benchmark, split_by_case
from kdsr_data.image_io import ImageReadError
from kdsr_data.random_state import rng_for_name


def benchmark(root, **changes):
    return BlindSRBenchmarkDataset(benchmark_block(root, **changes))


def test_every_image_is_shown_under_every_setting(gt_folder):
    data_set = benchmark(gt_folder)
    seen = [(sample["gt_path"].split("/")[-1], sample["setting"]) for sample in data_set]
    assert len(seen) == len(set(seen)) == len(data_set) == 24
    assert seen[8] == ("b.png", "sigma-1.8_noise-0")
    assert data_set[16]["lq_path"] == "sub_c_sigma-1.8_noise-0.png"


def test_a_sample_is_a_pair_as_basicsr_gives_it(gt_folder):
    sample = build_dataset(benchmark_block(gt_folder))[3]
    assert sample.keys() == {"lq", "gt", "lq_path", "gt_path", "setting"}
    assert (sample["lq"].shape, sample["gt"].shape) == ((3, 18, 24), (3, 72, 96))
    expected = np.asarray(Image.open(gt_folder / "a.png"), np.float32) / 255
    np.testing.assert_allclose(sample["gt"].permute(1, 2, 0), expected, atol=1e-7)
    for image in (sample["lq"], sample["gt"]):
        assert image.dtype == torch.float32
        assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_lq_is_the_image_degraded_by_the_setting_with_draws_from_its_name(gt_folder):
    data_set = benchmark(gt_folder, preset="aniso9", noise_levels=[0, 10])
    index = 2 * 18 + 9 + 4  # sub/c.png, second noise level, fifth kernel
    kernel = {"lambda1": 3.5, "lambda2": 2.0, "theta_degrees": 90}
    degradation = build_degradation({"type": "ClassicDegradation", "scale": 4, **kernel, "noise_sigma_255": 10})
    rng = rng_for_name("sub/c", "l1-3.5_l2-2_theta-90_noise-10")
    sample = data_set[index]
    np.testing.assert_array_equal(
        sample["lq"].permute(1, 2, 0), degradation(sample["gt"].permute(1, 2, 0).numpy(), rng)
    )


def test_lq_images_are_the_same_on_every_run_and_in_any_order(gt_folder):
    options = {"preset": "aniso9", "noise_levels": [20]}
    data_set = benchmark(gt_folder, **options)
    backwards = [data_set[index]["lq"] for index in reversed(range(9))][::-1]
    torch.manual_seed(1)
    again = benchmark(gt_folder, **options)
    for index in range(9):
        assert torch.equal(backwards[index], again[index]["lq"])


@pytest.mark.parametrize("backend", ["disk", "lmdb"])
def test_lq_images_do_not_depend_on_where_gt_is_stored(gt_folder, gt_lmdb, backend):
    root = {"disk": gt_folder, "lmdb": gt_lmdb}[backend]
    options = {"noise_levels": [10], "preset": "aniso9"}
    stored, on_disk = benchmark(root, io_backend={"type": backend}, **options), benchmark(gt_folder, **options)
    assert torch.equal(stored[20]["lq"], on_disk[20]["lq"])
    assert stored[20]["lq_path"] == on_disk[20]["lq_path"]


def test_noise_differs_between_images_settings_and_channels(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (128, 128), (128, 128, 128)).save(tmp_path / name)
    data_set = benchmark(tmp_path, settings=[{"noise_sigma_255": 10}, {"noise_sigma_255": 10, "label": "again"}])
    noises = np.array([sample["lq"].numpy() * 255 - 128 for sample in data_set]).reshape(12, -1)
    np.testing.assert_allclose(noises.std(axis=1), 10, rtol=0.1)
    assert np.abs(np.corrcoef(noises) - np.eye(12)).max() < 0.15


def test_a_list_of_settings_replaces_the_preset(gt_folder):
    data_set = benchmark(gt_folder, settings=[{"sigma": 1.0}, {"downsampling": "s_fold"}])
    assert [case.label for case in data_set.cases] == ["sigma-1", "downsampling-s_fold"]
    sample = data_set[1]
    assert torch.equal(sample["lq"], sample["gt"][:, ::4, ::4])


def parts_of(whole):
    blocks = split_by_case(whole.opt, check_benchmark(whole.opt, "datasets.test"))
    return [BlindSRBenchmarkDataset(block) for block in blocks]


@pytest.mark.parametrize("backend", ["disk", "lmdb"])
def test_one_setting_at_a_time_gives_the_same_images(gt_folder, gt_lmdb, backend):
    root = {"disk": gt_folder, "lmdb": gt_lmdb}[backend]
    whole = benchmark(root, io_backend={"type": backend}, noise_levels=[0, 10])
    parts = parts_of(whole)
    assert [len(part) for part in parts] == [3] * 16
    assert parts[9].opt["name"] == "set_sigma-2_noise-10"
    for image in range(3):
        for which in (1, 9):
            alone, among_all = parts[which][image], whole[16 * image + which]
            assert torch.equal(alone["lq"], among_all["lq"])
            assert (alone["lq_path"], alone["setting"]) == (among_all["lq_path"], among_all["setting"])


def test_a_setting_alone_keeps_its_own_label(gt_folder):
    whole = benchmark(gt_folder, settings=[{"noise_sigma_255": 10, "label": "one"}, {"noise_sigma_255": 10}])
    part = parts_of(whole)[0]
    assert part.opt["name"] == "set_one"
    assert torch.equal(part[1]["lq"], whole[2]["lq"])


@pytest.mark.parametrize(("scale", "size", "lq_size"), [(4, (48, 56), (12, 14)), (3, (51, 57), (17, 19))])
def test_images_are_cropped_to_a_multiple_of_the_scale(tmp_path, photograph, scale, size, lq_size):
    Image.fromarray(photograph[:51, :58]).save(tmp_path / "odd.png")
    sample = benchmark(tmp_path, scale=scale)[0]
    assert (sample["gt"].shape, sample["lq"].shape) == ((3, *size), (3, *lq_size))


def test_an_image_that_cannot_be_used_ends_the_evaluation(tmp_path):
    Image.new("RGB", (3, 9)).save(tmp_path / "tiny.png")
    with pytest.raises(ImageReadError, match=r"tiny\.png: smaller than one LQ pixel at x4"):
        benchmark(tmp_path)[0]


def test_impossible_options_are_refused(gt_folder):
    with pytest.raises(OptionError, match=r"datasets\.test\.presett: unknown key"):
        benchmark(gt_folder, presett="x")


def test_images_whose_results_would_overwrite_each_other_are_refused(gt_folder):
    (gt_folder / "sub_c.png").write_bytes((gt_folder / "a.png").read_bytes())
    with pytest.raises(ValueError, match=r"sub/c\.png and .*sub_c\.png would have results of the same name; rename"):
        benchmark(gt_folder)
