"""The three ways in, as users type them: our launchers, an unmodified BasicSR checkout, and torchrun."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import basicsr
import pytest
import torch
from option_files import OPTIONS, ROOT, load_options, shrink, student_options, write_options

PACKAGES = ("kdsr_arch", "kdsr_compat", "kdsr_data", "kdsr_model", "kdsr_options")


@pytest.fixture
def clone(tmp_path):
    """Make a clone's folder: its own launchers, so that experiments land there, and the packages."""
    root = tmp_path / "clone"
    root.mkdir()
    shutil.copytree(ROOT / "basicsr", root / "basicsr", ignore=shutil.ignore_patterns("__pycache__"))
    for name in PACKAGES:
        (root / name).symlink_to(ROOT / name)
    return root


@pytest.fixture
def checkout(tmp_path):
    """Make BasicSR's repository as it stands: the released package with the one import that its master has mended."""
    root = tmp_path / "BasicSR"
    shutil.copytree(Path(basicsr.__file__).parent, root / "basicsr", ignore=shutil.ignore_patterns("__pycache__"))
    degradations = root / "basicsr" / "data" / "degradations.py"
    mended = degradations.read_text().replace("transforms.functional_tensor", "transforms.functional")
    degradations.write_text(mended)
    return root


def environment(*python_path):
    # One thread a process: the tests share two cores.
    path = os.pathsep.join(map(str, python_path))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def run(*command, cwd, python_path=(), code=0):
    """Run a command of Python's; return its output, stdout and stderr together."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=environment(*python_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def losses(output):
    """Return the losses by iteration out of a training log."""
    found = re.findall(r"iter:\s+([\d,]+), .*(l_pix: \S+ .*)", output)
    return {int(iteration.replace(",", "")): text.split() for iteration, text in found}


def saved_iterations(root, name="train_kdsr_student"):
    return sorted(int(path.stem) for path in (root / "experiments" / name / "training_states").glob("*.state"))


def test_teacher_then_student_then_test_from_the_clone(clone, gt_folder):
    teacher = shrink(load_options(OPTIONS / "train_kdsr_teacher.yml"), gt_folder=gt_folder)
    teacher["network_g"]["num_feat"] = 12
    log = run("basicsr/train.py", "-opt", write_options(clone / "t.yml", teacher), cwd=clone)
    assert "The teacher is validated with GT as an input" in log
    assert "# psnr:" in log

    student = student_options(gt_folder)
    student["network_g"]["num_feat"] = 12
    student["path"]["pretrain_network_teacher"] = "experiments/train_kdsr_teacher/models/net_g_latest.pth"
    log = run("basicsr/train.py", "-opt", write_options(clone / "s.yml", student), cwd=clone)
    assert "The student's SR network starts from the teacher's." in log
    assert set(losses(log)) == {1, 2}

    test = shrink(load_options(OPTIONS / "test_kdsr_aniso.yml"), gt_folder=gt_folder)
    test["network_g"]["num_feat"] = 12
    test["datasets"]["test_1"] |= {"noise_levels": [0, 20]}
    test["path"]["pretrain_network_g"] = "experiments/train_kdsr_student/models/net_g_latest.pth"
    log = run("basicsr/test.py", "-opt", write_options(clone / "test.yml", test), cwd=clone)
    settings = re.findall(r"Validation Set14_(\S+)", log)
    assert len(settings) == 18
    assert settings[9] == "l1-2_l2-0.2_theta-0_noise-20"
    assert len(list((clone / "results").rglob("*.png"))) == 3 * 18


def test_the_launchers_forced_entries_and_debug_mode_work(clone, gt_folder):
    file = write_options(clone / "s.yml", student_options(gt_folder))
    log = run("basicsr/train.py", "-opt", file, "--force_yml", "train:total_iter=1", "name=other", cwd=clone)
    assert set(losses(log)) == {1}
    assert (clone / "experiments" / "other" / "models" / "net_g_latest.pth").exists()
    run("basicsr/train.py", "-opt", file, "--debug", cwd=clone)
    assert (clone / "experiments" / "debug_train_kdsr_student").is_dir()


def test_an_unmodified_basicsr_checkout_runs_the_same_file(checkout, gt_folder):
    options = student_options(gt_folder)
    options["name"] = "in_basicsr"
    file = write_options(checkout / "s.yml", options)
    log = run("basicsr/train.py", "-opt", file, cwd=checkout, python_path=(checkout, ROOT))
    assert set(losses(log)) == {1, 2}
    assert saved_iterations(checkout, "in_basicsr") == [2]

    log = run("basicsr/train.py", "-opt", file, "--auto_resume", cwd=checkout, python_path=(checkout, ROOT))
    assert "Resuming training from epoch: 1, iter: 2" in log

    options["train"]["pixel_opt"]["loss_wieght"] = 1
    options["datasets"]["train"]["scale"] = 2
    write_options(file, options)
    log = run("basicsr/train.py", "-opt", file, cwd=checkout, python_path=(checkout, ROOT), code=2)
    assert "datasets.train.scale: 2 disagrees with the scale 4 at the top" in log
    assert "Traceback" not in log


NUMBERS = (("lr: 0.0001", "lr: 1e-4"), ("- 150000", "- 1e0"), ("gamma: 0.5", "gamma: 5e-1"))


@pytest.mark.parametrize("place", ["clone", "checkout"])
def test_numbers_may_be_written_as_people_do(place, gt_folder, request):
    folder = request.getfixturevalue(place)
    options = student_options(gt_folder)
    options["train"]["total_iter"] = 3
    file = write_options(folder / "s.yml", options)
    text = file.read_text()
    for old, new in NUMBERS:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text("".join(sorted(text.splitlines(keepends=True), key=lambda line: line.startswith("kdsr_version"))))
    path = (folder, ROOT) if place == "checkout" else ()
    log = run("basicsr/train.py", "-opt", file, "--force_yml", "train:ema_decay=9e-1", cwd=folder, python_path=path)
    assert re.findall(r"iter:       (\d), lr:\(([\d.e-]+),", log) == [
        ("1", "1.000e-04"),
        ("2", "5.000e-05"),
        ("3", "5.000e-05"),
    ]


@pytest.mark.parametrize("key", ["num_gpu", "path"])
def test_a_checkout_names_what_its_parser_takes_for_granted(checkout, gt_folder, key):
    options = student_options(gt_folder)
    del options[key]
    file = write_options(checkout / "s.yml", options)
    log = run("basicsr/train.py", "-opt", file, cwd=checkout, python_path=(checkout, ROOT), code=2)
    assert f"{key}: is missing" in log
    assert "Traceback" not in log


def test_other_basicsr_models_are_left_alone_by_the_plugin(checkout, gt_folder):
    options = student_options(gt_folder)
    edsr = shrink(load_options(OPTIONS / "compare" / "train_edsr.yml"), gt_folder=gt_folder)
    options |= {"model_type": "SRModel", "network_g": edsr["network_g"], "train": edsr["train"], "name": "edsr"}
    del options["path"]["pretrain_network_teacher"]
    options["network_g"]["upscale"] = 4
    file = write_options(checkout / "e.yml", options)
    assert set(losses(run("basicsr/train.py", "-opt", file, cwd=checkout, python_path=(checkout, ROOT)))) == {1, 2}


def test_two_processes_train_together_without_cuda(clone, gt_folder):
    options = shrink(load_options(OPTIONS / "train_kdsr_student_aniso_noise.yml"), gt_folder=gt_folder, total_iter=4)
    options["val"]["per_setting"] = False
    options["train"]["estimator_warmup_iter"] = 2
    options["logger"]["save_checkpoint_freq"] = 2
    file = write_options(clone / "s.yml", options)
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone")
    launcher = (*torchrun, "basicsr/train.py", "-opt", file, "--launcher", "pytorch")
    log = run(*launcher, cwd=clone)
    assert "world_size: 2" in log
    assert set(losses(log)) == {3, 4}
    assert "# psnr:" in log
    log = run(*launcher, "--auto_resume", cwd=clone)
    assert re.search(r"Resuming training from epoch: \d, iter: 4", log)


def test_wrong_options_are_reported_once_by_two_processes(clone, gt_folder):
    options = student_options(gt_folder)
    options["sclae"] = 4
    file = write_options(clone / "s.yml", options)
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone")
    log = run(*torchrun, "basicsr/train.py", "-opt", file, "--launcher", "pytorch", cwd=clone, code=1)
    said = "sclae: unknown key; did you mean 'scale'?"
    assert log[: log.index("Traceback")].count(said) == 1
    assert said in "".join(log.splitlines(keepends=True)[-5:])  # torchrun's own trace does not bury it


def resumable(clone, gt_folder, total_iter):
    options = student_options(gt_folder)
    options["train"]["total_iter"] = total_iter
    options["logger"]["save_checkpoint_freq"] = 1
    return write_options(clone / "s.yml", options)


def test_training_reaches_its_last_iteration_with_incomplete_batches(clone, gt_folder):
    # Three images and batches of two: one batch an epoch, where BasicSR counts two.
    log = run("basicsr/train.py", "-opt", resumable(clone, gt_folder, 7), cwd=clone)
    assert max(losses(log)) == 7


def test_fewer_images_than_a_batch_are_refused(clone, gt_folder):
    options = student_options(gt_folder)
    options["datasets"]["train"]["batch_size_per_gpu"] = 4
    log = run("basicsr/train.py", "-opt", write_options(clone / "s.yml", options), cwd=clone, code=1)
    assert "datasets.train: 3 images are fewer than one batch; raise dataset_enlarge_ratio" in log
    assert "Traceback" not in log


def test_training_resumes_from_the_newest_complete_state(clone, gt_folder):
    run("basicsr/train.py", "-opt", resumable(clone, gt_folder, 3), cwd=clone)
    experiment = clone / "experiments" / "train_kdsr_student"
    torn = experiment / "training_states" / "3.state"
    torn.write_bytes(torn.read_bytes()[:-100])
    (experiment / "models" / "net_g_2.pth").write_bytes(b"")
    log = run("basicsr/train.py", "-opt", resumable(clone, gt_folder, 4), "--auto_resume", cwd=clone)
    assert "3.state is missing or incomplete (was training stopped while saving?): trying an earlier one" in log
    assert "net_g_2.pth is missing or incomplete" in log
    assert "iter: 1." in re.search(r"Resuming training from .*", log)[0]
    assert set(losses(log)) == {2, 3, 4}
    assert torch.load(torn, weights_only=True)["iter"] == 3


def test_training_resumes_from_the_state_that_the_file_names(clone, gt_folder):
    run("basicsr/train.py", "-opt", resumable(clone, gt_folder, 2), cwd=clone)
    options = student_options(gt_folder)
    options["train"]["total_iter"] = 3
    options["path"]["resume_state"] = "experiments/train_kdsr_student/training_states/1.state"
    file = write_options(clone / "s.yml", options)
    assert set(losses(run("basicsr/train.py", "-opt", file, cwd=clone))) == {2, 3}

    state = clone / options["path"]["resume_state"]
    state.write_bytes(state.read_bytes()[:500])
    log = run("basicsr/train.py", "-opt", file, cwd=clone, code=1)
    assert "1.state is not a complete training state; take an earlier one" in log
    assert "Traceback" not in log


def test_training_resumes_after_kill_in_the_middle_of_a_save(clone, gt_folder):
    file = resumable(clone, gt_folder, 10_000)
    for wait in (0, 0.013, 0.037):
        process = subprocess.Popen(
            [sys.executable, "basicsr/train.py", "-opt", str(file), "--auto_resume"],
            cwd=clone,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        reached = max(saved_iterations(clone), default=0)
        deadline = time.monotonic() + 60
        while max(saved_iterations(clone), default=0) < reached + 3 and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    newest = max(saved_iterations(clone))
    log = run("basicsr/train.py", "-opt", resumable(clone, gt_folder, newest + 2), "--auto_resume", cwd=clone)
    assert newest + 2 in losses(log)
    assert int(re.search(r"Resuming training from epoch: \d+, iter: (\d+)", log)[1]) >= newest - 1


def test_the_gan_stage_trains_in_two_processes(clone, gt_folder):
    options = shrink(load_options(OPTIONS / "real_world/train_kdsr_real_student_gan.yml"), gt_folder=gt_folder)
    options["train"] |= {"estimator_warmup_iter": 1, "total_iter": 3}
    options["find_unused_parameters"] = True
    options["val"]["tile_size"] = 16
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone")
    file = write_options(clone / "g.yml", options)
    log = run(*torchrun, "basicsr/train.py", "-opt", file, "--launcher", "pytorch", cwd=clone)
    assert "l_d_fake: " in log
    assert "l_g_gan: " in log
    assert "End of training" in log
