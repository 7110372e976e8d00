"""Threads hand over in order, raise what went wrong, and end."""

from __future__ import annotations

import threading
import time

import pytest

from kdsr_tools.upscale.video.pipeline import QUEUE_SIZE, Behind, ahead


def test_items_come_in_order_and_few_are_made_ahead():
    made = []
    items = ahead(made.append(n) or n for n in range(50))
    assert next(items) == 0
    time.sleep(0.3)
    assert len(made) <= QUEUE_SIZE + 2
    assert list(items) == list(range(1, 50))


def test_an_error_while_making_is_raised_where_items_are_taken():
    def make():
        yield 1
        raise ValueError("broken")

    items = ahead(make())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_threads_end_when_nobody_takes_more():
    before = threading.active_count()
    items = ahead(iter(range(1000)))
    next(items)
    items.close()
    assert threading.active_count() == before


def test_all_that_was_put_is_consumed_in_order():
    got = []
    with Behind(got.append) as sink:
        for number in range(20):
            sink.put(number)
    assert got == list(range(20))


def test_an_error_while_consuming_is_raised():
    def fail(item):
        raise OSError("full")

    with pytest.raises(OSError, match="full"), Behind(fail) as sink:
        for number in range(20):
            sink.put(number)


def test_an_error_outside_stops_consuming():
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), Behind(lambda item: time.sleep(0.01)) as sink:
        sink.put(1)
        raise KeyboardInterrupt
    assert threading.active_count() == before
