"""Trainings in processes of their own, for tests that kill them: forked from a process that has imported everything.

Starting Python and importing PyTorch and BasicSR takes seconds, a fork milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from option_files import OPTIONS, load_options, shrink

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["launching", "kdsr_model.launch", "basicsr.train"])
LOSS_LINE = re.compile(r"iter:\s+([\d,]+), lr:\(([^)]*)\)\].*?\] (.*)")
KINDS = {
    "teacher": "train_kdsr_teacher.yml",
    "student": "train_kdsr_student.yml",
    "gan": "real_world/train_kdsr_real_student_gan.yml",
    "plain": "compare/train_edsr.yml",
}


def tiny(kind: str, gt_folder: Path, **train: Any) -> dict[str, Any]:
    """Return tiny options with a moving average: of a 'teacher', 'student', 'gan', or a 'plain' `SRModel`."""
    options = shrink(load_options(OPTIONS / KINDS[kind]), gt_folder=gt_folder)
    options["name"] = "run"
    options["datasets"] = {"train": options["datasets"]["train"]}
    # 18 samples: nine batches an epoch, or four with two processes.
    options["datasets"]["train"]["dataset_enlarge_ratio"] = 6
    options["val"] = None
    options["train"] |= {"ema_decay": 0.9, **train}
    return options


class Training:
    """A training started in a folder that holds no launcher of its own.

    Args:
        root: gets the folder `experiments`.
        file: the option file.
        arguments: what the command line has beside it.
        before: called in the new process, before anything else.
        environment: variables of the new process.
    """

    def __init__(
        self,
        root: Path,
        file: Path,
        *arguments: str,
        before: Callable[[], None] | None = None,
        environment: dict[str, str] | None = None,
    ):
        rank = (environment or {}).get("RANK", "")
        self.log_file = root / f"output{rank}.txt"
        command = ["train.py", "-opt", str(file), *arguments]
        self.process = _context.Process(
            target=_train, args=(root, command, self.log_file, before, environment or {}), daemon=False
        )
        self.process.start()

    def wait(self, code: int | None = 0) -> str:
        """Wait for the end, which has this exit code (None: any); return the output."""
        self.process.join(timeout=300)
        output = self.log_file.read_text()
        assert code is None or self.process.exitcode == code, f"exit code {self.process.exitcode}\n{output}"
        return output

    def signal(self, number: int) -> None:
        """Send a signal, if the process still runs."""
        if self.process.is_alive():
            os.kill(self.process.pid, number)

    def wait_for(self, text: str, *, count: int = 1) -> None:
        """Wait until the output has a text so many times."""
        wait_until(lambda: self.log_file.exists() and self.log_file.read_text().count(text) >= count)


def train(root: Path, file: Path, *arguments: str, code: int | None = 0, **kwargs: Any) -> str:
    """Train to the end and give the output."""
    return Training(root, file, *arguments, **kwargs).wait(code)


def train_together(root: Path, file: Path, *arguments: str, port: int, size: int = 2) -> list[Training]:
    """Start the processes of one distributed training."""
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = ("--launcher", "pytorch", *arguments)
    return [Training(root, file, *command, environment={**shared, "RANK": str(rank)}) for rank in range(size)]


def free_port() -> int:
    """Find a port that is free."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _train(root: Path, command: list[str], log_file: Path, before: Callable | None, environment: dict) -> None:
    from kdsr_model.launch import run

    descriptor = os.open(log_file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    os.environ.update(environment)
    multiprocessing.set_start_method("fork", force=True)  # for data workers, as in a process that was not forked
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    sys.argv = command
    if before is not None:
        before()
    try:
        run("train", root)
    except Exception:  # as Python itself does at the end of a program
        sys.excepthook(*sys.exc_info())
        raise SystemExit(1) from None


def wait_until(is_true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def losses(output: str) -> dict[int, tuple[str, str]]:
    """Return learning rates and losses by iteration, as the log has them."""
    return {int(number.replace(",", "")): (rates, text) for number, rates, text in LOSS_LINE.findall(output)}


def saved_iterations(root: Path) -> list[int]:
    """List the iterations whose training state is there."""
    return sorted(int(path.stem) for path in (root / "experiments/run/training_states").glob("*.state"))


def checkpoint(root: Path, iteration: int) -> dict[str, Any]:
    """Load everything that a run has saved at an iteration, by file name."""
    folder = root / "experiments" / "run"
    files = [folder / "training_states" / f"{iteration}.state", *(folder / "models").glob(f"net_*_{iteration}.pth")]
    return {path.name: torch.load(path, weights_only=True) for path in files}


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """List where two nested values differ; tensors must agree in every bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [text for key in keys for text in differences(one.get(key), other.get(key), f"{where}/{key}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [text for number, pair in pairs for text in differences(*pair, f"{where}/{number}")]
    if torch.is_tensor(one) and torch.is_tensor(other):
        return [] if torch.equal(one, other) else [where]
    return [] if type(one) is type(other) and one == other else [where]
