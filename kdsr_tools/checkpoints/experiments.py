"""What training leaves in an experiment's folder: the options it ran by, checkpoints, and the teacher's path."""

from __future__ import annotations

import re
from pathlib import Path

from kdsr_options.command_line import parse_command_line
from kdsr_options.files import RUN_OPTIONS, read_option_file

# The options, as `--force_yml` names them, that say what a trained network is.
OF_NETWORK = ("network_g", "scale", "path:pretrain_network_teacher")


def experiment_options(experiment: Path) -> Path:
    """Find the options that an experiment ran by: what training wrote down, else BasicSR's newest copy of the file.

    Raises:
        FileNotFoundError: there are none.
        ValueError: there is only a copy, and `--force_yml` made another network than it says.
    """
    if not experiment.is_dir():
        raise FileNotFoundError(f"{experiment}: there is no such experiment folder (seen from {Path.cwd()})")
    if (experiment / RUN_OPTIONS).is_file():
        return experiment / RUN_OPTIONS
    files = sorted(experiment.glob("*.yml"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise FileNotFoundError(f"{experiment}: no option file (*.yml), which BasicSR puts there when training starts")
    if forced := [entry for entry in _forced_entries(files[-1]) if entry.startswith(OF_NETWORK)]:
        raise ValueError(
            f"{files[-1]}: the run was started with --force_yml {' '.join(forced)}, so this copy of its option "
            f"file does not say what was trained, and {RUN_OPTIONS}, which would, is not there; name weights and "
            "network instead"
        )
    return files[-1]


def _forced_entries(copy: Path) -> list[str]:
    """List what went over an option file, by the command line that BasicSR writes at the top of its copy."""
    head = copy.read_text(encoding="utf-8", errors="replace").splitlines()[:3]
    is_written_by_basicsr = len(head) == 3 and head[1] == "# CMD:"
    return parse_command_line(head[2].removeprefix("#").split()).entries if is_written_by_basicsr else []


def newest_checkpoint(experiment: Path) -> Path:
    """Return the newest `models/net_g_*.pth` of an experiment: `latest`, unless a higher iteration is younger.

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
    """Return a checkpoint file itself, or the newest one of an experiment's folder. Raises FileNotFoundError."""
    return newest_checkpoint(path) if path.is_dir() else path


def find_teacher(experiment: Path) -> Path | None:
    """Return the teacher that an experiment's option file names, if its checkpoint is there."""
    path = (read_option_file(experiment_options(experiment)).get("path") or {}).get("pretrain_network_teacher")
    return Path(path) if path and Path(path).is_file() else None
