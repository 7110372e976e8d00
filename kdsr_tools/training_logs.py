"""What BasicSR wrote down while it trained: losses and validation metrics by iteration.

TensorBoard files, where there are any, know every iteration; the text logs know that of a validation only by
`val.val_freq`, which stands among the options at their top.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

# A quantity's name, as `losses/l_pix` or `metrics/Set5/psnr`, to its values by iteration.
Curves = dict[str, dict[int, float]]

TRAINING_LINE = re.compile(r"\[epoch:\s*\d+, iter:\s*([\d,]+),")
LOSS = re.compile(r"\b(l_\w+): ([-+.\w]+)")
VALIDATION_LINE = re.compile(r"INFO: Validation (.+)$")
METRIC = re.compile(r"^\s*# ([\w.-]+): ([-+.\w]+)")
VAL_FREQ = re.compile(r"^\s*val_freq: ([\d.e+]+)")


def read_curves(experiment: Path) -> Curves:
    """Read an experiment's folder, from its TensorBoard files or else its logs.

    Raises:
        FileNotFoundError: no such folder, or neither is there.
        ValueError: nothing has been logged yet.
    """
    if not experiment.is_dir():
        raise FileNotFoundError(f"{experiment}: there is no such experiment folder (seen from {Path.cwd()})")
    events = [folder for folder in _tensorboard_folders(experiment) if any(folder.glob("events.out.tfevents.*"))]
    logs = sorted(experiment.glob("train_*.log"))
    if not events and not logs:
        raise FileNotFoundError(f"{experiment}: neither logs (train_*.log) nor TensorBoard files; is it an experiment?")
    curves = read_tensorboard(events[0]) if events else {}
    curves = curves or read_logs(logs)
    if not curves:
        raise ValueError(f"{experiment}: nothing has been logged yet; BasicSR logs every logger.print_freq iterations")
    return curves


def _tensorboard_folders(experiment: Path) -> Iterator[Path]:
    yield experiment
    yield experiment.resolve().parent.parent / "tb_logger" / experiment.resolve().name  # where BasicSR writes them


def read_tensorboard(folder: Path) -> Curves:
    """Read every scalar of the TensorBoard files in a folder; of iterations done twice, the later."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith(("losses/", "metrics/"))]
    return {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in tags}


def read_logs(paths: list[Path]) -> Curves:
    """Read text logs, the oldest first; a training that was resumed has several, and the later ones hold."""
    curves: Curves = {}
    for path in paths:
        for name, iteration, value in _read_log(path):
            curves.setdefault(name, {})[iteration] = value
    return curves


def _read_log(path: Path) -> Iterator[tuple[str, int, float]]:
    iteration, val_freq, data_set = 0, 1, None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := VAL_FREQ.match(line):
            val_freq = max(int(float(found[1])), 1)
        elif found := TRAINING_LINE.search(line):
            iteration, data_set = int(found[1].replace(",", "")), None
            yield from ((f"losses/{name}", iteration, float(value)) for name, value in LOSS.findall(line))
        elif found := VALIDATION_LINE.search(line):
            data_set = found[1].strip()
        elif data_set and (found := METRIC.match(line)):
            validated = math.ceil(iteration / val_freq) * val_freq
            yield f"metrics/{data_set}/{found[1]}", validated, float(found[2])
