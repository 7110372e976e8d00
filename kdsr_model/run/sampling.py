"""The order of training samples and their draws, from (seed, epoch, position) alone.

basicsr 1.4.2 and master begin an epoch anew when training resumes inside it, and let samples draw from generators whose
state is lost with their process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from basicsr.data.data_sampler import EnlargedSampler
from torch.utils.data import Dataset

from kdsr_model.run.generators import seeded_generators

VISIT_STREAM = 0  # keeps the draws of samples apart from those of iterations, see `supervised_model`


class Visit(int):
    """An image's index that knows its epoch and its position in the order of all processes together."""

    epoch: int
    position: int

    def __new__(cls, index: int, epoch: int, position: int):
        """Make an index that every data set can use as one."""
        visit = super().__new__(cls, index)
        visit.epoch, visit.position = epoch, position
        return visit

    def __reduce__(self):
        """Go to worker processes whole."""
        return Visit, (int(self), self.epoch, self.position)


class ResumableSampler(EnlargedSampler):
    """BasicSR's sampler, giving `Visit`s, that can begin inside an epoch.

    Before the first `set_epoch` it gives nothing: what BasicSR reads then, it throws away.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.epoch = -1
        self.begin_at(epoch=0, num_samples=0)

    def begin_at(self, *, epoch: int, num_samples: int) -> None:
        """Leave out this process's first samples of one epoch."""
        self.first_epoch, self.num_left_out = epoch, num_samples

    def left_out(self) -> int:
        """Return how many samples of the present epoch this process leaves out."""
        return self.num_left_out if self.epoch == self.first_epoch else 0

    def __iter__(self) -> Iterator[Visit]:
        """Return the visits of the present epoch."""
        if self.epoch < 0:
            return iter(())
        indices = list(super().__iter__())
        positions = range(self.rank, self.total_size, self.num_replicas)
        visits = zip(indices, positions, strict=True)
        rest = list(visits)[self.left_out() :]
        return (Visit(index, self.epoch, position) for index, position in rest)


class SeededVisits(Dataset):
    """A training set whose samples draw from generators that follow from (seed, epoch, position)."""

    def __init__(self, data_set: Any, seed: int):
        self.data_set, self.seed = data_set, seed
        self.opt = getattr(data_set, "opt", None)

    def __len__(self) -> int:
        return len(self.data_set)

    def __getitem__(self, index: int) -> Any:
        """Return a sample; an index that is no `Visit` draws from the generators as they are."""
        if not isinstance(index, Visit):
            return self.data_set[index]
        with seeded_generators(self.seed, VISIT_STREAM, index.epoch, index.position):
            return self.data_set[int(index)]
