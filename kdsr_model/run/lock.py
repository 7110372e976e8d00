"""One experiment folder, one training: a lock beside the folder, which the system releases with the process."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path

LOCK_SUFFIX = ".lock"
# The open lock file: a process trains in one folder at a time.
_held: list[int] = []


class FolderInUse(RuntimeError):
    """Another training writes into the folder."""


def lock_folder(folder: Path) -> bool:
    """Lock a folder until this process ends or locks another; give False where the file system has no locks.

    It is a record lock: a data worker, which is forked and may outlive a killed training, does not keep it. The lock
    file lies beside the folder, because BasicSR renames a folder that is there already.

    Raises:
        FolderInUse: naming the process that has it.
    """
    while _held:
        os.close(_held.pop())
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(folder.with_name(f".{folder.name}{LOCK_SUFFIX}"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.read(file, 1000).decode(errors="replace").strip() or "another process"
        os.close(file)
        if isinstance(error, BlockingIOError | PermissionError):
            message = f"{folder}: {owner} trains in this folder; wait for its end, or give this run another name"
            raise FolderInUse(message) from None
        return False  # some network file systems have no locks
    _held.append(file)
    os.truncate(file, 0)
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    os.write(file, f"process {os.getpid()} on {socket.gethostname()}, started {started}\n".encode())
    return True
