"""The data sets' options, and the look at their images before training starts."""
# ruff: noqa: E501  (a table)

import copy

import pytest
from PIL import Image
from spoilt_options import assert_refused, make
from training_steps import complete

from kdsr_model.options import find_problems
from kdsr_options.schema import Problem


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: [path.unlink() for path in folder.rglob("*.png")], "no images found"),
        (lambda folder: (folder / "a.png").write_bytes(b"torn"), "a.png: "),
        (lambda folder: (folder / "sub_c.png").write_bytes((folder / "a.png").read_bytes()), "the name sub_c"),
        (lambda folder: Image.new("RGB", (3, 3)).save(folder / "b.png"), "smaller than one LQ pixel at x4"),
    ],
)
def test_images_of_a_validation_are_looked_at_before_it(gt_folder, tmp_path, spoil, expected):
    options = complete(make("student", gt_folder), tmp_path)
    (tmp_path / "train").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "train/x.png")
    options["datasets"]["train"]["dataroot_gt"] = str(tmp_path / "train")
    spoil(gt_folder)
    problem, *others = find_problems(options)
    assert problem.path == "datasets.val.dataroot_gt"
    assert expected in problem.message
    assert not others


def test_a_data_set_has_the_scale_at_the_top(gt_folder, tmp_path):
    options = complete(make("student", gt_folder), tmp_path)
    options["datasets"]["val"]["scale"] = 3
    assert ("datasets.val.scale", "3 disagrees with the scale 4 at the top") in find_problems(options)


def test_two_validations_of_one_name_are_refused(gt_folder, tmp_path):
    options = make("student", gt_folder)
    options["datasets"]["val_2"] = copy.deepcopy(options["datasets"]["val"])
    complete(options, tmp_path)
    assert find_problems(options) == [("datasets.val_2.name", "'v' is the name of datasets.val too; give each its own")]


PAIRED = "real_world/finetune_paired.yml"
SET = {"name": "w", "type": "BlindSRBenchmarkDataset", "dataroot_gt": "x", "preset": "gaussian8"}
MISTAKES = [
    ("student", "datasets.train.type", "BlindSRBenchmarkDataset", "datasets.train.type: BlindSRBenchmarkDataset shows"),
    (PAIRED, "datasets.train.io_backend", {"type": "disk", "path": "x"}, "io_backend.path: unknown key"),
    (PAIRED, "datasets.train.io_backend", {"path": "x"}, "datasets.train.io_backend.type: no storage is registered"),
    (PAIRED, "datasets.train.mean", [1], "datasets.train.mean: [1] was tried and fails: "),
    (PAIRED, "datasets.train.type", "SingleImageDataset", "datasets.train: 'SingleImageDataset' was tried and fails: its samples have no gt"),
    (PAIRED, "datasets.val.type", "SingleImageDataset", "datasets.val: 'SingleImageDataset' was tried and fails: its samples have no gt"),
    ("student", "datasets.train.dataset_enlarge_ratio", 10**9, "datasets.train.dataset_enlarge_ratio: "),
    (PAIRED, "datasets.train.filename_tmpl", "{name}x4", "datasets.train.filename_tmpl: expected {} in the place of the name, got '{name}x4'"),
    (PAIRED, "datasets.train.filename_tmpl", "x4", "datasets.train.filename_tmpl: expected {} in the place of the name, got 'x4'"),
    ("student", "datasets.test_1", SET, "datasets.test_1: BasicSR trains on train and validates on val, val_1, ...; name it so, or leave it out"),
    ("student", "datasets.train_2", SET, "datasets.train_2: BasicSR trains on train and validates on val"),
    ("student", "datasets.val.dataroot_gt", "nowhere", "datasets.val.dataroot_gt: nowhere does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), MISTAKES)
def test_what_would_fail_later_is_refused_by_its_path(gt_folder, tmp_path, kind, path, value, expected):
    assert_refused(make(kind, gt_folder), tmp_path, path, value, expected)


def without_gt(options, gt_folder, metrics):
    """Validate on pictures alone, by these metrics."""
    pictures = {"name": "v", "type": "SingleImageDataset", "dataroot_lq": str(gt_folder)}
    options["datasets"]["val"] = {**pictures, "io_backend": {"type": "disk"}}
    options["val"] = {"val_freq": 1, "metrics": metrics}
    return options


@pytest.mark.parametrize("metrics", [None, {"niqe": {"type": "calculate_niqe", "crop_border": 4}}])
def test_a_validation_needs_gt_only_where_something_compares_with_it(gt_folder, tmp_path, metrics):
    student = without_gt(make("student", gt_folder), gt_folder, metrics)
    assert find_problems(complete(student, tmp_path)) == []
    teacher = without_gt(make("train_kdsr_teacher.yml", gt_folder), gt_folder, metrics)
    (problem,) = find_problems(complete(teacher, tmp_path))
    assert problem == ("datasets.val", "'SingleImageDataset' was tried and fails: its samples have no gt")


def test_sizes_that_follow_from_a_scale_that_is_missing_are_no_trace(gt_folder, tmp_path):
    options = complete(make("student", gt_folder) | {"model_type": "SwinIRModel"}, tmp_path)
    options["datasets"]["train"]["lq_size"] = 8
    del options["scale"], options["datasets"]["train"]["scale"]
    assert Problem("datasets.train.scale", "is missing") in find_problems(options)
