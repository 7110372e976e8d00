"""Decoding, restoring and encoding at once: threads with short queues between them, so that memory stays what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
# Frames that wait at each place.
QUEUE_SIZE = 3
# Seconds after which a thread that waits looks whether it should stop.
PATIENCE = 0.1


class _End:
    """What ends a queue, with the error that ended it."""

    def __init__(self, error: BaseException | None = None):
        self.error = error


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, while a thread makes the next ones; an error in it is raised here."""
    queue: Queue[Item | _End] = Queue(QUEUE_SIZE)
    stopped = Event()

    def work() -> None:
        try:
            for item in items:
                _put(queue, item, stopped)
                if stopped.is_set():
                    return
            _put(queue, _End(), stopped)
        except BaseException as error:
            _put(queue, _End(error), stopped)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        thread.join()


class Behind(Generic[Item]):
    """A thread that consumes what is put, in order; as a context, it ends with the last item consumed.

    An error in it is raised by the next `put`, or at the context's end.
    """

    def __init__(self, consume: Callable[[Item], None]):
        self._consume = consume
        self._queue: Queue[Item | _End] = Queue(QUEUE_SIZE)
        self._stopped = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, daemon=True)

    def put(self, item: Item) -> None:
        """Hand an item over; waits while the queue is full."""
        _put(self._queue, item, self._stopped)
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Behind[Item]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            _put(self._queue, _End(), self._stopped)
        else:
            self._stopped.set()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    item = self._queue.get(timeout=PATIENCE)
                except Empty:
                    continue
                if isinstance(item, _End):
                    return
                self._consume(item)
        except BaseException as error:
            self._error = error
            self._stopped.set()


def _put(queue: Queue, item: object, stopped: Event) -> None:
    while not stopped.is_set():
        try:
            queue.put(item, timeout=PATIENCE)
            return
        except Full:
            continue
