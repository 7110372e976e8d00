"""A training that was stopped and goes on ends with the bits of one that never stopped."""

import multiprocessing
import os
import re
import signal

import pytest
import torch
from launching import checkpoint, differences, free_port, losses, saved_iterations, tiny, train, train_together
from option_files import write_options

TOTAL = 14  # one and a half epochs of nine batches
faults = pytest.mark.faults


class KillAt:
    """Have a process kill itself, as a machine that fails does, after so many iterations."""

    def __init__(self, iteration):
        self.iteration = iteration

    def __call__(self):
        from basicsr.utils import MessageLogger

        logged = MessageLogger.__call__

        def log_and_kill(message_logger, variables):
            now = variables["iter"]
            logged(message_logger, variables)
            if now == self.iteration:
                os.kill(os.getpid(), signal.SIGKILL)

        MessageLogger.__call__ = log_and_kill


def options_of(kind, gt_folder, *, num_workers=0, save_every=7, **changes):
    options = tiny(kind, gt_folder, total_iter=TOTAL)
    options["logger"]["save_checkpoint_freq"] = save_every
    options["datasets"]["train"]["num_worker_per_gpu"] = num_workers
    if kind in ("student", "gan"):
        options["train"]["estimator_warmup_iter"] = 3
    return options | changes


@pytest.fixture
def whole(tmp_path):
    (tmp_path / "whole").mkdir()
    return tmp_path / "whole"


@pytest.fixture
def killed(tmp_path):
    (tmp_path / "killed").mkdir()
    return tmp_path / "killed"


def assert_same_end(whole, killed, *, output, resumed_output, after):
    found = differences(checkpoint(whole, TOTAL), checkpoint(killed, TOTAL))
    assert [where for where in found if "best_metric_results" not in where] == []
    expected = {number: text for number, text in losses(output).items() if number > after}
    assert len(expected) == TOTAL - after
    assert losses(resumed_output) == expected


@pytest.mark.parametrize(
    ("kind", "num_workers"),
    [
        ("plain", 0),
        ("gan", 2),
        pytest.param("teacher", 0, marks=faults),
        pytest.param("teacher", 2, marks=faults),
        pytest.param("student", 2, marks=faults),
        pytest.param("gan", 0, marks=faults),
        pytest.param("plain", 2, marks=faults),
    ],
)
def test_a_killed_training_goes_on_with_the_same_bits(tmp_path, gt_folder, whole, killed, kind, num_workers):
    file = write_options(tmp_path / "o.yml", options_of(kind, gt_folder, num_workers=num_workers))
    output = train(whole, file)
    train(killed, file, before=KillAt(9), code=-signal.SIGKILL)
    assert saved_iterations(killed) == [7]
    resumed_output = train(killed, file, "--auto_resume")
    assert "Going on after batch 7 of 9 in the epoch" in resumed_output
    assert "not exact" not in resumed_output
    assert_same_end(whole, killed, output=output, resumed_output=resumed_output, after=7)


@pytest.mark.parametrize("kill_after", [4, 9, *(pytest.param(n, marks=faults) for n in (1, 2, 3, 5, 8, 10, 12, 13))])
def test_a_student_killed_after_any_iteration_goes_on_with_the_same_bits(
    tmp_path, gt_folder, whole, killed, kill_after
):
    validation = {"val_freq": 2, "save_img": False, "metrics": {"psnr": {"type": "calculate_psnr", "crop_border": 4}}}
    options = options_of("student", gt_folder, save_every=1, val=validation)
    set_of_one = {
        "name": "v",
        "type": "DegradedImageDataset",
        "dataroot_gt": str(gt_folder),
        "io_backend": {"type": "disk"},
    }
    options["datasets"]["val"] = set_of_one | {"degradation": {"type": "ClassicDegradation", "sigma": 2.0}}
    file = write_options(tmp_path / "o.yml", options)
    output = train(whole, file)
    train(killed, file, before=KillAt(kill_after), code=-signal.SIGKILL)
    resumed_output = train(killed, file, "--auto_resume")
    # Killed before it could save that iteration.
    assert_same_end(whole, killed, output=output, resumed_output=resumed_output, after=kill_after - 1)
    if kill_after % 2 == 0:  # else the checkpoint is older than the validation of its own iteration, which is lost
        assert re.findall(r"Best: (.*)", resumed_output)[-1] == re.findall(r"Best: (.*)", output)[-1]


@pytest.mark.parametrize(
    ("kind", "num_workers"),
    [("student", 0), pytest.param("gan", 0, marks=faults), pytest.param("plain", 2, marks=faults)],
)
def test_two_killed_processes_go_on_with_the_same_bits(tmp_path, gt_folder, whole, killed, kind, num_workers):
    options = options_of(kind, gt_folder, num_workers=num_workers, find_unused_parameters=kind != "plain", save_every=2)
    del options["manual_seed"]  # each process would draw another one
    file = write_options(tmp_path / "o.yml", options)
    ranks = train_together(whole, file, port=free_port())
    output = [rank.wait() for rank in ranks][0]
    ranks = train_together(killed, file, port=free_port())
    ranks[0].wait_for("iter:       5")
    for rank in ranks:
        rank.signal(signal.SIGKILL)
    for rank in ranks:
        rank.wait(code=None)
    after = saved_iterations(killed)[-1]
    ranks = train_together(killed, file, "--auto_resume", port=free_port())
    resumed_output = [rank.wait() for rank in ranks][0]
    seeds = {torch.load(path, weights_only=True)["kdsr"]["seed"] for path in killed.rglob("*.state")}
    assert len(seeds) == 1
    state = next(iter(checkpoint(killed, after).values()))
    assert state["kdsr"]["batches"] == (after - 1) % 4 + 1  # 18 samples: four batches of two for each process
    resumed_seed = seeds.pop()
    options["manual_seed"] = resumed_seed
    file = write_options(tmp_path / "seeded.yml", options)
    again = [rank.wait() for rank in train_together(whole, file, port=free_port())][0]
    assert losses(again) != losses(output)  # the first run drew another seed
    assert_same_end(whole, killed, output=again, resumed_output=resumed_output, after=after)


def spawn_workers():
    """Have data workers start afresh instead of as a copy of their parent, as on macOS and Windows."""
    multiprocessing.set_start_method("spawn", force=True)


def test_spawned_workers_read_the_same_samples_as_forked_ones(tmp_path, gt_folder, whole, killed):
    options = options_of("plain", gt_folder, num_workers=1)
    file = write_options(tmp_path / "o.yml", options)
    forced = ("--force_yml", "train:total_iter=7")  # within the first epoch: spawning takes seconds
    forked = train(whole, file, *forced)
    spawned = train(killed, file, *forced, before=spawn_workers)
    assert losses(spawned) == losses(forked)
    assert len(losses(spawned)) == 7


@pytest.mark.parametrize(("kind", "param_key"), [("student", None), ("student", "state_dict"), ("plain", None)])
def test_the_key_of_pretrained_weights_does_not_choose_among_a_checkpoints(tmp_path, gt_folder, whole, kind, param_key):
    options = options_of(kind, gt_folder)
    options["path"]["param_key_g"] = param_key
    file = write_options(tmp_path / "o.yml", options)
    output = train(whole, file)
    before = checkpoint(whole, TOTAL)
    (whole / f"experiments/run/training_states/{TOTAL}.state").unlink()
    resumed_output = train(whole, file, "--auto_resume")
    assert differences(before, checkpoint(whole, TOTAL)) == []
    expected = {number: text for number, text in losses(output).items() if number > 7}
    assert losses(resumed_output) == expected
