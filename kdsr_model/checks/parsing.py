"""What BasicSR's parser takes for granted of an option file, and would fail of with a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kdsr_model.experiment_settings import FileSettings
from kdsr_options.schema import OptionError, Problem, read_settings

EXPANDED_ROOTS = ("dataroot_gt", "dataroot_lq")
EXPANDED_PATHS = ("resume_state", "pretrain_network")  # the keys of `path` that hold one of these


def check_parsable(opt: Mapping[str, Any]) -> None:
    """Check what BasicSR's parser takes for granted. Raises OptionError."""
    settings = read_settings(FileSettings, opt, path="")
    problems = [*_find_other_paths(settings), *_find_debugged(settings, opt)]
    if problems:
        raise OptionError(problems)


def _find_other_paths(settings: FileSettings) -> Iterator[Problem]:
    """Find something else than text where the parser expands `~`."""
    roots = [(f"datasets.{phase}", block, EXPANDED_ROOTS) for phase, block in settings.datasets.items()]
    keys = [key for key in settings.path if any(name in key for name in EXPANDED_PATHS)]
    for where, block, names in [*roots, ("path", settings.path, keys)]:
        for key in names:
            if not isinstance(block.get(key), str | None):
                yield Problem(f"{where}.{key}", f"expected a path, got {block[key]!r}")


def _find_debugged(settings: FileSettings, opt: Mapping[str, Any]) -> Iterator[Problem]:
    """Find blocks that are not there, though the parser changes them where the name of a training has debug in it."""
    if settings.train is None or "debug" not in settings.name:
        return
    for key in ("val", "logger"):
        if getattr(settings, key) is None and (key in opt or key == "logger"):
            yield Problem(key, "is missing, which BasicSR sets where the name has debug in it")
