"""One experiment folder, one training: a lock beside the folder, which the system releases with the process."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

LOCK_SUFFIX = ".lock"


class FolderInUse(RuntimeError):
    """Another training writes into the folder."""


def lock_folder(folder: Path) -> IO[str] | None:
    """Lock a folder for this process, as long as the file that is given stays open; None where locks do not work.

    It is a record lock: a data worker, which is forked and may outlive a killed training, does not keep it. The lock
    file lies beside the folder, because BasicSR renames a folder that is there already.

    Raises:
        FolderInUse: naming the process that has it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f".{folder.name}{LOCK_SUFFIX}")
    file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  (it stays open)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        owner = file.read().strip() or "another process"
        file.close()
        raise FolderInUse(
            f"{folder}: {owner} trains in this folder; wait for its end, or give this run another name"
        ) from None
    except OSError:  # some network file systems have no locks
        file.close()
        return None
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}, started {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    file.flush()
    return file
