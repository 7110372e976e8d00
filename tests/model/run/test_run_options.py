"""A run's options: kept as an option file, and compared when training goes on."""

import datetime

import pytest

from kdsr_model.run.run_options import describe_changes, list_changes, save_options, written_options
from kdsr_options.files import RUN_OPTIONS, read_option_file

BEFORE = {"name": "x", "scale": 4, "train": {"total_iter": 10, "optim_g": {"type": "Adam", "lr": 1e-4}}}


def changed(**changes):
    return {**BEFORE, "train": {**BEFORE["train"], **changes}}


def test_file_and_command_line_are_kept_as_plain_blocks(tmp_path):
    (tmp_path / "x.yml").write_text("name: x\nday: 2024-02-03\nlist: [1, {a: 2.5}]\ntrain: {total_iter: 10}\n")
    options = written_options(["-opt", str(tmp_path / "x.yml"), "--force_yml", "train:total_iter=20"])
    assert options == {"name": "x", "day": "2024-02-03", "list": [1, {"a": 2.5}], "train": {"total_iter": 20}}
    assert not isinstance(options["day"], datetime.date)
    assert written_options([]) == {}


def test_they_can_be_read_as_an_option_file(tmp_path):
    save_options(BEFORE, tmp_path)
    assert read_option_file(tmp_path / RUN_OPTIONS) == {"kdsr_version": None, **BEFORE}


def test_changes_are_listed_by_their_path():
    now = {"name": "x", "train": {"total_iter": 20, "optim_g": {"type": "Adam", "lr": 1e-4, "betas": [0.9, 0.9]}}}
    expected = [("scale", 4, None), ("train.total_iter", 10, 20), ("train.optim_g.betas", None, [0.9, 0.9])]
    assert list(list_changes(BEFORE, now)) == expected
    assert list(list_changes(BEFORE, BEFORE)) == []


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (changed(total_iter=20), "train.total_iter was 10, is 20: training ends there"),
        (changed(ema_decay=0.9), "train.ema_decay was None, is 0.9: holds from here on"),
        ({**BEFORE, "path": {"pretrain_network_g": "y"}}, "path was None, is {'pretrain_network_g': 'y'}: holds"),
    ],
)
def test_each_change_is_said_with_what_it_does(now, line):
    (said,) = describe_changes(BEFORE, now, state="7.state")
    assert said.startswith(line)


def test_another_name_or_seed_is_not_worth_a_line():
    assert describe_changes(BEFORE, {**BEFORE, "name": "y", "manual_seed": 3}, state=None) == []


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ({**BEFORE, "scale": 2}, "scale was 4, is 2, and its networks are for another scale"),
        (changed(optim_g={"type": "SGD", "lr": 1e-4}), "train.optim_g.type was Adam, is SGD, and its training state"),
    ],
)
def test_what_training_cannot_go_on_with_is_refused(now, what):
    with pytest.raises(SystemExit, match=rf"7\.state does not fit this model: {what}"):
        describe_changes(BEFORE, now, state="7.state")
