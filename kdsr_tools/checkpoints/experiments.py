"""What BasicSR leaves in an experiment's folder: a copy of the option file, checkpoints, and the teacher's path."""

from __future__ import annotations

import re
from pathlib import Path

from kdsr_options.files import read_option_file


def experiment_options(experiment: Path) -> Path:
    """Give the newest copy of the option file in an experiment's folder. Raises FileNotFoundError."""
    if not experiment.is_dir():
        raise FileNotFoundError(f"{experiment}: there is no such experiment folder (seen from {Path.cwd()})")
    files = sorted(experiment.glob("*.yml"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise FileNotFoundError(f"{experiment}: no option file (*.yml), which BasicSR puts there when training starts")
    return files[-1]


def newest_checkpoint(experiment: Path) -> Path:
    """Give the newest `models/net_g_*.pth` of an experiment: `latest`, unless a higher iteration is younger.

    Raises:
        FileNotFoundError: there is none.
    """
    numbered = {
        int(found[1]): path
        for path in experiment.glob("models/net_g_*.pth")
        if (found := re.fullmatch(r"net_g_(\d+)", path.stem))
    }
    latest = experiment / "models" / "net_g_latest.pth"
    newest = numbered[max(numbered)] if numbered else None
    if latest.is_file() and (newest is None or latest.stat().st_mtime >= newest.stat().st_mtime):
        return latest
    if newest is None:
        raise FileNotFoundError(f"{experiment}: no checkpoint models/net_g_*.pth; has the training saved one?")
    return newest


def file_or_newest(path: Path) -> Path:
    """Give a checkpoint file itself, or the newest one of an experiment's folder. Raises FileNotFoundError."""
    return newest_checkpoint(path) if path.is_dir() else path


def find_teacher(experiment: Path) -> Path | None:
    """Give the teacher that an experiment's option file names, if its checkpoint is there."""
    path = (read_option_file(experiment_options(experiment)).get("path") or {}).get("pretrain_network_teacher")
    return Path(path) if path and Path(path).is_file() else None
