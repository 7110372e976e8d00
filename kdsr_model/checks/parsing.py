"""What BasicSR's parser takes for granted of an option file, and would fail of with a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kdsr_model.experiment_settings import FileSettings
from kdsr_options.schema import OptionError, Problem, collect, read_settings

EXPANDED_ROOTS = ("dataroot_gt", "dataroot_lq")
EXPANDED_PATHS = ("resume_state", "pretrain_network")  # the keys of `path` that hold one of these


def check_parsable(opt: Mapping[str, Any]) -> None:
    """Check what BasicSR's parser takes for granted. Raises OptionError."""
    problems: list[Problem] = []
    collect(problems, read_settings, FileSettings, opt, path="")
    problems += [*_find_other_paths(opt), *_find_debugged(opt)]
    if problems:
        raise OptionError(problems)


def _find_other_paths(opt: Mapping[str, Any]) -> Iterator[Problem]:
    """Find something else than text where the parser expands `~`."""
    data_sets, paths = _block(opt, "datasets"), _block(opt, "path")
    roots = [(f"datasets.{phase}", _block(data_sets, phase), EXPANDED_ROOTS) for phase in data_sets]
    keys = tuple(key for key in paths if any(name in key for name in EXPANDED_PATHS))
    for where, block, names in [*roots, ("path", paths, keys)]:
        for key in names:
            if not isinstance(block.get(key), str | None):
                yield Problem(f"{where}.{key}", f"expected a path, got {block[key]!r}")


def _block(blocks: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return blocks[key] if isinstance(blocks.get(key), Mapping) else {}


def _find_debugged(opt: Mapping[str, Any]) -> Iterator[Problem]:
    """Find blocks that are not there, though the parser changes them where the name of a training has debug in it."""
    if opt.get("train") is None or "debug" not in str(opt.get("name")):
        return
    for key in ("val", "logger"):
        if opt.get(key) is None and (key in opt or key == "logger"):
            yield Problem(key, "is missing, which BasicSR sets where the name has debug in it")
