"""Training that can be stopped at any iteration and goes on as if it had not been.

All that a step does follows from what a checkpoint holds: weights, optimisers and schedulers (BasicSR's part), and the
seed, the place in the epoch and the model's own counters (the key `kdsr` of the training state). Random numbers need
no saved state: those of a sample follow from (seed, epoch, position), those of an iteration from (seed, rank,
iteration), on every process, whatever validation or logging have drawn in between.
"""

from __future__ import annotations

import functools
import logging
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from kdsr_model.run import whole_files as checkpoints
from kdsr_model.run.generators import seed_generators
from kdsr_model.run.lock import FolderInUse, lock_folder
from kdsr_model.run.seeds import file_names_a_seed, first_process_number
from kdsr_model.run.signals import STOPPED, StopSignals, is_distributed
from kdsr_model.run.workers import ShieldedLoader

STEP_STREAM = 1  # keeps the draws of iterations apart from those of samples, see `sampling`
# Functions of the launcher's module that methods of `TrainingRun` stand in for, in the order of their calls.
REPLACED = ("load_resume_state", "build_dataset", "create_train_val_dataloader", "build_model")
# What must be as it was for a resumed run to be exact, by its key in the training state.
CONDITIONS = {
    "seed": "manual_seed",
    "world_size": "the number of processes",
    "batch_size": "the batch size of a process",
    "num_samples": "the number of samples in an epoch",
}


class ValidationStopped(Exception):
    """A signal came during a validation."""


class TrainingRun:
    """One run of BasicSR's `train_pipeline`, whose names in the launcher's module these methods stand in for.

    Args:
        launcher: the module with `train_pipeline`.
        prepare_options: called first, with the parsed options.
    """

    def __init__(self, launcher: types.ModuleType, prepare_options: Callable[[dict[str, Any]], None]):
        self.launcher, self.prepare_options = launcher, prepare_options
        self.originals = {name: getattr(launcher, name, None) for name in (*REPLACED, "EnlargedSampler")}
        self.signals = StopSignals()

    def hook(self) -> None:
        """Put the methods, and the sampler, in the launcher's names."""
        from kdsr_model.run.sampling import ResumableSampler

        self.launcher.EnlargedSampler = ResumableSampler
        for name in REPLACED:
            setattr(self.launcher, name, getattr(self, name))

    def load_resume_state(self, opt: dict[str, Any]) -> dict[str, Any] | None:
        """Give the training state to go on from, or None to start afresh; stands in for BasicSR's function.

        basicsr 1.4.2 and master load it onto `torch.cuda.current_device()`, which fails without CUDA. 1.4.2 also looks
        for `experiments/` in the current folder instead of the root's, and with `--auto_resume` both take the newest
        file even when the process was killed while writing it.

        Raises:
            SystemExit: another training runs in the folder, or `path.resume_state` is no whole checkpoint.
        """
        self.prepare_options(opt)
        self.opt, self.remarks = opt, []
        self.is_validating = False
        self.signals.install()
        self._lock()
        self.state = self._find_state()
        self.extra = (self.state or {}).get(checkpoints.EXTRA_KEY, {})
        self.saved_iter = self.state["iter"] if self.state else 0
        self._settle_seed()
        if self.state:
            self.launcher.check_resume(opt, self.state["iter"])
        return self.state

    def _lock(self) -> None:
        if self.opt["rank"] != 0:
            return
        try:
            is_locked = lock_folder(Path(self.opt["path"]["experiments_root"]))
        except FolderInUse as error:
            raise SystemExit(str(error)) from None
        if not is_locked:
            self.remarks.append("this file system has no locks, so a second run in this folder would go unnoticed.")
        checkpoints.remove_leftovers(*(Path(self.opt["path"][key]) for key in ("training_states", "models")))

    def _find_state(self) -> dict[str, Any] | None:
        paths = self.opt["path"]
        if self.opt["auto_resume"]:
            path, state = checkpoints.newest_complete_state(self.opt, self.remarks)
            if path is not None:
                paths["resume_state"] = str(path)
            return state
        if not paths.get("resume_state"):
            return None
        path = Path(paths["resume_state"])
        state = checkpoints.read_training_state(path)
        broken = checkpoints.broken_network(self.opt, Path(paths["models"]), state["iter"]) if state else path
        if broken:
            what = (
                f"{path} is not a complete training state" if broken == path else f"{broken} is missing or incomplete"
            )
            raise SystemExit(f"path.resume_state: {what}; take an earlier one")
        return state

    def _settle_seed(self) -> None:
        """Let all processes, and a resumed run, have the seed that BasicSR drew because the file names none."""
        seed = self.opt["manual_seed"]
        if not file_names_a_seed(sys.argv[1:]):
            seed = self.extra.get("seed", first_process_number(seed))
        if seed != self.opt["manual_seed"]:
            self.opt["manual_seed"] = seed
            from basicsr.utils import set_random_seed

            set_random_seed(seed + self.opt["rank"])

    def build_dataset(self, dataset_opt: dict[str, Any]) -> Any:
        """Build a data set as BasicSR does; a training set's samples draw by their place in the epoch."""
        from kdsr_model.run.sampling import SeededVisits

        data_set = self.originals["build_dataset"](dataset_opt)
        return SeededVisits(data_set, self.opt["manual_seed"]) if dataset_opt["phase"] == "train" else data_set

    def create_train_val_dataloader(self, opt: dict[str, Any], logger: logging.Logger) -> tuple:
        """Begin inside the epoch, and let training reach `total_iter`.

        basicsr 1.4.2 and master count a last, incomplete batch in every epoch, which the loader then drops: with few
        batches an epoch, training runs out of epochs and ends early without a word, and with less than one it never
        begins. The same happens when a data set has grown before a resume.
        """
        loader, sampler, val_loaders, _, total_iters = self.originals["create_train_val_dataloader"](opt, logger)
        if len(loader) == 0:
            raise SystemExit(
                f"datasets.train: {len(loader.dataset)} images are fewer than one batch; "
                "raise dataset_enlarge_ratio or lower batch_size_per_gpu"
            )
        self.sampler = sampler
        self.conditions = {
            "seed": opt["manual_seed"],
            "world_size": opt["world_size"],
            "batch_size": loader.batch_size,
            "num_samples": sampler.total_size,
        }
        epoch, done = (self.state["epoch"], self.state["iter"]) if self.state else (0, 0)
        batches = min(self._batches_done(len(loader)), len(loader))
        sampler.begin_at(epoch=epoch, num_samples=batches * loader.batch_size)
        self.counted_epoch = None
        self._report(logger, loader, batches)
        total_epochs = epoch + math.ceil((total_iters - done + batches) / len(loader))
        return ShieldedLoader(loader), sampler, val_loaders, total_epochs, total_iters

    def _batches_done(self, batches_per_epoch: int) -> int:
        """Tell how many batches of the epoch a process has had, counted in batches as they are now."""
        if not self.state:
            return 0
        if not self.extra:  # written by BasicSR alone
            return max(self.state["iter"] - self.state["epoch"] * batches_per_epoch, 0)
        samples = self.extra["batches"] * self.extra["batch_size"] * self.extra["world_size"]
        return samples // (self.conditions["batch_size"] * self.conditions["world_size"])

    def _report(self, logger: logging.Logger, loader: Any, batches: int) -> None:
        for remark in self.remarks:
            logger.warning(f"Resuming: {remark}")
        if loader.num_workers == 0 and self.opt["datasets"]["train"].get("prefetch_mode") == "cpu":
            logger.warning("prefetch_mode cpu without workers reads beside the training step: draws will not repeat.")
        if not self.state:
            return
        reasons = [
            f"{what} was {self.extra[key]}, is {self.conditions[key]}"
            for key, what in CONDITIONS.items()
            if self.extra and self.extra[key] != self.conditions[key]
        ]
        if not self.extra:
            reasons.append("the state was written by BasicSR alone, without seed and place in the epoch")
        if self.opt["num_gpu"] != 0:
            reasons.append("GPU kernels may add in another order, which changes results by rounding")
        if reasons:
            logger.warning(f"This resume is not exact: {'; '.join(reasons)}.")
        logger.info(f"Going on after batch {batches} of {len(loader)} in the epoch, seed {self.opt['manual_seed']}.")

    def build_model(self, opt: dict[str, Any]) -> Any:
        """Build a model as BasicSR does, from weights alone, and stand between it and the training loop."""
        with checkpoints.safe_loading():
            self.model = model = self.originals["build_model"](opt)
        for name, method in (
            ("resume_training", self._resume_training),
            ("update_learning_rate", self._begin_iteration),
            ("feed_data", self._feed_data),
            ("validation", self._validate),
            ("save", self._save),
        ):
            setattr(model, name, functools.partial(method, getattr(model, name)))
        if self.state and hasattr(model, "queue_size"):
            _logger().warning("This resume is not exact: the pool of training pairs of this model begins empty.")
        return model

    def _resume_training(self, resume_training: Callable, state: dict[str, Any]) -> None:
        try:
            resume_training(state)
            if "model" in self.extra:
                self.model.load_extra_state(self.extra["model"])
        except (AssertionError, KeyError, ValueError, RuntimeError) as error:
            path = self.opt["path"]["resume_state"]
            message = f"path.resume_state: {path} does not fit this model ({error}); it belongs to another one"
            raise SystemExit(message) from error
        if self.extra.get("best_metric_results"):
            self.model.best_metric_results = self.extra["best_metric_results"]

    def _begin_iteration(self, update_learning_rate: Callable, current_iter: int, **kwargs: Any) -> None:
        if self.counted_epoch != self.sampler.epoch:
            self.counted_epoch = self.sampler.epoch
            left_out = self.sampler.left_out() // self.conditions["batch_size"]
            self.iter_at_epoch_begin = current_iter - 1 - left_out
        if self.signals.has_any_process(self.model.device):
            self._stop(current_iter - 1)
        numbers = (self.opt["manual_seed"], STEP_STREAM, self.opt["rank"], current_iter)
        seed_generators(*numbers, with_cuda=True)
        update_learning_rate(current_iter, **kwargs)

    def _stop(self, done: int) -> None:
        if done > self.saved_iter:
            self.model.save(self.sampler.epoch, done)
        if is_distributed():
            torch.distributed.barrier()  # a process that ends earlier would have the others ended while they save
        name = self.signals.received.name if self.signals.received else "A signal to another process"
        saved = f"iteration {done} is saved" if done else "there was nothing to save yet"
        _logger().info(f"{name}: training stops here, {saved}. It goes on with --auto_resume.")
        raise SystemExit(STOPPED)

    def _feed_data(self, feed_data: Callable, data: Any) -> None:
        if self.is_validating and self.signals.received:
            raise ValidationStopped
        feed_data(data)

    def _validate(self, validation: Callable, *args: Any, **kwargs: Any) -> None:
        self.is_validating = True
        try:
            validation(*args, **kwargs)
        except ValidationStopped:
            _logger().warning(f"{self.signals.received.name}: this validation is left out.")
        finally:
            self.is_validating = False

    def _save(self, save: Callable, epoch: int, current_iter: int) -> None:
        with checkpoints.whole_files(self._extra_state(current_iter)):
            save(epoch, current_iter)
        if current_iter == -1:  # the networks at the end of training, without a state
            return
        self.saved_iter = current_iter
        keep = self.opt["logger"].get("keep_checkpoints")
        if keep and self.opt["rank"] == 0:
            states, models = Path(self.opt["path"]["training_states"]), Path(self.opt["path"]["models"])
            checkpoints.remove_old(states, models, current_iter=current_iter, keep=keep)

    def _extra_state(self, current_iter: int) -> dict[str, Any]:
        """Give what BasicSR's training state lacks, as plain numbers and tensors that load with `weights_only`."""
        best = getattr(self.model, "best_metric_results", {})
        plain = {  # NumPy's numbers do not load with `weights_only`
            data_set: {metric: {**record, "val": float(record["val"])} for metric, record in records.items()}
            for data_set, records in best.items()
        }
        extra = {**self.conditions, "best_metric_results": plain}
        if current_iter != -1:
            extra["batches"] = current_iter - self.iter_at_epoch_begin
        if hasattr(self.model, "extra_state"):
            extra["model"] = self.model.extra_state()
        return extra


def _logger() -> logging.Logger:
    from basicsr.utils import get_root_logger

    return get_root_logger()
