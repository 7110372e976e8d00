"""SIGTERM and SIGINT ask training to stop after the step at hand; a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import torch

STOPPED = 75  # the exit code, EX_TEMPFAIL of sysexits.h: start it again with --auto_resume
# torchrun passes on what the terminal has sent to its processes too: that is one signal, not two.
SAME_SIGNAL_SECONDS = 1.0


class StopSignals:
    """What signals the process has got, and what all processes of a training have got together."""

    def __init__(self):
        self.received: signal.Signals | None = None
        self.received_at = 0.0

    def install(self) -> None:
        """Take over SIGTERM and SIGINT, where this is the main thread; in others Python allows no handlers."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self.received_at = signal.Signals(number), now
        elif now - self.received_at > SAME_SIGNAL_SECONDS:
            os._exit(128 + number)

    def has_any_process(self, device: torch.device) -> bool:
        """Tell whether a process of this training has got a signal; all processes get the same answer."""
        is_asked = self.received is not None
        if not is_distributed():
            return is_asked
        flag = torch.tensor(float(is_asked), device=device)
        torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
        return bool(flag)


def is_distributed() -> bool:
    """Tell whether several processes train together."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
