"""One folder, one training, with the locks of POSIX, those of Windows, and without any."""

import os
import subprocess
import sys

import pytest

from kdsr_model.run import lock
from kdsr_model.run.lock import lock_experiment, lock_folder

# The module alone: importing all of training would take seconds, and other libraries ask for these modules too.
LOCK_AND_WAIT = """
import importlib.util, socket, sys
from pathlib import Path
{prepare}
spec = importlib.util.spec_from_file_location("lock", sys.argv[1])
lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lock)
print(lock.lock_folder(Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""
POSIX = ""
# The locks of Windows: a byte at the file's position, which nobody else can lock meanwhile, nor read.
WINDOWS = """
import errno, fcntl, os, types
def locking(file, mode, size):
    assert os.lseek(file, 0, os.SEEK_CUR) > 1000, "the text before it must stay readable"
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, size, os.lseek(file, 0, os.SEEK_CUR))
    except BlockingIOError:
        raise OSError(errno.EACCES, "Permission denied")
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
sys.modules["fcntl"] = None
"""
NONE = 'sys.modules["fcntl"] = sys.modules["msvcrt"] = None'


def hold(folder, prepare):
    """Start a process that locks a folder until its input ends; return it and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCK_AND_WAIT.format(prepare=prepare), lock.__file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def test_a_lock_lies_beside_the_folder_and_says_who_has_it(tmp_path):
    assert lock_folder(tmp_path / "experiments" / "run")
    text = (tmp_path / "experiments" / ".run.lock").read_text()
    assert text.startswith(f"process {os.getpid()} on ")
    assert lock_folder(tmp_path / "experiments" / "other")


@pytest.mark.parametrize("prepare", [POSIX, WINDOWS], ids=["posix", "windows"])
def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path, prepare):
    first, answer = hold(tmp_path / "run", prepare)
    assert answer == "True"
    second, answer = hold(tmp_path / "run", prepare)
    assert f"FolderInUse: {tmp_path / 'run'}: process {first.pid} on " in second.communicate()[1]
    first.kill()
    first.communicate()
    third, answer = hold(tmp_path / "run", prepare)
    assert answer == "True"
    third.communicate()


def test_without_any_locks_training_goes_on(tmp_path):
    process, answer = hold(tmp_path / "run", NONE)
    process.communicate()
    assert answer == "False"


def test_a_folder_that_cannot_be_locked_is_remarked_on(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError("no locks here")

    monkeypatch.setattr("kdsr_model.run.lock._lock", refuse)
    (remark,) = lock_experiment(tmp_path / "run")
    assert "a second run in this folder would go unnoticed" in remark
