"""Starting BasicSR's training and testing with this plugin, with errors that name the option instead of a trace."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from kdsr_model.checks.data_sets import scale_problems
from kdsr_model.checks.parsing import check_parsable
from kdsr_model.options import prepare_options
from kdsr_model.run.hooks import hook_launchers
from kdsr_model.run.processes import is_distributed
from kdsr_options.command_line import parse_command_line, read_options
from kdsr_options.numbers import mend_numbers
from kdsr_options.schema import OptionError, Problem, collect

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
    except yaml.YAMLError as error:  # of a tag such as `!!python/name:...`, which the check does not follow
        path = parse_command_line(sys.argv[1:]).file
        stop_with(OptionError([Problem(str(path), f"cannot be read by BasicSR: {' '.join(str(error).split())}")]))
    finally:
        if is_distributed():
            torch.distributed.destroy_process_group()


def prepare_or_exit(opt: dict[str, Any]) -> None:
    """Check and complete parsed options; on problems, end the program with one message and no stack trace."""
    sys.excepthook = _with_trace_in_the_log(sys.excepthook)
    try:
        mend_numbers(opt, check_file(sys.argv[1:]))
        prepare_options(opt)
    except OptionError as error:
        stop_with(error)


def check_running_launcher() -> None:
    """Hook a running launcher of BasicSR's, and check the file whose plugin line is just being read for it.

    BasicSR's parser fails with a trace where the file lacks what it takes for granted: this is the last moment before.
    """
    if hook_launchers(prepare_or_exit):
        try:
            check_file(sys.argv[1:])
        except OptionError as error:
            stop_with(error)


def stop_with(error: OptionError) -> None:
    """Write the problems to stderr, from the first process alone, and end the program."""
    count = len(error.problems)
    head = "1 problem" if count == 1 else f"{count} problems"
    message = f"{head} in the options; nothing was started:\n{error}"
    if int(os.environ.get("RANK", 0)) == 0:
        print(message, file=sys.stderr)
    _tell_torchrun(message)
    raise SystemExit(WRONG_OPTIONS)


def _tell_torchrun(message: str) -> None:
    """Leave the message where torchrun looks for it: what it prints last, after the first process that ends."""
    if file := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        content = {"message": message, "extraInfo": {"py_callstack": message, "timestamp": str(int(time.time()))}}
        Path(file).write_text(json.dumps({"message": content}), encoding="utf-8")


def _with_trace_in_the_log(excepthook: Callable[..., Any]) -> Callable[..., Any]:
    """Have the trace of an error that nobody foresaw written into the experiment's log file, too."""

    def write(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        logger = logging.getLogger("basicsr")
        record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "Training ends with:", (), (kind, error, trace))
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.emit(record)
        excepthook(kind, error, trace)

    return write


def check_file(argv: list[str]) -> Mapping[str, Any]:
    """Check what BasicSR's parser takes for granted: a readable file with its required keys, and `--force_yml`.

    Returns the options as they are written there; nothing where the command line names no file.

    Raises:
        OptionError: naming the file, or the key.
    """
    opt = read_options(parse_command_line(argv))
    if not opt:
        return opt
    problems: list[Problem] = []
    collect(problems, check_parsable, opt)
    problems += scale_problems(opt)
    if problems:
        raise OptionError(problems)
    return opt
