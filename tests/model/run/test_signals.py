"""Signals: the first one is kept in mind, or interrupts; a second one ends the process."""

import os
import signal
import threading

import pytest

from kdsr_model.run import signals
from kdsr_model.run.signals import STOP_SIGNALS, Interrupted, StopSignals


@pytest.fixture
def stop_signals():
    """Handlers that are put back after the test."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    stop_signals = StopSignals()
    stop_signals.install()
    yield stop_signals
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_is_kept_in_mind(stop_signals):
    assert stop_signals.name == "A signal to another process"
    signal.raise_signal(signal.SIGTERM)
    assert stop_signals.received == signal.SIGTERM
    assert stop_signals.name == "SIGTERM"


def test_a_validation_is_interrupted(stop_signals):
    with pytest.raises(Interrupted), stop_signals.interrupting():
        signal.raise_signal(signal.SIGINT)
    assert not stop_signals.interrupts
    with pytest.raises(Interrupted), stop_signals.interrupting():
        pytest.fail("a signal came before")


def test_a_second_signal_ends_the_process_and_an_echo_of_the_first_does_not(stop_signals, monkeypatch):
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    times = iter([10.0, 10.5, 11.5])
    monkeypatch.setattr(signals.time, "monotonic", lambda: next(times))
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    assert ended == []
    signal.raise_signal(signal.SIGTERM)
    assert ended == [128 + signal.SIGTERM]


def test_other_threads_install_nothing():
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    thread = threading.Thread(target=StopSignals().install)
    thread.start()
    thread.join()
    assert {number: signal.getsignal(number) for number in STOP_SIGNALS} == before
