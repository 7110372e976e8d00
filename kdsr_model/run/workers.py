"""Data workers that outlive the signals which a scheduler or Ctrl-C sends to every process of a training.

PyTorch's workers die of them, which ends their parent in the middle of its step. Here a worker, forked or spawned, ends
for its parent alone. What a system lacks is left out: macOS cannot tell who sent a signal, so there a worker ends by
PyTorch's own word; Windows cannot block signals, so there a worker ignores Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from basicsr.data.prefetch_dataloader import PrefetchDataLoader, PrefetchGenerator
from torch.utils.data import DataLoader

from kdsr_model.run.signals import STOP_SIGNALS


class ShieldedLoader:
    """A data loader whose workers are started with the stop signals blocked; all else is the loader's own."""

    def __init__(self, loader: DataLoader):
        loader.worker_init_fn = ShieldedStart(loader.worker_init_fn)
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator:
        """Begin an epoch; a signal that comes meanwhile reaches this process afterwards."""
        with _blocked_signals():
            if isinstance(self._loader, PrefetchDataLoader):
                return ReadAhead(self._loader)
            return iter(self._loader)


class ReadAhead:
    """An epoch that BasicSR's thread reads ahead.

    basicsr 1.4.2 and master: what the thread fails of ends the thread alone, and training waits for it for ever.
    """

    def __init__(self, loader: PrefetchDataLoader):
        self._error: BaseException | None = None
        self._batches = PrefetchGenerator(self._until_error(DataLoader.__iter__(loader)), loader.num_prefetch_queue)

    def _until_error(self, batches: Iterator) -> Iterator:
        try:
            yield from batches
        except BaseException as error:
            self._error = error

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        """Return the next batch, or raise what ended the thread."""
        try:
            return next(self._batches)
        except StopIteration:
            if self._error is not None:
                raise self._error from None
            raise


class ShieldedStart:
    """What a worker does first: see to signals, then what the loader wants."""

    def __init__(self, worker_init_fn: Callable[[int], None] | None):
        self.worker_init_fn = worker_init_fn

    def __call__(self, worker_id: int) -> None:
        """Start the worker of this number."""
        if not hasattr(signal, "pthread_sigmask"):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        else:
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        if hasattr(signal, "sigwaitinfo"):
            threading.Thread(target=_end_for, args=(os.getppid(),), daemon=True).start()
        if self.worker_init_fn is not None:
            self.worker_init_fn(worker_id)


@contextmanager
def _blocked_signals() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _end_for(parent: int) -> None:
    """End this worker as soon as its parent asks for it, which PyTorch does by SIGTERM."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
