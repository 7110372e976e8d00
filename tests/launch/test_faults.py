"""What goes wrong while training runs, caused on purpose: a message follows, and the last good checkpoint stays."""

import math
import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest
import torch
from launching import Training, checkpoint, losses, saved_iterations, tiny, train, wait_until
from option_files import write_options
from PIL import Image

CANNOT_SAVE, FAILED = 74, 1
faults = pytest.mark.faults


def experiment(root):
    return root / "experiments" / "run"


def resumed_from(output):
    return int(output.split("Resuming training from epoch: ")[1].split("iter: ")[1].split(".")[0])


@pytest.mark.parametrize("cycles", [3, pytest.param(50, marks=faults)])
def test_every_kill_during_a_save_is_followed_by_a_resume(root, endless, cycles):
    draw = random.Random(0)
    for _ in range(cycles):
        before = max(saved_iterations(root), default=0)
        training = Training(root, endless, "--auto_resume")
        wait_until(lambda before=before: max(saved_iterations(root), default=0) >= before + 2)
        models, begun = experiment(root) / "models", draw.choice([".net_g_*.tmp", "net_g_*.pth"])
        seen = set(models.glob(begun))
        wait_until(lambda models=models, begun=begun, seen=seen: set(models.glob(begun)) - seen)  # a save has begun
        time.sleep(draw.uniform(0, 0.004))
        training.signal(signal.SIGKILL)
        output = training.wait(-signal.SIGKILL)
        if before:
            assert resumed_from(output) >= before
    newest = saved_iterations(root)[-1]
    last = train(root, endless, "--auto_resume", "--force_yml", f"train:total_iter={newest + 2}")
    assert resumed_from(last) >= newest - 1
    assert newest + 2 in losses(last)
    assert not list(experiment(root).rglob("*.tmp"))


class SmallFiles:
    """Let the system refuse files of more than so many bytes, as a full disk does."""

    def __init__(self, size):
        self.size = size

    def __call__(self):
        from kdsr_model.run import whole_files as checkpoints

        checkpoints.time = type("NoWait", (), {"sleep": staticmethod(lambda seconds: None)})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))


def test_a_checkpoint_that_cannot_be_written_ends_training_with_its_path_and_size(root, endless):
    train(root, endless, "--force_yml", "train:total_iter=2")
    before = checkpoint(root, 2)
    output = train(
        root, endless, "--auto_resume", "--force_yml", "name=run", code=CANNOT_SAVE, before=SmallFiles(8_000)
    )
    assert "net_g_3.pth cannot be written (File too large); it needs 0.1 MB" in output
    assert "Traceback" not in output
    assert saved_iterations(root) == [1, 2]
    assert checkpoint(root, 2).keys() == before.keys()
    assert not list(experiment(root).rglob("*.tmp"))
    output = train(root, endless, "--auto_resume", "--force_yml", "train:total_iter=4")
    assert resumed_from(output) == 2


@faults
@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root")
def test_a_full_disk_ends_training_and_room_lets_it_go_on(tmp_path, endless):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        forced = ("--force_yml", "logger:keep_checkpoints=100")
        output = train(disk, endless, *forced, code=CANNOT_SAVE)
        assert "No space left on device" in output
        last = saved_iterations(disk)[-1]
        for number in saved_iterations(disk)[:-1]:
            (experiment(disk) / "training_states" / f"{number}.state").unlink()
            (experiment(disk) / "models" / f"net_g_{number}.pth").unlink()
        output = train(disk, endless, "--auto_resume", "--force_yml", f"train:total_iter={last + 1}")
        assert resumed_from(output) == last
    finally:
        subprocess.run(["umount", str(disk)], check=True)


class Foreign:
    """Runs code where a file is unpickled without care."""

    def __reduce__(self):
        return os.mkdir, ("code_was_run",)


def test_torn_and_foreign_states_are_passed_over_and_named(root, endless, monkeypatch):
    monkeypatch.chdir(root)
    train(root, endless, "--force_yml", "train:total_iter=3")
    states = experiment(root) / "training_states"
    (states / "2.state").write_bytes((states / "2.state").read_bytes()[:500])
    (states / "4.state").write_text("not a state at all")
    torch.save({"iter": 5}, states / "5.state")
    (states / "6.state").write_bytes(pickle.dumps(Foreign()))
    torch.save(Foreign(), states / "7.state")
    shutil.copyfile(states / "3.state", states / "8.state")
    (states / "notes.state").write_text("of the user")
    (experiment(root) / "models" / "net_g_3.pth").unlink()
    output = train(root, endless, "--auto_resume", "--force_yml", "train:total_iter=4")
    for number in (2, 4, 5, 6, 7, 8):
        assert f"{number}.state is missing or incomplete" in output
    assert "net_g_3.pth is missing or incomplete" in output
    assert resumed_from(output) == 1
    assert not (root / "code_was_run").exists()


def test_the_state_of_another_model_is_refused(root, tmp_path, gt_folder):
    train(root, write_options(tmp_path / "s.yml", tiny("student", gt_folder, total_iter=2)))
    options = tiny("plain", gt_folder, total_iter=3)
    options["path"] |= {"resume_state": str(experiment(root) / "training_states" / "2.state")}
    options["path"]["ignore_resume_networks"] = ["network_g"]
    output = train(root, write_options(tmp_path / "p.yml", options), code=FAILED)
    assert "2.state does not fit this model" in output
    assert "Traceback" not in output


def test_so_many_checkpoints_are_kept_as_the_options_say(root, endless):
    train(root, endless, "--force_yml", "train:total_iter=6")
    assert saved_iterations(root) == [4, 5, 6]
    names = sorted(path.name for path in (experiment(root) / "models").iterdir())
    assert names == ["net_g_4.pth", "net_g_5.pth", "net_g_6.pth", "net_g_latest.pth"]


def test_a_second_run_in_the_same_folder_is_refused(root, endless):
    first = Training(root, endless)
    wait_until(lambda: 2 in saved_iterations(root))
    log_file = first.log_file.rename(root / "first.txt")
    for arguments in ((), ("--auto_resume",)):
        output = train(root, endless, *arguments, code=FAILED)
        assert f"experiments/run: process {first.process.pid} on " in output
        assert "trains in this folder; wait for its end, or give this run another name" in output
    first.log_file = log_file
    first.signal(signal.SIGTERM)
    first.wait(75)
    assert [path.name for path in (root / "experiments").iterdir() if path.is_dir()] == ["run"]


class DyingWorker:
    """Have a data worker killed, as the system does when memory runs out."""

    def __call__(self):
        from torch.utils.data import get_worker_info

        from kdsr_data import DegradedImageDataset

        read = DegradedImageDataset.__getitem__

        def read_or_die(data_set, index):
            if get_worker_info() and get_worker_info().id == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return read(data_set, index)

        DegradedImageDataset.__getitem__ = read_or_die


def test_a_worker_that_dies_ends_training_with_advice(root, tmp_path, gt_folder):
    options = tiny("plain", gt_folder, total_iter=20)
    options["datasets"]["train"]["num_worker_per_gpu"] = 2
    output = train(root, write_options(tmp_path / "o.yml", options), code=FAILED, before=DyingWorker())
    assert "Training stops: a process that reads data has died" in output
    assert "lower num_worker_per_gpu" in output
    before = output.split("Training stops")[0]
    # PyTorch raises it out of a signal. Where Python cannot pass it on at that moment, it prints that, and PyTorch's
    # loader raises it again.
    assert "RuntimeError" not in before or "Exception ignored" in before


def test_a_learning_rate_that_makes_losses_infinite_never_spoils_a_checkpoint(root, tmp_path, gt_folder):
    for kind, code in (("teacher", FAILED), ("plain", CANNOT_SAVE)):
        options = tiny(kind, gt_folder, total_iter=300)
        options["train"]["optim_g"]["lr"] = 1e30
        options["logger"]["save_checkpoint_freq"] = 20
        if kind == "teacher":
            options["train"]["max_bad_steps"] = 5
        output = train(root, write_options(tmp_path / "o.yml", options), code=code)
        assert "Training stops: " in output
        assert "lower train.optim_g.lr" in output
        for path in experiment(root).rglob("*.pth"):
            weights = torch.load(path, weights_only=True)["params"]
            assert all(math.isfinite(float(value.sum())) for value in weights.values())


def test_images_that_vanish_or_spoil_while_training_runs_are_replaced(root, endless, gt_folder):
    training = Training(root, endless)
    wait_until(lambda: 2 in saved_iterations(root))
    (gt_folder / "a.png").unlink()
    (gt_folder / "b.png").write_bytes(b"spoilt")
    training.wait_for("Image left out", count=2)
    reached = saved_iterations(root)[-1]
    wait_until(lambda: saved_iterations(root)[-1] > reached + 3)
    training.signal(signal.SIGTERM)
    output = training.wait(75)
    assert "a.png: cannot be read" in output
    assert "b.png: not a picture" in output


def test_a_data_set_that_has_grown_before_a_resume_is_said_and_trained_to_the_end(root, endless, gt_folder):
    train(root, endless, "--force_yml", "train:total_iter=30")
    for number in range(40):
        Image.new("RGB", (96, 72)).save(gt_folder / f"new{number}.png")
    output = train(root, endless, "--auto_resume", "--force_yml", "train:total_iter=33")
    assert "This resume is not exact: the number of samples in an epoch was 18, is 258." in output
    assert set(losses(output)) == {31, 32, 33}


def test_another_seed_and_batch_size_are_said_to_be_no_exact_resume(root, endless):
    train(root, endless, "--force_yml", "train:total_iter=2")
    forced = ("train:total_iter=3", "manual_seed=77", "datasets:train:batch_size_per_gpu=3")
    output = train(root, endless, "--auto_resume", "--force_yml", *forced)
    assert "not exact: manual_seed was 0, is 77; the batch size of a process was 2, is 3." in output
    assert "Going on after batch 1 of 6 in the epoch" in output


def test_basicsr_alone_loads_the_checkpoints(root, endless):
    from basicsr.models.base_model import BaseModel

    train(root, endless, "--force_yml", "train:total_iter=2")
    state = torch.load(experiment(root) / "training_states" / "2.state", weights_only=True)
    assert state["kdsr"]["batches"] == 2
    network = torch.nn.Linear(2, 2)
    model = BaseModel({"num_gpu": 0, "is_train": True})
    model.optimizers = [torch.optim.Adam(network.parameters())]
    model.schedulers = [torch.optim.lr_scheduler.MultiStepLR(model.optimizers[0], [1])]
    model.optimizers[0].load_state_dict = lambda values: None  # of another network
    model.resume_training(state)
    assert model.schedulers[0].last_epoch == state["schedulers"][0]["last_epoch"]
