"""Ways into BasicSR's running `train.py` and `test.py`, which know no plugins: the names in their modules."""

from __future__ import annotations

import functools
import logging
import math
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from basicsr.utils import get_root_logger, set_random_seed

from kdsr_model.run.loading import build_safely
from kdsr_model.run.lock import lock_experiment
from kdsr_model.run.progress import Progress
from kdsr_model.run.resume import Conditions, Resume, find_resume, names_a_seed
from kdsr_model.run.run_options import describe_changes, save_options, written_options
from kdsr_model.run.sampling import ResumableSampler, SeededVisits
from kdsr_model.run.signals import StopSignals
from kdsr_model.run.supervised_model import SupervisedModel
from kdsr_model.run.whole_files import remove_leftovers, take_trained_weights
from kdsr_model.run.workers import ShieldedLoader
from kdsr_options.command_line import parse_command_line

# Functions of the launcher's module that methods of `TrainingHooks` stand in for, in the order of their calls.
REPLACED = ("load_resume_state", "build_dataset", "create_train_val_dataloader", "build_model")


def hook_launchers(prepare_options: Callable[[dict[str, Any]], None]) -> bool:
    """Have BasicSR's running `train.py` or `test.py` call `prepare_options(opt)` first, and train safely.

    Tells whether one was found that had not been hooked.

    BasicSR has no entry point for plugins. An option file can load one while BasicSR parses it (its `kdsr_version`
    line), and after that the launcher looks up the functions it calls in its own module: these names are replaced
    there, for training those of `TrainingHooks`, for testing `make_exp_dirs` and `build_model`.
    """
    found = False
    for launcher in _running_launchers():
        if getattr(launcher, "is_hooked_by_kdsr", False):
            continue
        launcher.is_hooked_by_kdsr = found = True
        if hasattr(launcher, "train_pipeline"):
            TrainingHooks(launcher, prepare_options).hook()
        else:
            launcher.make_exp_dirs = _after(prepare_options, launcher.make_exp_dirs)
            launcher.build_model = functools.partial(build_safely, launcher.build_model)
    return found


class TrainingHooks:
    """One run of BasicSR's `train_pipeline`, whose names in the launcher's module these methods stand in for.

    What one of them settles, later ones need: the seed and the checkpoint to go on from, then the place in the epoch.

    Args:
        launcher: the module with `train_pipeline`.
        prepare_options: called first, with the parsed options.
    """

    def __init__(self, launcher: Any, prepare_options: Callable[[dict[str, Any]], None]):
        self.launcher, self.prepare_options = launcher, prepare_options
        self.originals: dict[str, Any] = {
            name: getattr(launcher, name, None) for name in (*REPLACED, "EnlargedSampler")
        }
        self.signals = StopSignals()
        self.resume = Resume(None)
        self.seed = 0
        self.options: dict[str, Any] = {}
        self.changes: list[str] = []
        self.progress: Any = None  # a `Progress`, as soon as the training set is there

    def hook(self) -> None:
        """Put the methods, and the sampler, in the launcher's names, if it has them all; else warn."""
        missing = [name for name, original in self.originals.items() if original is None]
        if missing:
            logging.getLogger("kdsr").warning(
                f"{self.launcher.__file__} has no {', '.join(missing)}, so the plugin cannot step in: options are "
                "not checked, and training neither saves safely nor resumes exactly. It knows the train.py of basicsr "
                "1.4.2."
            )
            return
        self.launcher.EnlargedSampler = ResumableSampler
        for name in REPLACED:
            setattr(self.launcher, name, getattr(self, name))
        sys.excepthook = _with_dead_workers_explained(sys.excepthook)

    def load_resume_state(self, opt: dict[str, Any]) -> dict[str, Any] | None:
        """Return the training state to go on from, or None to start afresh.

        basicsr 1.4.2 and master load it onto `torch.cuda.current_device()`, which fails without CUDA. 1.4.2 also looks
        for `experiments/` in the current folder instead of the root's, and with `--auto_resume` both take the newest
        file even when the process was killed while writing it.

        Raises:
            SystemExit: another training runs in the folder, or the checkpoint cannot be gone on from.
        """
        self.prepare_options(opt)
        self.signals.install()
        remarks: tuple[str, ...] = ()
        if opt["rank"] == 0:
            remarks = lock_experiment(Path(opt["path"]["experiments_root"]))
            remove_leftovers(*(Path(opt["path"][key]) for key in ("training_states", "models")))
        self.resume = find_resume(opt, remarks=remarks)
        self.seed = self._settle_seed(opt)
        self.options = {**written_options(sys.argv[1:]), "manual_seed": self.seed}
        before = self.resume.extra.get("options", self.options)
        self.changes = describe_changes(before, self.options, state=opt["path"].get("resume_state"))
        if self.resume.state:
            self.launcher.check_resume(opt, self.resume.iteration)
            take_trained_weights(opt, self.resume.iteration)
        return self.resume.state

    def _settle_seed(self, opt: dict[str, Any]) -> int:
        is_named = names_a_seed(parse_command_line(sys.argv[1:]))
        drawn = opt["manual_seed"]
        if drawn is None:  # by `--force_yml manual_seed=~`, after which BasicSR draws none
            drawn = random.SystemRandom().randint(1, 10_000)
        seed = opt["manual_seed"] = self.resume.seed(drawn, is_named=is_named)
        # BasicSR's parser has done so before it read the seed of `--force_yml`, or drew another in each process.
        set_random_seed(seed + opt["rank"])
        return seed

    def build_dataset(self, dataset_opt: dict[str, Any]) -> Any:
        """Build a data set as BasicSR does; a training set's samples draw by their place in the epoch."""
        data_set = self.originals["build_dataset"](dataset_opt)
        return SeededVisits(data_set, self.seed) if dataset_opt["phase"] == "train" else data_set

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
        conditions = Conditions(self.seed, opt["world_size"], loader.batch_size, sampler.total_size)
        batches = self.resume.batches_done(conditions, batches_per_epoch=len(loader))
        sampler.begin_at(epoch=self.resume.epoch, num_samples=batches * loader.batch_size)
        self.progress = Progress(sampler, conditions, done=self.resume.iteration)
        self._report(opt, logger, self.resume.inexactness(conditions, with_gpu=opt["num_gpu"] != 0))
        if self.resume.state:
            logger.info(f"Going on after batch {batches} of {len(loader)} in the epoch, seed {self.seed}.")
        if opt["rank"] == 0:
            save_options(self.options, Path(opt["path"]["experiments_root"]))
        left = total_iters - self.resume.iteration
        total_epochs = self.resume.epoch + math.ceil((left + batches) / len(loader))
        return ShieldedLoader(loader), sampler, val_loaders, total_epochs, total_iters

    def _report(self, opt: dict[str, Any], logger: logging.Logger, inexactness: list[str]) -> None:
        for remark in self.resume.remarks:
            logger.warning(f"Resuming: {remark}")
        train_set, done, total = opt["datasets"]["train"], self.resume.iteration, opt["train"]["total_iter"]
        if not train_set.get("num_worker_per_gpu") and train_set.get("prefetch_mode") == "cpu":
            logger.warning("prefetch_mode cpu without workers reads beside the training step: draws will not repeat.")
        if inexactness:
            logger.warning(f"This resume is not exact: {'; '.join(inexactness)}.")
        for change in self.changes:
            logger.info(f"Changed since iteration {done}: {change}.")
        if done >= total:
            logger.info(
                f"This training is finished: {done} iterations are done, train.total_iter is {total}. "
                "A larger one lets it go on."
            )

    def build_model(self, opt: dict[str, Any]) -> Any:
        """Build a model as BasicSR does, from weights alone, and stand between it and the training loop."""
        model = build_safely(self.originals["build_model"], opt)
        if self.resume.state and hasattr(model, "queue_size"):
            get_root_logger().warning(
                "This resume is not exact: the pool of training pairs of this model begins empty."
            )
        return SupervisedModel(
            model, resume=self.resume, progress=self.progress, signals=self.signals, options=self.options
        )


def _running_launchers() -> Iterator[Any]:
    for name in ("basicsr.train", "basicsr.test", "__main__"):
        module = sys.modules.get(name)
        if hasattr(module, "train_pipeline") or hasattr(module, "test_pipeline"):
            yield module


def _after(prepare: Callable[[dict], None], go_on: Callable[[dict], Any]) -> Callable[[dict], Any]:
    def prepare_and_go_on(opt: dict[str, Any]) -> Any:
        prepare(opt)
        return go_on(opt)

    return prepare_and_go_on


def _with_dead_workers_explained(excepthook: Callable) -> Callable:
    """Say in one message what PyTorch's error about a data worker means; it can come up anywhere in the loop."""

    def explain(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not (issubclass(kind, RuntimeError) and "DataLoader worker" in str(error)):
            excepthook(kind, error, trace)
            return
        get_root_logger().error(
            f"Training stops: a process that reads data has died ({str(error).splitlines()[0].strip()}). If memory ran "
            "out, lower num_worker_per_gpu. Training goes on from the last checkpoint with --auto_resume."
        )

    return explain
