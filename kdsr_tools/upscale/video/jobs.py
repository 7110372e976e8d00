"""Films among the pictures of `kdsr upscale`: their outcomes, and the parts that several processes made of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kdsr_tools.files import describe_error
from kdsr_tools.upscale.video.colours import Colours, to_pixels
from kdsr_tools.upscale.video.film import Film
from kdsr_tools.upscale.video.reading import FilmError, FilmReader, without_gaps
from kdsr_tools.upscale.video.settings import FilmSettings

if TYPE_CHECKING:
    from kdsr_tools.upscale.batch import Outcome
    from kdsr_tools.upscale.sharing import Process
    from kdsr_tools.upscale.upscaler import Upscaler

# Of an outcome: this process made its share of a film, which is joined once all have.
SHARED = "shared"


def upscale_film(
    source: Path,
    target: Path,
    upscaler: Upscaler,
    settings: FilmSettings,
    outcome: Outcome,
    *,
    process: Process,
    note: Callable[[str], object],
    show_bar: bool,
) -> None:
    """Make a film, or this process's share of its parts, and fill in the outcome."""
    film = Film(source, target, upscaler, settings, note=note, show_bar=None if show_bar else False)
    film.render(number=process.number, count=process.count)
    if process.count > 1:
        outcome.status = SHARED
    else:
        _finish(film, outcome)


def _finish(film: Film, outcome: Outcome) -> None:
    film.join()
    outcome.width, outcome.height = film.size
    outcome.frames, outcome.repeated = film.plan.num_frames, len(film.plan.damaged)
    outcome.scenes = len(film.plan.scenes)
    outcome.status = "done"
    if film.plan.missing:
        outcome.status = "failed"
        outcome.reason = f"{film.source}: {film.plan.missing}; they were upscaled to {film.target}"


def join_shared(outcomes: Sequence[Outcome], upscaler: Upscaler, settings: FilmSettings) -> list[Outcome]:
    """Join the films that all processes have made their parts of; return one outcome for each film, and all others."""
    results: dict[str, Outcome] = {}
    for outcome in outcomes:
        first = results.setdefault(outcome.target, outcome)
        if outcome is not first and first.status == SHARED:
            outcome.seconds = max(outcome.seconds, first.seconds)
            results[outcome.target] = outcome
    for outcome in results.values():
        if outcome.status == SHARED:
            _join(outcome, upscaler, settings)
    return list(results.values())


def _join(outcome: Outcome, upscaler: Upscaler, settings: FilmSettings) -> None:
    outcome.status = "failed"
    try:
        source, target = Path(outcome.source), Path(outcome.target)
        _finish(Film(source, target, upscaler, settings, note=lambda text: None, show_bar=False), outcome)
    except Exception as error:  # see `batch`
        outcome.reason = describe_error(error).splitlines()[0]


def read_first_frame(path: Path) -> np.ndarray:
    """Return a film's first frame as RGB; FilmError if there is none."""
    with FilmReader(path) as reader:
        frame = next(without_gaps(iter(reader)), None)
        if frame is None:
            raise FilmError(f"{path}: none of its frames can be decoded")
        return to_pixels(frame, Colours.of(frame))
