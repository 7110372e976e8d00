"""SIGTERM and SIGINT: the step is finished and saved; a second signal does not wait."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
from launching import Training, checkpoint, differences, losses, saved_iterations, tiny, train, train_together
from option_files import ROOT, write_options

STOPPED = 75


def options_file(tmp_path, gt_folder, *, total_iter=1_000_000, **changes):
    options = tiny("student", gt_folder, total_iter=total_iter)
    options["logger"]["save_checkpoint_freq"] = 1_000_000
    return write_options(tmp_path / "o.yml", options | changes)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_training_goes_on_with_the_same_bits(tmp_path, root, gt_folder, number):
    file = options_file(tmp_path, gt_folder)
    training = Training(root, file)
    training.wait_for("iter:       3")
    training.signal(number)
    output = training.wait(STOPPED)
    (stopped,) = saved_iterations(root)
    assert max(losses(output)) == stopped
    assert f"{number.name}: training stops here, iteration {stopped} is saved" in output

    end = stopped + 3
    forced = ("--force_yml", f"train:total_iter={end}", f"logger:save_checkpoint_freq={end}")
    resumed = train(root, file, "--auto_resume", *forced)
    assert "not exact" not in resumed
    (tmp_path / "whole").mkdir()
    whole = train(tmp_path / "whole", file, *forced)
    assert differences(checkpoint(tmp_path / "whole", end), checkpoint(root, end)) == []
    assert losses(resumed) == {number: text for number, text in losses(whole).items() if number > stopped}


class SlowStep:
    """Make every step last for minutes."""

    def __call__(self):
        from basicsr.models.sr_model import SRModel

        def sleep(model, current_iter):
            print("in the step", flush=True)
            for _ in range(3000):
                time.sleep(0.1)

        SRModel.optimize_parameters = sleep


def test_a_second_signal_ends_the_process_at_once(root, endless):
    training = Training(root, endless, before=SlowStep())
    training.wait_for("in the step")
    training.signal(signal.SIGINT)
    training.signal(signal.SIGINT)  # passed on by torchrun in the same moment: still the first
    time.sleep(1.2)
    assert training.process.is_alive()
    training.signal(signal.SIGTERM)
    training.wait(128 + signal.SIGTERM)


def test_a_signal_during_validation_does_not_wait_for_its_end(tmp_path, root, gt_folder):
    options = tiny("plain", gt_folder, total_iter=50)
    options["val"] = {
        "val_freq": 2,
        "save_img": False,
        "metrics": {"psnr": {"type": "calculate_psnr", "crop_border": 4}},
    }
    options["datasets"]["val"] = {
        "name": "v",
        "type": "BlindSRBenchmarkDataset",
        "dataroot_gt": str(gt_folder),
        "preset": "gaussian8",
    }
    file = write_options(tmp_path / "o.yml", options)
    training = Training(root, file, before=SignalInValidation())
    output = training.wait(STOPPED)
    assert "SIGTERM: this validation is left out" in output
    assert "# psnr" not in output
    assert saved_iterations(root)[-1] == 2


class SignalInValidation:
    """Send SIGTERM with the third image of a validation, and fail with the fifth."""

    def __call__(self):
        from basicsr.models.sr_model import SRModel

        test, images = SRModel.test, []

        def test_and_signal(model):
            images.append(test(model))
            assert len(images) < 5
            if len(images) == 3:
                os.kill(os.getpid(), signal.SIGTERM)

        SRModel.test = test_and_signal


def test_processes_stop_at_the_same_iteration_though_one_got_the_signal(tmp_path, root, gt_folder, port):
    file = options_file(tmp_path, gt_folder, find_unused_parameters=True)
    ranks = train_together(root, file, port=port)
    ranks[0].wait_for("iter:       3")
    ranks[1].signal(signal.SIGTERM)
    output = [rank.wait(STOPPED) for rank in ranks][0]
    (stopped,) = saved_iterations(root)
    assert max(losses(output)) == stopped
    assert f"A signal to another process: training stops here, iteration {stopped} is saved" in output


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_of_torchrun_and_workers_saves(tmp_path, gt_folder, number):
    options = tiny("plain", gt_folder, total_iter=1_000_000)
    options["datasets"]["train"]["num_worker_per_gpu"] = 2
    file = write_options(tmp_path / "o.yml", options | {"name": f"run_{tmp_path.name}"})
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    script = tmp_path / "train.py"
    script.write_text(f"from kdsr_model.launch import run\nrun('train', {str(tmp_path)!r})\n")
    log = tmp_path / "log.txt"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, str(script), "-opt", str(file), "--launcher", "pytorch"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while len(losses(log.read_text())) < 12 and time.monotonic() < deadline:
            time.sleep(0.05)
        for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):  # as SLURM
            each.send_signal(number)
        assert process.wait(timeout=60) != 0
    output = log.read_text()
    stopped = re.search(r"training stops here, iteration (\d+) is saved", output)
    assert stopped, output
    states = tmp_path.glob("experiments/*/training_states/*.state")
    assert int(stopped[1]) in {int(path.stem) for path in states}
