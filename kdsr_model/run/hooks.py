"""Ways into BasicSR's running `train.py` and `test.py`, which know no plugins."""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from kdsr_model.run.training_run import TrainingRun
from kdsr_model.run.whole_files import safe_loading


def hook_launchers(prepare_options: Callable[[dict[str, Any]], None]) -> bool:
    """Have BasicSR's running `train.py` or `test.py` call `prepare_options(opt)` first, and train safely.

    Tells whether one was found that had not been hooked.

    BasicSR has no entry point for plugins. An option file can load one while BasicSR parses it (its `kdsr_version`
    line), and after that the launcher looks up the functions it calls in its own module: these names are replaced
    there, for training those of `TrainingRun`, for testing `make_exp_dirs` and `build_model`.
    """
    found = False
    for launcher in _running_launchers():
        if getattr(launcher, "is_hooked_by_kdsr", False):
            continue
        launcher.is_hooked_by_kdsr = found = True
        if hasattr(launcher, "train_pipeline"):
            _hook_training(launcher, prepare_options)
        else:
            launcher.make_exp_dirs = _after(prepare_options, launcher.make_exp_dirs)
            launcher.build_model = _loading_safely(launcher.build_model)
    return found


def _hook_training(launcher: types.ModuleType, prepare_options: Callable[[dict], None]) -> None:
    run = TrainingRun(launcher, prepare_options)
    missing = [name for name, original in run.originals.items() if original is None]
    if missing:
        logging.getLogger("kdsr").warning(
            f"{launcher.__file__} has no {', '.join(missing)}, so the plugin cannot step in: options are not checked, "
            "and training neither saves safely nor resumes exactly. It knows the train.py of basicsr 1.4.2."
        )
        return
    run.hook()
    sys.excepthook = _with_dead_workers_explained(sys.excepthook)


def _running_launchers() -> Iterator[types.ModuleType]:
    for name in ("basicsr.train", "basicsr.test", "__main__"):
        module = sys.modules.get(name)
        if hasattr(module, "train_pipeline") or hasattr(module, "test_pipeline"):
            yield module


def _after(prepare: Callable[[dict], None], go_on: Callable[[dict], Any]) -> Callable[[dict], Any]:
    def prepare_and_go_on(opt: dict[str, Any]) -> Any:
        prepare(opt)
        return go_on(opt)

    return prepare_and_go_on


def _loading_safely(build_model: Callable[[dict], Any]) -> Callable[[dict], Any]:
    def build_model_from_weights_alone(opt: dict[str, Any]) -> Any:
        with safe_loading():
            return build_model(opt)

    return build_model_from_weights_alone


def _with_dead_workers_explained(excepthook: Callable) -> Callable:
    """Say in one message what PyTorch's error about a data worker means; it can come up anywhere in the loop."""

    def explain(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not (issubclass(kind, RuntimeError) and "DataLoader worker" in str(error)):
            excepthook(kind, error, trace)
            return
        from basicsr.utils import get_root_logger

        get_root_logger().error(
            f"Training stops: a process that reads data has died ({str(error).splitlines()[0].strip()}). If memory ran "
            "out, lower num_worker_per_gpu. Training goes on from the last checkpoint with --auto_resume."
        )

    return explain
