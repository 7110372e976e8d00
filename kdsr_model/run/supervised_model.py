"""A model as BasicSR's training loop sees it: repeatable in every iteration, stopped by signals, saved whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from basicsr.utils import get_root_logger

from kdsr_model.run.generators import seed_generators
from kdsr_model.run.processes import any_process, is_distributed
from kdsr_model.run.progress import Progress
from kdsr_model.run.resume import Resume
from kdsr_model.run.schedules import follow_options, take_back_warmup
from kdsr_model.run.signals import STOPPED, Interrupted, StopSignals
from kdsr_model.run.whole_files import remove_old, whole_files

STEP_STREAM = 1  # keeps the draws of iterations apart from those of samples, see `sampling`


class SupervisedModel:
    """Any BasicSR model in the hands of the training loop; what is not here is the model's own.

    Args:
        resume: what the model is about to go on from.
        progress: where the training stands, which is counted on here.
        options: what each training state says that it was trained by.
    """

    def __init__(
        self, model: Any, *, resume: Resume, progress: Progress, signals: StopSignals, options: dict[str, Any]
    ):
        self._model = model
        self._resume = resume
        self._progress = progress
        self._signals = signals
        self._options = options

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def resume_training(self, state: dict[str, Any]) -> None:
        """Go on from a training state, with the model's own counters and the best results so far.

        Where the options have other learning rates, schedules or numbers of the optimisers, these hold.

        Raises:
            SystemExit: the state is another model's.
        """
        extra = self._resume.extra
        try:
            state, changes = follow_options(state, self._model)
            self._model.resume_training(state)
            if "model" in extra:
                self._model.load_extra_state(extra["model"])
        except (AssertionError, KeyError, ValueError, RuntimeError) as error:
            path = self.opt["path"]["resume_state"]
            message = f"path.resume_state: {path} does not fit this model ({error}); it belongs to another one"
            raise SystemExit(message) from error
        if "options" not in extra:  # else the log has it, by the names of the options
            for change in changes:
                get_root_logger().info(f"Changed since iteration {state['iter']}: {change}; the options hold.")
        if extra.get("best_metric_results"):
            self._go_on_from_best(extra["best_metric_results"])

    def _go_on_from_best(self, results: dict[str, dict[str, Any]]) -> None:
        """Take over the best results so far of metrics that the options still have; others begin anew.

        basicsr 1.4.2 and master: a data set whose results are known gets no place for a metric that is new.
        """
        if not (self.opt.get("val") or {}).get("metrics"):
            self._model.best_metric_results = results  # for a later run, which may measure again
            return
        for data_set, before in results.items():
            self._model._initialize_best_metric_results(data_set)
            now = self._model.best_metric_results[data_set]
            now |= {key: best for key, best in before.items() if key in now and best["better"] == now[key]["better"]}

    def update_learning_rate(self, current_iter: int, warmup_iter: int = -1) -> None:
        """Begin an iteration: stop if a signal asks for it, else make its draws repeatable and set its rate."""
        self._progress.begin_iteration(current_iter)
        if any_process(self._signals.received is not None, device=self.device):
            self._stop()
        numbers = (self.opt["manual_seed"], STEP_STREAM, self.opt["rank"], current_iter)
        seed_generators(*numbers, with_cuda=True)
        if 1 < current_iter <= warmup_iter:
            take_back_warmup(self._model)
        self._model.update_learning_rate(current_iter, warmup_iter=warmup_iter)

    def _stop(self) -> None:
        done = self._progress.done
        if done > self._progress.saved:
            self.save(self._progress.epoch, done)
        if is_distributed():
            torch.distributed.barrier()  # a process that ends earlier would have the others ended while they save
        saved = f"iteration {done} is saved" if done else "there was nothing to save yet"
        get_root_logger().info(f"{self._signals.name}: training stops here, {saved}. It goes on with --auto_resume.")
        raise SystemExit(STOPPED)

    def optimize_parameters(self, current_iter: int) -> None:
        """Make the step of an iteration, which is then done."""
        self._model.optimize_parameters(current_iter)
        self._progress.end_iteration(current_iter)

    def validation(self, dataloader: Any, current_iter: int, tb_logger: Any, save_img: bool = False) -> None:
        """Validate, unless a signal comes.

        basicsr 1.4.2 and master count on at the end of training: there the last iteration would be one or two too high.
        """
        done = min(current_iter, self._progress.done)
        try:
            with self._signals.interrupting():
                self._model.validation(dataloader, done, tb_logger, save_img)
        except Interrupted:
            get_root_logger().warning(f"{self._signals.name}: this validation is left out.")

    def save(self, epoch: int, current_iter: int) -> None:
        """Save a checkpoint whole or end the program; the networks alone, at the end, where both numbers are -1."""
        with whole_files(self._extra_state(current_iter)):
            self._model.save(epoch, current_iter)
        if current_iter == -1:
            return
        self._progress.saved = current_iter
        keep = self.opt["logger"].get("keep_checkpoints")
        if keep and self.opt["rank"] == 0:
            states, models = Path(self.opt["path"]["training_states"]), Path(self.opt["path"]["models"])
            remove_old(states, models, current_iter=current_iter, keep=keep)

    def _extra_state(self, current_iter: int) -> dict[str, Any]:
        """Return what BasicSR's training state lacks, as plain numbers and tensors that load with `weights_only`."""
        best = getattr(self._model, "best_metric_results", {})
        plain = {  # NumPy's numbers do not load with `weights_only`
            data_set: {metric: {**record, "val": float(record["val"])} for metric, record in records.items()}
            for data_set, records in best.items()
        }
        extra = {**self._progress.conditions._asdict(), "best_metric_results": plain, "options": self._options}
        if current_iter != -1:
            extra["batches"] = self._progress.batches(current_iter)
        if hasattr(self._model, "extra_state"):
            extra["model"] = self._model.extra_state()
        return extra
