"""How far a training is: iterations done and saved, and batches of the epoch."""

from __future__ import annotations

from kdsr_model.run.resume import Conditions
from kdsr_model.run.sampling import ResumableSampler


class Progress:
    """The counts of one training, from the iteration on after which it was resumed.

    Args:
        sampler: the training set's, which knows its epoch.
        conditions: what an exact resume needs to be as it was.
        done: the iterations that the checkpoint has behind it.
    """

    def __init__(self, sampler: ResumableSampler, conditions: Conditions, *, done: int):
        self.sampler = sampler
        self.conditions = conditions
        self.done = done
        self.saved = done
        self._counted_epoch: int | None = None
        self._done_before_epoch = done

    @property
    def epoch(self) -> int:
        """Return the epoch that training is in."""
        return self.sampler.epoch

    def begin_iteration(self, current_iter: int) -> None:
        """Count an iteration that begins."""
        self.done = current_iter - 1
        if self._counted_epoch != self.sampler.epoch:
            self._counted_epoch = self.sampler.epoch
            self._done_before_epoch = self.done - self.sampler.left_out() // self.conditions.batch_size

    def end_iteration(self, current_iter: int) -> None:
        """Count an iteration that is done."""
        self.done = current_iter

    def batches(self, current_iter: int) -> int:
        """Return how many batches of the epoch a process has had after this iteration."""
        return current_iter - self._done_before_epoch
