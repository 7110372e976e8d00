"""Validation where a metric is not defined for every image, or fails on one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def support_undefined_scores() -> None:
    """Let a validation go on where an image has no value of a metric, and average it over those that have.

    basicsr 1.4.2 and master: SSIM ends the program for an image smaller than its window, with OpenCV's trace, and NIQE
    for flat ones; a value that is no number spoils the mean of all.
    """
    from basicsr.models.sr_model import SRModel

    if not getattr(SRModel.nondist_validation, "is_from_kdsr", False):
        SRModel.nondist_validation = _with_defined_means(SRModel.nondist_validation)


class DefinedSum:
    """The sum of the scores that are defined; BasicSR adds scores up from 0 and divides by the number of images."""

    def __init__(self, total: float, count: int):
        self.total, self.count = total, count

    def __add__(self, other: Any) -> DefinedSum:
        total, count = (other.total, other.count) if isinstance(other, DefinedSum) else (other, 0)
        return DefinedSum(self.total + total, self.count + count)

    __radd__ = __add__

    def __truediv__(self, _: int) -> float:
        return self.total / self.count if self.count else float("nan")


def _with_defined_means(validate: Callable) -> Callable:
    @functools.wraps(validate)
    def validate_where_defined(self: Any, *args: Any, **kwargs: Any) -> None:
        with _defined_scores(self):
            validate(self, *args, **kwargs)

    validate_where_defined.is_from_kdsr = True  # type: ignore[attr-defined]
    return validate_where_defined


@contextmanager
def _defined_scores(model: Any) -> Iterator[None]:
    """Within this context, BasicSR's validation of a model gets sums of defined scores, and the log each exception."""
    from basicsr.models import sr_model
    from basicsr.utils import get_root_logger

    measure, feed = sr_model.calculate_metric, model.feed_data
    shown: list[str] = []

    def note_name(data: dict[str, Any]) -> None:
        shown[:] = data.get("lq_path", ["an image"])
        feed(data)

    def measure_where_defined(data: dict[str, Any], opt: dict[str, Any]) -> DefinedSum:
        try:
            value, reason = float(measure(data, opt)), "its value is no number"
        except (TypeError, KeyError, OSError, RuntimeError):  # of the options or the machine, not of this image
            raise
        except Exception as error:  # also OpenCV's, whose base this is
            value, reason = float("nan"), (str(error).strip().splitlines() or [type(error).__name__])[0]
        if value != value:
            get_root_logger().warning(f"{shown[0]}: left out of {opt['type']} ({reason})")
            return DefinedSum(0.0, 0)
        return DefinedSum(value, 1)

    sr_model.calculate_metric, model.feed_data = measure_where_defined, note_name
    try:
        yield
    finally:
        sr_model.calculate_metric = measure
        del model.feed_data  # the one of its class shows again
