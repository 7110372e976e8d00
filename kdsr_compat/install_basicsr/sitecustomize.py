"""Lets basicsr 1.4.2 be installed on Python 3.13 and newer; on PYTHONPATH for that one call of pip, and never else.

BasicSR's setup.py learns its version by `exec(...)` in a function and reads it back with `locals()['__version__']`.
Since Python 3.13 (PEP 667), `exec` in a function writes to a copy, so that installing ends with
`KeyError: '__version__'`. Here an `exec` without namespaces writes to its caller's variables again. Python imports a
module of this name when it starts, also in the process in which pip runs setup.py.
"""

from __future__ import annotations

import builtins
import sys
from typing import Any

_exec = builtins.exec


def exec_in_caller(source: Any, /, globals: Any = None, locals: Any = None, **kwargs: Any) -> None:
    """Run code as `exec` does; without namespaces, what it defines can be read from the caller's `locals()`."""
    if globals is None and locals is None:
        caller = sys._getframe(1)
        globals, locals = caller.f_globals, caller.f_locals
    elif globals is None:
        globals = sys._getframe(1).f_globals
    _exec(source, globals, locals, **kwargs)


if sys.version_info >= (3, 13):
    builtins.exec = exec_in_caller
