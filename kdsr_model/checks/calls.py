"""A block with a `type` against what it will call: its signature, and what it raises when it is tried."""

from __future__ import annotations

import inspect
import math
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from kdsr_options.schema import Problem, join_path, unknown_key, unknown_type

Options = Mapping[str, Any]


def check_call(
    problems: list[Problem],
    block: Any,
    registered: Mapping[str, Callable],
    what: str,
    *,
    path: str,
    given: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    open: bool = True,
) -> Callable | None:
    """Check a block with a `type` against the signature of what it will call; return that, or None.

    Args:
        given: arguments that BasicSR adds.
        extra: keys that are read elsewhere.
        open: whether `**kwargs` in the signature means that any key is fine.
    """
    name = block.get("type") if isinstance(block, Mapping) else block
    if not isinstance(block, Mapping) or str(name) not in registered:
        problems.append(unknown_type(join_path(path, "type"), what, name, registered))
        return None
    called = registered[str(name)]
    parameters = inspect.signature(called).parameters.values()
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_all = open and any(p.kind is p.VAR_KEYWORD for p in parameters)
    for key in block:
        if key not in named and key not in ("type", *extra) and not takes_all:
            problems.append(unknown_key(path, key, [name for name in named if name not in given or name in block]))
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in block and name not in given:
            problems.append(Problem(join_path(path, name), "is missing"))
    return called


def arguments_of(block: Options, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what a block hands to what it calls."""
    return {key: value for key, value in block.items() if key not in ("type", *without)}


def try_block(problems: list[Problem], attempt: Callable[[Options], Any], block: Options, *, path: str) -> Any:
    """Return what `attempt(block)` gives; where it raises, report that by the key without which it would not."""
    try:
        with undisturbed():
            return attempt(block)
    except Exception as error:  # whatever BasicSR, PyTorch and the users' own classes raise
        key = next((key for key in block if key != "type" and _succeeds(attempt, block, without=key)), "")
        problems.append(Problem(join_path(path, key), _sentence(error, block.get(key) if key else block.get("type"))))
        return None


def _succeeds(attempt: Callable[[Options], Any], block: Options, *, without: str) -> bool:
    try:
        with undisturbed():
            attempt({key: value for key, value in block.items() if key != without})
    except Exception:
        return False
    return True


def _sentence(error: Exception, value: Any) -> str:
    text = " ".join(str(error).split()) or "cannot be used"
    kind = "" if isinstance(error, ValueError | NotImplementedError | AssertionError) else f"{type(error).__name__}: "
    return f"{value!r} was tried and fails: {kind}{text[:400]}"


@contextmanager
def undisturbed() -> Iterator[None]:
    """Within this context nothing is heard of warnings, and random draws leave the generators as they were."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, which `true` is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
