"""The options of a run as file and command line say them: kept with it, and compared when it goes on.

The experiment's folder gets them as an option file of its own (`kdsr_options.files.RUN_OPTIONS`), each training state
as plain blocks. BasicSR copies the option file only, which lacks what `--force_yml` has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kdsr_model.run.whole_files import write_whole
from kdsr_options.command_line import parse_command_line, read_options
from kdsr_options.files import RUN_OPTIONS

HEAD = (
    "# The options of this run, with what --force_yml changed: written when training starts or goes on.\n"
    'kdsr_version: !!python/name:kdsr_model.__version__ ""\n'
)
# What a training cannot go on with if it changes; after the key's end, why.
REFUSED = {
    "scale": "its networks are for another scale",
    "model_type": "its training state is another model's",
    "network_g.type": "its weights are another network's",
    "network_d.type": "its weights are another network's",
    "train.optim_g.type": "its training state is another optimiser's",
    "train.optim_d.type": "its training state is another optimiser's",
}
# What becomes of other changes, by the key's beginning; the first that fits holds.
EFFECTS = {
    "train.total_iter": "training ends there",
    "train.optim_": "holds from here on, its schedule as if it had been so from the beginning",
    "train.scheduler": "the schedule is as if it had been so from the beginning",
    "train.estimator_warmup": "the schedule is as if it had been so from the beginning",
    "train.init_sr_from_teacher": "without effect, since the networks come from the checkpoint",
    "path.pretrain_network_teacher": "holds from here on",
    "path.": "without effect, since the networks come from the checkpoint",
}
OTHERS = "holds from here on"


def written_options(argv: Sequence[str]) -> dict[str, Any]:
    """Return what an option file and the command line over it say, as plain blocks; nothing where no file is named.

    Raises:
        OptionError: it cannot be read.
    """
    command_line = parse_command_line(argv)
    if command_line.file is None:
        return {}
    return {key: _plain(value) for key, value in read_options(command_line).items() if key != "kdsr_version"}


def _plain(value: Any) -> Any:
    """Return a value as it loads with `weights_only`; a date in a file, for one, becomes text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def save_options(options: Mapping[str, Any], experiment: Path) -> None:
    """Write the options into an experiment's folder, so that they can be read, and trained with, as an option file."""
    text = HEAD + yaml.safe_dump(dict(options), sort_keys=False, allow_unicode=True)
    write_whole(experiment / RUN_OPTIONS, text.encode())


def list_changes(before: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """List the keys, joined by dots, whose values differ, with both values; None stands for a key that is not there."""
    for key in [*before, *(key for key in now if key not in before)]:
        old, new, where = before.get(key), now.get(key), f"{path}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from list_changes(old, new, f"{where}.")
        elif old != new:
            yield where, old, new


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any], *, state: str | None) -> list[str]:
    """Say of each option that has changed since a checkpoint what that does.

    Args:
        state: the checkpoint's file.

    Raises:
        SystemExit: training cannot go on with one of them.
    """
    lines = []
    for path, old, new in list_changes(before, now):
        what = f"{path} was {old}, is {new}"
        if path in REFUSED:
            raise SystemExit(
                f"path.resume_state: {state} does not fit this model: {what}, and {REFUSED[path]}. Set it back to go "
                "on, or give the experiment another name; path.pretrain_network_g starts from its weights"
            )
        if path not in ("name", "path.resume_state", "manual_seed"):
            effect = next((text for start, text in EFFECTS.items() if path.startswith(start)), OTHERS)
            lines.append(f"{what}: {effect}")
    return lines
