"""SIGTERM and SIGINT ask training to stop after the step at hand; a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STOPPED = 75  # the exit code, EX_TEMPFAIL of sysexits.h: start it again with --auto_resume
STOP_SIGNALS = {getattr(signal, name) for name in ("SIGTERM", "SIGINT") if hasattr(signal, name)}
# torchrun passes on what the terminal has sent to its processes too: that is one signal, not two.
SAME_SIGNAL_SECONDS = 1.0


class Interrupted(BaseException):
    """A signal came while something ran that is not worth waiting for; no `except Exception` on the way takes it."""


class StopSignals:
    """What signal the process has got."""

    def __init__(self):
        self.received: signal.Signals | None = None
        self.received_at = 0.0
        self.interrupts = False

    @property
    def name(self) -> str:
        """Return the signal's name, for the log."""
        return self.received.name if self.received else "A signal to another process"

    def install(self) -> None:
        """Take over SIGTERM and SIGINT, where this is the main thread; in others Python allows no handlers."""
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self.received_at = signal.Signals(number), now
            if self.interrupts:
                raise Interrupted
        elif now - self.received_at > SAME_SIGNAL_SECONDS:
            os._exit(128 + number)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within this context the first signal, also one that came before, raises `Interrupted`."""
        self.interrupts = True
        try:
            if self.received:
                raise Interrupted
            yield
        finally:
            self.interrupts = False
