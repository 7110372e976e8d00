"""Starting BasicSR's training and testing with this plugin, with errors that name the option instead of a trace."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from basicsr.utils.options import ordered_yaml

from kdsr_model.options import prepare_options
from kdsr_model.run.hooks import hook_launchers
from kdsr_model.run.processes import is_distributed
from kdsr_options.command_line import parse_command_line
from kdsr_options.schema import OptionError, Problem, suggest

# BasicSR reads these without asking whether they are there.
REQUIRED_KEYS = ("name", "model_type", "num_gpu", "datasets", "path", "network_g")
WRONG_OPTIONS = 2  # the exit code, as argparse's


def run(pipeline: str, root: Path) -> None:
    """Run BasicSR's `train_pipeline` or `test_pipeline` on the command line's option file.

    Args:
        pipeline: 'train' or 'test'.
        root: the folder under which `experiments/` or `results/` is written.

    Raises:
        SystemExit: with every problem of the option file in one message.
    """
    try:
        check_file(sys.argv[1:])
        module = importlib.import_module(f"basicsr.{pipeline}")
        hook_launchers(prepare_or_exit)
        getattr(module, f"{pipeline}_pipeline")(str(root))
    except OptionError as error:
        stop_with(error)
    finally:
        if is_distributed():
            torch.distributed.destroy_process_group()


def prepare_or_exit(opt: dict[str, Any]) -> None:
    """Check and complete parsed options; on problems, end the program with one message and no stack trace."""
    try:
        # In a BasicSR checkout this is the first chance to see the file as it was written.
        check_file(sys.argv[1:])
        prepare_options(opt)
    except OptionError as error:
        stop_with(error)


def stop_with(error: OptionError) -> None:
    """Write the problems to stderr, from the first process alone, and end the program."""
    if int(os.environ.get("RANK", 0)) == 0:
        count = len(error.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        print(f"{head} in the options; nothing was started:\n{error}", file=sys.stderr)
    raise SystemExit(WRONG_OPTIONS)


def check_file(argv: list[str]) -> None:
    """Check what BasicSR's parser takes for granted: a readable file with its required keys, and `--force_yml`.

    Raises:
        OptionError: naming the file, or the key.
    """
    command_line = parse_command_line(argv)
    if command_line.file is None:
        return  # BasicSR's own parser says what is missing
    opt = _read_yaml(command_line.file)
    problems = [Problem(key, "is missing") for key in REQUIRED_KEYS if opt.get(key) is None]
    blocks = ("datasets", "path", "network_g", "train", "val", "logger")
    problems += [
        Problem(key, f"expected a block of keys, got {opt[key]!r}")
        for key in blocks
        if opt.get(key) is not None and not isinstance(opt[key], Mapping)
    ]
    problems += [problem for entry in command_line.entries if (problem := _forced_entry_problem(opt, entry))]
    problems += _scale_problems(opt)
    if problems:
        raise OptionError(problems)


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        # BasicSR's own loader, which can run code that the file names: option files are to be trusted like scripts.
        opt = yaml.load(text, Loader=ordered_yaml()[0])  # noqa: S506
    except OSError as error:
        raise OptionError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OptionError([Problem(str(path), f"is not valid YAML: {error}")]) from error
    if not isinstance(opt, Mapping):
        raise OptionError([Problem(str(path), "is not an option file: expected keys such as name and datasets")])
    return opt


def _scale_problems(opt: Mapping[str, Any]) -> list[Problem]:
    """Find data sets with a scale of their own, which BasicSR's parser replaces by the one at the top."""
    blocks = opt["datasets"] if isinstance(opt.get("datasets"), Mapping) else {}
    return [
        Problem(f"datasets.{name}.scale", f"{block['scale']} disagrees with the scale {opt.get('scale')} at the top")
        for name, block in blocks.items()
        if isinstance(block, Mapping) and block.get("scale", opt.get("scale")) != opt.get("scale")
    ]


def _forced_entry_problem(opt: Mapping[str, Any], entry: str) -> Problem | None:
    if entry.count("=") != 1:
        return Problem("--force_yml", f"expected key=value or block:key=value, got {entry!r}")
    *parents, _ = entry.split("=")[0].strip().split(":")
    block: Any = opt
    for parent in parents:
        if not isinstance(block, Mapping) or parent not in block:
            known = block if isinstance(block, Mapping) else ()
            return Problem(f"--force_yml {entry}", f"there is no block {parent!r}{suggest(parent, known)}")
        block = block[parent]
    return None
