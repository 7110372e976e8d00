"""Data workers, forked and spawned, and on systems that lack some of the signals' functions."""

import signal

import pytest
import torch
from basicsr.data.prefetch_dataloader import PrefetchDataLoader
from torch.utils.data import DataLoader, TensorDataset

from kdsr_model.run.workers import ShieldedLoader, ShieldedStart


class Numbers(TensorDataset):
    """Ten numbers."""

    def __init__(self):
        super().__init__(torch.arange(10))


def test_a_loader_stays_what_it_was():
    loader = ShieldedLoader(DataLoader(Numbers(), batch_size=5))
    assert (len(loader), loader.batch_size) == (2, 5)
    assert [batch.tolist() for (batch,) in loader] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


@pytest.mark.parametrize("missing", [("sigwaitinfo",), ("sigwaitinfo", "pthread_sigmask")], ids=["macos", "windows"])
def test_workers_read_where_functions_for_signals_are_missing(monkeypatch, missing):
    for name in missing:
        monkeypatch.delattr(signal, name)
    loader = ShieldedLoader(DataLoader(Numbers(), batch_size=5, num_workers=1))
    assert [batch.tolist() for (batch,) in loader] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_a_worker_without_masks_ignores_the_terminals_signal(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask")
    monkeypatch.delattr(signal, "sigwaitinfo")
    started = []
    before = signal.getsignal(signal.SIGINT)
    try:
        ShieldedStart(started.append)(3)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert started == [3]


class Torn(Numbers):
    """Ten numbers, of which the seventh cannot be read."""

    def __getitem__(self, index):
        if index == 7:
            raise OSError("number 7 is torn")
        return super().__getitem__(index)


def test_what_ends_a_thread_that_reads_ahead_ends_the_epoch():
    loader = ShieldedLoader(PrefetchDataLoader(num_prefetch_queue=1, dataset=Numbers(), batch_size=5))
    assert [batch.tolist() for (batch,) in loader] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    loader = ShieldedLoader(PrefetchDataLoader(num_prefetch_queue=1, dataset=Torn(), batch_size=5))
    batches = iter(loader)
    assert next(batches)[0].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(OSError, match="number 7 is torn"):
        next(batches)
