"""What BasicSR's parser would fail of with a trace."""

import pytest
from option_files import student_options

from kdsr_model.checks.parsing import check_parsable
from kdsr_options.schema import OptionError


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("datasets.train.dataroot_gt", ["a", "b"]),
        ("datasets.train.dataroot_lq", True),
        ("path.pretrain_network_g", 5),
        ("path.resume_state", {}),
        ("path.my_resume_states", 1.5),
    ],
)
def test_a_path_that_is_no_text_is_refused(gt_folder, path, value):
    options = student_options(gt_folder)
    *parents, last = path.split(".")
    block = options
    for parent in parents:
        block = block[parent]
    block[last] = value
    with pytest.raises(OptionError) as error:
        check_parsable(options)
    assert str(error.value) == f"{path}: expected a path, got {value!r}"


def test_all_of_them_come_together(gt_folder):
    options = student_options(gt_folder, network_g={}, path={"resume_state": 1})
    options["datasets"] |= {"val": {"dataroot_gt": 2}, "val_2": None}
    with pytest.raises(OptionError) as error:
        check_parsable(options)
    paths = {problem.path for problem in error.value.problems}
    assert paths == {"network_g", "path.resume_state", "datasets.val.dataroot_gt", "datasets.val_2"}


def test_a_name_with_debug_needs_the_blocks_that_the_parser_sets(gt_folder):
    options = student_options(gt_folder, name="my_debugging", val=None)
    with pytest.raises(OptionError, match="^val: is missing, which BasicSR sets where the name has debug in it$"):
        check_parsable(options)
    del options["val"], options["logger"]
    with pytest.raises(OptionError, match="^logger: is missing, which"):
        check_parsable(options)
    del options["train"]  # a test
    check_parsable(options)
