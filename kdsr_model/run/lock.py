"""One experiment folder, one training: a lock beside the folder, which the system releases with the process.

POSIX has record locks (`fcntl`), Windows has its own (`msvcrt`). The package filelock is no choice: the lock that it
takes on POSIX (`flock`) is inherited by forked data workers, which may outlive a killed training and would keep it.
"""

from __future__ import annotations

import importlib
import os
import socket
import time
from pathlib import Path
from typing import Any


def _import_or_none(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


fcntl, msvcrt = _import_or_none("fcntl"), _import_or_none("msvcrt")

LOCK_SUFFIX = ".lock"
# Windows lets nobody read what is locked, so there a byte is locked that lies behind the text.
LOCKED_BYTE = 1 << 20
# The open lock file: a process trains in one folder at a time.
_held: list[int] = []


class FolderInUse(RuntimeError):
    """Another training writes into the folder."""


def lock_experiment(folder: Path) -> tuple[str, ...]:
    """Lock an experiment's folder; return what the log should say about it.

    Raises:
        SystemExit: another training writes into it.
    """
    try:
        is_locked = lock_folder(folder)
    except FolderInUse as error:
        raise SystemExit(str(error)) from None
    return () if is_locked else ("this file system has no locks, so a second run in this folder would go unnoticed.",)


def lock_folder(folder: Path) -> bool:
    """Lock a folder until this process ends or locks another; return False where the file system has no locks.

    The lock file lies beside the folder, because BasicSR renames a folder that is there already.

    Raises:
        FolderInUse: naming the process that has it.
    """
    while _held:
        os.close(_held.pop())
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(folder.with_name(f".{folder.name}{LOCK_SUFFIX}"), os.O_RDWR | os.O_CREAT)
    try:
        _lock(file)
    except OSError as error:
        owner = os.read(file, 1000).decode(errors="replace").strip() or "another process"
        os.close(file)
        if isinstance(error, BlockingIOError | PermissionError):
            message = f"{folder}: {owner} trains in this folder; wait for its end, or give this run another name"
            raise FolderInUse(message) from None
        return False  # some network file systems have no locks
    _held.append(file)
    os.ftruncate(file, 0)
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    os.write(file, f"process {os.getpid()} on {socket.gethostname()}, started {started}\n".encode())
    return True


def _lock(file: int) -> None:
    """Lock an open file or raise OSError; its position is at the beginning afterwards."""
    if fcntl is not None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    elif msvcrt is not None:
        os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)
    else:
        raise OSError("this system has no locks")
