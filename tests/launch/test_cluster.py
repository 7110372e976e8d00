"""docs/cluster.md: several nodes, here on one machine, and the SLURM script with stand-ins for SLURM's commands."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from launching import losses, saved_iterations, tiny, train, train_together, wait_until
from option_files import ROOT, save_student, write_options
from PIL import Image

TEXT = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
(SCRIPT,) = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = [
    " ".join(text.replace("\\\n", "").split()) for text in re.findall(r"```bash\n(torchrun .*?)```", TEXT, re.DOTALL)
]

SRUN = """#!{python}
import os, signal, subprocess, sys
command = [text for text in sys.argv[1:] if not text.startswith("--")]
numbers = range(int(os.environ["SLURM_NTASKS"]))
tasks = [
    subprocess.Popen(command, env={{**os.environ, "SLURM_PROCID": str(n), "SLURM_LOCALID": str(n)}}) for n in numbers
]
signal.signal(signal.SIGTERM, lambda number, frame: [task.send_signal(number) for task in tasks])
open("srun.pid", "w").write(str(os.getpid()))
sys.exit(max(task.wait() for task in tasks))
"""
SCONTROL = """#!/bin/sh
if [ "$1" = show ]; then echo 127.0.0.1; echo other; else echo "$@" >> requeued; fi
"""


def options(gt_folder, tmp_path, *, batch_size=2, total_iter=6, save_every=3):
    """Write the options of a plain training of 18 samples an epoch."""
    tiny_options = tiny("plain", gt_folder, total_iter=total_iter)
    tiny_options["manual_seed"] = 3
    tiny_options["datasets"]["train"]["batch_size_per_gpu"] = batch_size
    tiny_options["logger"]["save_checkpoint_freq"] = save_every
    return write_options(tmp_path / f"batch_{batch_size}.yml", tiny_options)


def pixel_losses(output):
    return {number: float(re.search(r"l_pix: (\S+)", text)[1]) for number, (_, text) in losses(output).items()}


def test_a_training_of_two_processes_goes_on_alone_with_the_same_whole_batch(tmp_path, gt_folder, root, port):
    alone = tmp_path / "alone"
    file = options(gt_folder, tmp_path)
    together = [training.wait() for training in train_together(root, file, port=port)][0]
    shutil.copytree(root, alone)
    for path in alone.rglob("*_6.pth"):
        path.unlink()
    next(alone.rglob("6.state")).unlink()
    output = train(alone, options(gt_folder, tmp_path, batch_size=4), "--auto_resume")
    assert "the number of processes was 2, is 1" in output
    expected, found = pixel_losses(together), pixel_losses(output)
    assert set(found) == {4, 5, 6}
    for number, loss in found.items():
        assert loss == pytest.approx(expected[number], rel=1e-3)


@pytest.fixture
def clone(tmp_path):
    """A clone's folder in which `.venv/bin/python` is this Python."""
    folder = tmp_path / "clone"
    (folder / ".venv/bin").mkdir(parents=True)
    shutil.copytree(ROOT / "basicsr", folder / "basicsr")  # launchers write beside themselves
    for package in ROOT.glob("kdsr_*"):
        (folder / package.name).symlink_to(package)
    write_program(folder / ".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    return folder


def write_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def environment(**variables):
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": "", **variables}


def run_on_two_nodes(command, folder, port):
    """Run a command of the page on two nodes with a process each; return both outputs."""
    for old, new in {"NODE0": "127.0.0.1", "29500": str(port), "--nproc_per_node 4": "--nproc_per_node 1"}.items():
        assert old in command
        command = command.replace(old, new)
    arguments = command.split()[1:]
    nodes = []
    for number in range(2):
        arguments[arguments.index("--node_rank") + 1] = str(number)
        launcher = [sys.executable, "-m", "torch.distributed.run", *arguments]
        with (folder / f"node{number}.txt").open("w") as log:
            nodes.append(subprocess.Popen(launcher, cwd=folder, env=environment(), stdout=log, stderr=log))
    codes = [node.wait(timeout=300) for node in nodes]
    outputs = [(folder / f"node{number}.txt").read_text() for number in range(2)]
    assert codes == [0, 0], "\n".join(outputs)
    return outputs


@pytest.mark.faults
def test_two_nodes_train_together(clone, gt_folder, tmp_path, port):
    (clone / "my_options").mkdir()
    shutil.move(options(gt_folder, tmp_path), clone / "my_options/train_kdsr_student.yml")
    first, second = run_on_two_nodes(COMMANDS[0], clone, port)
    assert "world_size: 2" in first
    assert set(losses(first)) == {1, 2, 3, 4, 5, 6}
    assert not losses(second)
    assert saved_iterations(clone) == [3, 6]


@pytest.mark.faults
def test_two_nodes_share_the_pictures(clone, tmp_path, port):
    (clone / "photos").mkdir()
    for number in range(5):
        Image.new("RGB", (10, 6), (50 * number, 100, 100)).save(clone / f"photos/{number}.png")
    save_student(clone / "net.pth")
    first, second = run_on_two_nodes(COMMANDS[1], clone, port)
    assert "5 made in " in first
    assert " made in " not in second
    assert sorted(path.name for path in (clone / "large").iterdir()) == [f"{number}.png" for number in range(5)]


@pytest.mark.faults
def test_the_slurm_script_saves_at_the_signal_and_asks_to_be_started_again(clone, gt_folder, tmp_path, port):
    (clone / "my_options").mkdir()
    shutil.move(
        options(gt_folder, tmp_path, total_iter=1_000_000, save_every=1_000_000),
        clone / "my_options/train_kdsr_student.yml",
    )
    (clone / "bin").mkdir()
    write_program(clone / "bin/srun", SRUN.format(python=sys.executable))
    write_program(clone / "bin/scontrol", SCONTROL)
    write_program(clone / "job.sh", SCRIPT.replace("29500", str(port)))
    slurm = {"SLURM_JOB_NODELIST": "node[0-1]", "SLURM_JOB_ID": "17", "SLURM_NTASKS": "2"}
    with (clone / "job.txt").open("w") as log:
        job = subprocess.Popen(
            ["bash", "job.sh"],
            cwd=clone,
            env=environment(**slurm, PATH=f"{clone / 'bin'}{os.pathsep}{os.environ['PATH']}"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: "iter:       3" in (clone / "job.txt").read_text())
        os.kill(int((clone / "srun.pid").read_text()), 15)
        assert job.wait(timeout=120) == 75
    output = (clone / "job.txt").read_text()
    assert (clone / "requeued").read_text() == "requeue 17\n"
    assert saved_iterations(clone) == [max(losses(output))]
