"""How far a training is: iterations over its whole length, batches within an epoch."""

from types import SimpleNamespace

import pytest

from kdsr_model.run.progress import Progress
from kdsr_model.run.resume import Conditions


class Sampler(SimpleNamespace):
    """A sampler in epoch 3, of which the first samples may be left out."""

    def left_out(self):
        return self.num_left_out


def make(*, done, left_out=0):
    conditions = Conditions(seed=0, world_size=1, batch_size=4, num_samples=40)
    return Progress(Sampler(epoch=3, num_left_out=left_out), conditions, done=done)


def test_an_iteration_is_done_when_it_ends():
    progress = make(done=10)
    assert (progress.done, progress.saved, progress.epoch) == (10, 10, 3)
    progress.begin_iteration(11)
    assert progress.done == 10
    progress.end_iteration(11)
    assert (progress.done, progress.saved) == (11, 10)


@pytest.mark.parametrize(("left_out", "expected"), [(0, [1, 2, 3]), (8, [3, 4, 5])])
def test_batches_count_from_the_beginning_of_the_epoch(left_out, expected):
    progress = make(done=10, left_out=left_out)
    batches = []
    for iteration in (11, 12, 13):
        progress.begin_iteration(iteration)
        batches.append(progress.batches(iteration))
        progress.end_iteration(iteration)
    assert batches == expected


def test_the_next_epoch_counts_anew():
    progress = make(done=10, left_out=8)
    progress.begin_iteration(11)
    progress.end_iteration(11)
    progress.sampler.epoch, progress.sampler.num_left_out = 4, 0
    progress.begin_iteration(12)
    assert progress.batches(12) == 1
