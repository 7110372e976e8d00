"""Checkpoints that are whole or not there at all: writing, reading, and removing old ones.

basicsr 1.4.2 and master write under the final name, try three times, then log "Just ignore it" and train on.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

CANNOT_SAVE = 74  # the exit code, EX_IOERR of sysexits.h
EXTRA_KEY = "kdsr"  # of a training state, which BasicSR leaves alone
TRAINED_KEY = "params"  # of a network's file, where BasicSR's models save what they train
NUM_TRIES = 3
TEMPORARY_SUFFIX = ".tmp"


class CheckpointError(SystemExit):
    """A checkpoint cannot be written, or must not be; BasicSR's `except Exception` lets it through."""

    def __init__(self, message: str):
        from basicsr.utils import get_root_logger

        get_root_logger().error(message)
        super().__init__(CANNOT_SAVE)
        self.message = message


@contextmanager
def whole_files(extra: Mapping[str, Any]) -> Iterator[None]:
    """Within this context `torch.save` writes whole files or ends the program; training states get `extra` too."""
    torch_save: Any = torch.save

    def save(content: Any, path: Any, *args: Any, **kwargs: Any) -> None:
        path = Path(path)
        if path.suffix == ".state":
            content = {**content, EXTRA_KEY: dict(extra)}
        else:
            _refuse_bad_weights(content, path)
        buffer = io.BytesIO()
        torch_save(content, buffer, *args, **kwargs)
        _write_or_end(path, buffer.getbuffer())

    stand_in: Any = save
    torch.save = stand_in
    try:
        yield
    finally:
        torch.save = torch_save


def _refuse_bad_weights(content: Any, path: Path) -> None:
    """End the program on weights that are no numbers, which would take the place of good ones.

    Raises:
        CheckpointError: naming the weights.
    """
    parts = content.values() if isinstance(content, Mapping) else ()
    for weights in (part for part in parts if isinstance(part, Mapping)):
        for name, value in weights.items():
            if torch.is_tensor(value) and value.is_floating_point() and not torch.isfinite(value).all():
                raise CheckpointError(
                    f"Training stops: {name} is NaN or infinite, so {path} was not written. The earlier checkpoints "
                    "are good; resume with --auto_resume and a lower train.optim_g.lr."
                )


def _write_or_end(path: Path, content: memoryview) -> None:
    for tries_left in reversed(range(NUM_TRIES)):
        try:
            write_whole(path, content)
            return
        except OSError as error:
            if tries_left == 0:
                free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
                raise CheckpointError(
                    f"Training stops: {path} cannot be written ({error.strerror}); it needs "
                    f"{len(content) / 1e6:.1f} MB, {free / 1e6:.1f} MB are free there. The checkpoints before it are "
                    "whole; make room and resume with --auto_resume."
                ) from error
            time.sleep(1)


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file under another name in the same folder, force it to the disk, and give it its name.

    Raises:
        OSError: it cannot be written; what was there under the name is as before.
    """
    temporary = path.with_name(f".{path.name}{TEMPORARY_SUFFIX}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(*folders: Path) -> None:
    """Remove what a killed training had begun to write."""
    for folder in folders:
        for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
            path.unlink(missing_ok=True)


def remove_old(states: Path, models: Path, *, current_iter: int, keep: int) -> None:
    """Keep this iteration's checkpoint and the `keep - 1` before it; those of later iterations are left alone."""
    earlier = sorted((number for number in _saved_iterations(states) if number < current_iter), reverse=True)
    for number in earlier[keep - 1 :]:
        # The state goes first: without it, nothing takes the networks for a complete checkpoint.
        for path in (states / f"{number}.state", *models.glob(f"net_*_{number}.pth")):
            path.unlink(missing_ok=True)


def _saved_iterations(states: Path) -> list[int]:
    return [int(path.stem) for path in states.glob("*.state") if re.fullmatch(r"\d+", path.stem)]


def newest_complete_state(opt: Mapping[str, Any], remarks: list[str]) -> tuple[Path | None, dict | None]:
    """Find the newest training state that is whole, with all its networks; note in `remarks` what was passed over."""
    states, models = Path(opt["path"]["training_states"]), Path(opt["path"]["models"])
    for number in sorted(_saved_iterations(states), reverse=True):
        path = states / f"{number}.state"
        state = read_training_state(path)
        broken = path if state is None or state["iter"] != number else broken_network(opt, models, number)
        if broken is None:
            return path, state
        remarks.append(f"{broken} is missing or incomplete (was training stopped while saving?): trying an earlier one")
    return None, None


def checkpointed_networks(opt: Mapping[str, Any]) -> list[str]:
    """List the networks, as `network_g`, that a resumed training takes from the checkpoint."""
    ignored = opt["path"].get("ignore_resume_networks") or []
    return [key for key in opt if key.startswith("network_") and key not in ignored]


def broken_network(opt: Mapping[str, Any], models: Path, iteration: int) -> Path | None:
    """Find a network file of a checkpoint that cannot be read; None if all can."""
    files = [_network_file(key, models, iteration) for key in checkpointed_networks(opt)]
    return next((path for path in files if not isinstance(_load_or_none(path), Mapping)), None)


def take_trained_weights(opt: Mapping[str, Any], iteration: int) -> None:
    """Set the keys under which a resumed training looks for weights to that of those it trained.

    basicsr 1.4.2 and master: `param_key_g: params_ema` becomes `params`; any other key, which belongs to the file that
    training began from, stays and is looked for in the checkpoint.
    """
    models = Path(opt["path"]["models"])
    for key in checkpointed_networks(opt):
        if TRAINED_KEY in (_load_or_none(_network_file(key, models, iteration)) or ()):
            opt["path"][f"param_key_{key.removeprefix('network_')}"] = TRAINED_KEY


def _network_file(key: str, models: Path, iteration: int) -> Path:
    return models / f"net_{key.removeprefix('network_')}_{iteration}.pth"


def read_training_state(path: Path) -> dict[str, Any] | None:
    """Read a training state onto the CPU, from where optimisers move it; None if it is torn or something else."""
    state = _load_or_none(path)
    if not isinstance(state, dict) or not {"epoch", "iter", "optimizers", "schedulers"} <= state.keys():
        return None
    is_whole = isinstance(state["epoch"], int) and isinstance(state["iter"], int)
    return state if is_whole else None


def _load_or_none(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a torn or foreign file fails in any of the archive's, pickle's and torch's readers
        return None
