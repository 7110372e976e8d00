"""The order and the draws of samples: from seed, epoch and position alone."""

import pickle

import torch
from basicsr.data.data_sampler import EnlargedSampler
from drawing import Drawing
from torch.utils.data import DataLoader

from kdsr_model.run.sampling import ResumableSampler, SeededVisits, Visit
from kdsr_model.run.workers import ShieldedLoader


def sampler_at(epoch, *, left_out=0, rank=0, world_size=1):
    sampler = ResumableSampler(Drawing(), world_size, rank, 3)
    sampler.begin_at(epoch=epoch, num_samples=left_out)
    sampler.set_epoch(epoch)
    return sampler


def test_the_order_is_that_of_basicsr():
    for rank in (0, 1):
        basicsr_sampler = EnlargedSampler(Drawing(), 2, rank, 3)
        basicsr_sampler.set_epoch(4)
        assert list(sampler_at(4, rank=rank, world_size=2)) == list(basicsr_sampler)


def test_positions_count_over_all_processes():
    visits = [list(sampler_at(1, rank=rank, world_size=2)) for rank in (0, 1)]
    assert [visit.position for visit in visits[0]] == list(range(0, 30, 2))
    assert [visit.position for visit in visits[1]] == list(range(1, 30, 2))
    assert {visit.epoch for visit in visits[0]} == {1}


def test_the_first_epoch_begins_inside_and_the_next_ones_do_not():
    sampler = sampler_at(2, left_out=12)
    assert [visit.position for visit in sampler] == list(range(12, 30))
    sampler.set_epoch(3)
    assert [visit.position for visit in sampler] == list(range(30))


def test_nothing_is_read_before_the_epoch_is_set():
    sampler = ResumableSampler(Drawing(), 1, 0, 3)
    assert list(sampler) == []
    assert len(sampler) == 30


def test_a_visit_is_an_index_and_travels_to_workers_whole():
    visit = pickle.loads(pickle.dumps(Visit(3, 5, 7)))
    assert (visit, visit.epoch, visit.position) == (3, 5, 7)
    assert ["a", "b", "c", "d"][visit] == "d"


def read(seed, *, num_workers=0, epoch=2, left_out=0):
    loader = DataLoader(
        SeededVisits(Drawing(), seed), 2, sampler=sampler_at(epoch, left_out=left_out), num_workers=num_workers
    )
    return [tuple(map(tuple, torch.stack(batch).tolist())) for batch in ShieldedLoader(loader)]


def test_draws_are_the_same_with_workers_and_from_the_middle_of_an_epoch():
    whole = read(7)
    assert read(7, num_workers=2) == whole
    assert read(7, left_out=12) == whole[6:]


def test_draws_differ_between_samples_epochs_and_seeds():
    draws = {batch[1:] for batch in (*read(7), *read(8), *read(7, epoch=3))}
    assert len(draws) == 3 * 15


def test_a_plain_index_draws_from_the_generators_as_they_are():
    data_set = SeededVisits(Drawing(), 7)
    assert data_set[1] != data_set[1]
    assert data_set[Visit(1, 2, 3)] == data_set[Visit(1, 2, 3)]
    assert (len(data_set), data_set.opt) == (10, Drawing.opt)
