"""The data sets' option blocks: what is taken, and what is said about the rest, by its path in the file."""

import copy

import pytest
from dataset_options import benchmark_block, training_block

from kdsr_data import OptionError
from kdsr_data.dataset_settings import check_benchmark, check_degraded_images, degradation_block
from kdsr_options.schema import Problem, collect

TRAIN, TEST = "datasets.train", "datasets.test"


def message_of(check, block, path):
    with pytest.raises(OptionError) as error:
        check(block, path)
    return str(error.value)


@pytest.mark.parametrize("check", [check_degraded_images, check_benchmark])
def test_options_are_read_and_never_written(check):
    block = training_block() if check is check_degraded_images else benchmark_block()
    before = copy.deepcopy(block)
    assert check(block, TRAIN).scale == 4
    assert block == before


@pytest.mark.parametrize("own_scale", [{}, {"scale": 4}])
def test_the_degradation_takes_the_scale_of_its_data_set(own_scale):
    block = training_block(degradation={"type": "ClassicDegradation", **own_scale})
    assert degradation_block(check_degraded_images(block, TRAIN)) == {"type": "ClassicDegradation", "scale": 4}


def test_validation_needs_no_patch_size():
    assert check_degraded_images(training_block(phase="val", gt_size=None), "datasets.val").gt_size is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gt_size": None}, "datasets.train.gt_size: (pixels of the GT patch) is missing"),
        ({"gt_size": 30}, "datasets.train.gt_size: expected a multiple of the scale 4, got 30"),
        ({"gt_size": 0}, "datasets.train.gt_size: expected greater than or equal to 1, got 0"),
        ({"degraded_size": 50}, "degraded_size: expected a multiple of the scale 4, at least gt_size 32, got 50"),
        ({"degraded_size": 28}, "degraded_size: expected a multiple of the scale 4, at least gt_size 32, got 28"),
        ({"phase": "val", "gt_size": None, "degraded_size": 40}, "degraded_size: needs gt_size, the patch to cut out"),
        ({"scale": 9}, "datasets.train.scale: expected less than or equal to 8, got 9"),
        ({"phase": "training"}, "datasets.train.phase: expected 'train', 'val' or 'test', got 'training'"),
        ({"dataroot_gt": None}, "datasets.train.dataroot_gt: expected a valid string, got None"),
        ({"use_hfilp": True}, "datasets.train.use_hfilp: unknown key; did you mean 'use_hflip'?"),
        ({"batch_size": 4}, "datasets.train.batch_size: unknown key; did you mean 'batch_size_per_gpu'?"),
        ({"io_backend": {"type": "lmdb"}}, "io_backend lmdb needs a dataroot_gt that ends in .lmdb, got 'gt'"),
        ({"io_backend": {"type": "zip"}}, "datasets.train.io_backend.type: expected 'disk' or 'lmdb', got 'zip'"),
        ({"io_backend": {"tpye": "disk"}}, "datasets.train.io_backend.tpye: unknown key; did you mean 'type'?"),
        ({"persistent_workers": True}, "persistent_workers: needs num_worker_per_gpu above 0"),
        ({"prefetch_mode": "cuda"}, "prefetch_mode: cuda needs pin_memory: true"),
        ({"degradation": "blur"}, "datasets.train.degradation: expected a block of keys, got 'blur'"),
        ({"degradation": {"sigma": 1}}, "datasets.train.degradation.type: no degradation is registered as None"),
        ({"degradation": {"type": "Blur"}}, "no degradation is registered as 'Blur'; registered: ClassicDegradation, "),
        (
            {"degradation": {"type": "ClassicDegradation", "scale": 2}},
            "datasets.train.degradation.scale: 2 disagrees with the scale 4 above",
        ),
        (
            {"degradation": {"type": "ClassicDegradation", "sigma": [4, 1]}},
            "datasets.train.degradation.sigma: expected [low, high] with low <= high, got [4, 1]",
        ),
    ],
)
def test_impossible_training_options_are_named(changes, message):
    assert message in message_of(check_degraded_images, training_block(**changes), TRAIN)


@pytest.mark.parametrize("key", ["dataroot_gt", "degradation", "name"])
def test_missing_training_options_are_named(key):
    block = training_block()
    del block[key]
    assert message_of(check_degraded_images, block, TRAIN) == f"datasets.train.{key}: is missing"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "gaussian9"}, "datasets.test.preset: expected 'gaussian8' or 'aniso9', got 'gaussian9'"),
        ({"preset": None}, "give either preset (gaussian8, aniso9) or settings"),
        ({"preset": "aniso9", "settings": [{}]}, "give either preset (gaussian8, aniso9) or settings"),
        ({"settings": []}, "datasets.test.settings: is empty: expected a list of at least one"),
        ({"noise_levels": [300]}, "noise_levels: expected a list of levels in 0..255, got [300.0]"),
        ({"noise_levels": []}, "noise_levels: is empty: expected a list of at least one"),
        ({"noise_levels": 10}, "datasets.test.noise_levels: expected a valid list, got 10"),
        ({"presett": "x"}, "datasets.test.presett: unknown key; did you mean 'preset'?"),
        ({"scale": 8}, "at x8 give sigma_range: [first, last]"),
        ({"sigma_range": [1.6, 0.8]}, "datasets.test.sigma_range: expected [low, high] with low <= high"),
        ({"settings": [3]}, "datasets.test.settings.0: expected a block of keys, got 3"),
        (
            {"settings": [{"sigma": 1}, {"sgma": 1}]},
            "datasets.test.settings.1.sgma: unknown key; did you mean 'sigma'?",
        ),
        ({"settings": [{"type": "Blur"}]}, "datasets.test.settings.0.type: no degradation is registered as 'Blur'"),
        (
            {"settings": [{"sigma": 1, "scale": 2}]},
            "datasets.test.settings.0.scale: 2 disagrees with the scale 4 above",
        ),
        ({"settings": [{"sigma": 1}, {"sigma": 1.0}]}, "sigma-1 stands for two settings; give each a label of its own"),
        (
            {"settings": [{"label": "10/255"}]},
            "datasets.test.settings: labels name files, so no / is possible in '10/255'",
        ),
        ({"noise_levels": [5, 5], "preset": "aniso9"}, "l1-2_l2-0.2_theta-0_noise-5, "),
    ],
)
def test_impossible_benchmark_options_are_named(changes, message):
    assert message in message_of(check_benchmark, benchmark_block(**changes), TEST)


def test_all_problems_of_a_block_are_reported_together():
    block = training_block(batch_size_per_gpu=0, use_rto=True, gt_size="big")
    lines = message_of(check_degraded_images, block, TRAIN).splitlines()
    assert {line.split(":")[0] for line in lines} == {
        f"{TRAIN}.{k}" for k in ("batch_size_per_gpu", "use_rto", "gt_size")
    }


def test_all_settings_of_a_benchmark_are_reported_together():
    block = benchmark_block(settings=[{"sigma": -1}, {"sigma": 1}, {"kernel_size": 4}])
    lines = message_of(check_benchmark, block, TEST).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"{TEST}.settings.0.sigma", f"{TEST}.settings.2.kernel_size"]


def test_problems_are_collected_instead_of_raised():
    problems = [Problem("before", "x")]
    assert collect(problems, check_degraded_images, training_block(), path=TRAIN).scale == 4
    assert collect(problems, check_degraded_images, training_block(scale=0), path=TRAIN) is None
    assert [problem.path for problem in problems] == ["before", "datasets.train.scale"]
