"""Modules of the user's own, which the key `import` names: what they register, option files can use."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from kdsr_options.schema import OptionError, Problem

MODULE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def import_own_modules(options: Mapping[str, Any]) -> None:
    """Import the modules that options name, from where Python finds them or from the current folder.

    This runs the modules' code, as `import` in Python does.

    Raises:
        OptionError: naming each that cannot be imported, with the reason.
    """
    names = options.get("import") or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list):
        raise OptionError([Problem("import", f"expected a list of modules, got {names!r}")])
    problems = []
    if names and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    for index, name in enumerate(names):
        if not isinstance(name, str) or not MODULE_NAME.fullmatch(name):
            problems.append(Problem(f"import.{index}", f"expected a module's name as in Python, got {name!r}"))
            continue
        try:
            import_module(name)
        except Exception as error:  # whatever the module raises
            message = (
                f"{name} cannot be imported: {type(error).__name__}: {error} (looked for in {', '.join(sys.path)})"
            )
            problems.append(Problem(f"import.{index}", message))
    if problems:
        raise OptionError(problems)
