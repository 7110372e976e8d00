"""The benchmark of the second-order degradation: its images and its profile."""

import shutil

import pytest

from kdsr_tools.benchmark import degradation as benchmark


def test_images_of_a_folder_are_copied_under_names_that_basicsr_can_list(tmp_path):
    source, folder = tmp_path / "my images", tmp_path / "copies"
    source.mkdir()
    folder.mkdir()
    benchmark.copy_images(None, folder)
    for index in range(3):
        shutil.copy(folder / "00.png", source / f"image {index}.png")
    assert benchmark.copy_images(source, folder) == 3
    assert (folder / "meta_info.txt").read_text().split() == ["00.png", "01.png", "02.png"]


def test_images_that_are_too_small_are_named(tmp_path, gt_folder):
    with pytest.raises(ValueError, match=r"a\.png: expected images of at least 400x400 pixels"):
        benchmark.copy_images(gt_folder, tmp_path)


def test_the_profile_names_every_step_and_counts_no_time_twice(tmp_path):
    num_images = benchmark.copy_images(None, tmp_path)
    data_set = benchmark.our_pipeline(tmp_path, {"type": "SecondOrderDegradation"})
    steps = benchmark.profile_steps(data_set.__getitem__, num_images=num_images, count=12)
    assert steps.keys() == {*benchmark.STEPS, "the rest"}
    assert min(steps.values()) > 0
    assert steps["blur"] < sum(steps.values()) / 2


def test_each_round_takes_its_samples_from_one_image_further_on():
    taken = {"one": [], "three": []}
    pipelines = {"one": (taken["one"].append, 1), "three": (taken["three"].append, 3)}
    seconds = benchmark.measure(pipelines, num_images=4, rounds=2)
    assert taken == {"one": [0, 1, 2], "three": [0, 1, 2, 1, 2, 3, 2, 3, 0]}
    assert {name: len(values) for name, values in seconds.items()} == {"one": 2, "three": 2}
