"""How OpenMP's threads wait for each other: briefly, so that training goes on beside other busy processes.

Between PyTorch's operations the threads of OpenMP wait in a loop, for milliseconds, before they sleep. Where another
process needs the core, the loop takes it from the very thread that the others wait for, and training all but stops
(`docs/performance.md` has figures).

OpenMP reads the environment once, when PyTorch loads it. This module therefore stands here, where importing loads no
PyTorch, and imports nothing but the standard library. Only commands call it: importing a package of this project leaves
the user's own process as it is.
"""

from __future__ import annotations

import os
import sys

# GNU's library, which PyTorch's wheels bring on Linux: turns of the loop. Intel's and LLVM's, which PyTorch has on
# macOS and from conda: milliseconds.
SHORT_WAIT = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}
STANDARD = "OMP_WAIT_POLICY"  # which every library knows; a count of their own would overrule it
NAMES = (STANDARD, *SHORT_WAIT)


def wait_briefly() -> None:
    """Set `SHORT_WAIT` for this process and those it starts: before PyTorch is imported, and never over the user's."""
    if STANDARD in os.environ or "torch" in sys.modules:
        return
    for name, value in SHORT_WAIT.items():
        os.environ.setdefault(name, value)
