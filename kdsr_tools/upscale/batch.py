"""Upscaling many pictures: each is read, enlarged and written by itself, and one that fails stops no other."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from tqdm import tqdm

from kdsr_data.pictures import MAX_PIXELS, Picture, decode_picture, read_picture
from kdsr_tools.files import describe_error
from kdsr_tools.upscale.picture_files import check_fits, encode_picture, find_format, fit_alpha, write_picture
from kdsr_tools.upscale.picture_metadata import choose_metadata
from kdsr_tools.upscale.picture_paths import STREAM, Job
from kdsr_tools.upscale.sharing import Process
from kdsr_tools.upscale.upscaler import Upscaler
from kdsr_tools.upscale.video.animations import upscale_animation
from kdsr_tools.upscale.video.names import is_animation, is_film
from kdsr_tools.upscale.video.settings import FilmSettings

# After these, no further picture could be written either.
FATAL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
STANDARD_INPUT = "standard input"
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} pictures, {rate_noinv_fmt}, {remaining} left"


@dataclass
class Outcome:
    """What became of one picture: `status` is 'done', 'kept' (the result existed) or 'failed'; sizes in pixels."""

    status: str
    source: str
    target: str
    reason: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    frames: int = 0  # of a film, as the next two: those that were damaged and show the one before, and its scenes
    repeated: int = 0
    scenes: int = 0
    notes: list[str] = field(default_factory=list)
    diagnosis: dict[str, Any] = field(default_factory=dict)  # of a picture, as `Diagnosis.as_dict`

    def describe_failure(self) -> str:
        """Say which picture failed, and why."""
        return self.reason if self.source in self.reason else f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class Settings:
    """How pictures are read and written."""

    quality: int | None = None
    overwrite: bool = False
    max_pixels: int = MAX_PIXELS
    keep_metadata: bool = False
    stream_format: str = "PNG"
    diagnoses: bool = False  # whether it is found out what happened to each picture
    film: FilmSettings = field(default_factory=FilmSettings)
    process: Process = field(default_factory=Process)


def split_existing(jobs: Sequence[Job], *, overwrite: bool) -> tuple[list[Job], list[Outcome]]:
    """Return the jobs that are left to do, and the outcomes of those whose result exists and is kept."""
    left: list[Job] = []
    kept: list[Outcome] = []
    for job in jobs:
        if overwrite or job.target is STREAM or not os.path.exists(job.target):
            left.append(job)
        else:
            kept.append(Outcome("kept", str(job.source), str(job.target)))
    return left, kept


def upscale_pictures(
    jobs: Sequence[Job], upscaler: Upscaler, settings: Settings, *, report: Callable[[str], None], show_bar: bool = True
) -> Iterator[Outcome]:
    """Do the jobs one by one, with a progress bar if stderr is a terminal; yield each one's outcome.

    Args:
        report: told what users should know of a picture that was done.
    """
    hidden = None if show_bar else True  # tqdm's None: hidden unless it is a terminal
    stop_reason = ""
    with tqdm(jobs, unit=" pictures", bar_format=BAR, disable=hidden, file=sys.stderr) as bar:
        for job in bar:
            if stop_reason:
                yield Outcome("failed", str(job.source), str(job.target), reason=f"not started: {stop_reason}")
                continue
            outcome = Outcome("failed", str(job.source), str(job.target))

            def note(text: str, outcome: Outcome = outcome) -> None:
                outcome.notes.append(text)
                with bar.external_write_mode(file=sys.stderr):
                    report(f"{outcome.source}: {text}")

            stop_reason = _do_job(job, upscaler, settings, outcome, note=note, show_bar=show_bar)
            yield outcome


def _do_job(
    job: Job,
    upscaler: Upscaler,
    settings: Settings,
    outcome: Outcome,
    *,
    note: Callable[[str], None],
    show_bar: bool,
) -> str:
    """Do a job and fill in its outcome; return the reason why no further one can succeed, if there is one."""
    start = perf_counter()
    upscaler.warn = note
    try:
        if job.source is not STREAM and is_film(job.source, job.target):
            from kdsr_tools.upscale.video.jobs import upscale_film  # needs PyAV, which pictures do without

            upscale_film(*job, upscaler, settings.film, outcome, process=settings.process, note=note, show_bar=show_bar)
        elif job.source is not STREAM and is_animation(job.source, job.target):
            _upscale_animation(job, upscaler, settings, outcome)
        else:
            _upscale_picture(job, upscaler, settings, outcome, note)
    except Exception as error:  # strangers' files make decoders and encoders raise nearly everything
        outcome.reason = describe_error(error).splitlines()[0]
        if isinstance(error, OSError) and error.errno in FATAL_ERRORS:
            return error.strerror or ""
    finally:
        outcome.seconds = perf_counter() - start
    return ""


def _upscale_picture(
    job: Job, upscaler: Upscaler, settings: Settings, outcome: Outcome, note: Callable[[str], None]
) -> None:
    picture = _read(job, upscaler, settings, note)
    pixels = _enlarge(picture.pixels, upscaler, settings, outcome)
    outcome.height, outcome.width = pixels.shape[:2]
    _write(job, replace(picture, pixels=pixels), settings)
    outcome.status = "done"


def _enlarge(pixels: np.ndarray, upscaler: Upscaler, settings: Settings, outcome: Outcome) -> np.ndarray:
    if not settings.diagnoses:
        return upscaler(pixels)
    features = upscaler.pool_features(pixels)
    outcome.diagnosis = upscaler.diagnose(pixels, features=features).as_dict()
    # What the estimator has just found is most of a diagnosis's price, and not paid twice.
    return upscaler(pixels, idr=upscaler.summarise(features) if upscaler.idr_source == "full" else None)


def _upscale_animation(job: Job, upscaler: Upscaler, settings: Settings, outcome: Outcome) -> None:
    made = upscale_animation(
        *job,
        upscaler,
        has_scene_idrs=settings.film.has_scene_idrs,
        max_pixels=settings.max_pixels,
        quality=settings.quality,
    )
    outcome.width, outcome.height, outcome.frames, outcome.scenes = made.width, made.height, made.frames, made.scenes
    outcome.status = "done"


def _read(job: Job, upscaler: Upscaler, settings: Settings, note: Callable[[str], None]) -> Picture:
    """Read a job's picture, and find out before anything is computed whether its result can be written."""
    if job.source is STREAM:
        picture = decode_picture(sys.stdin.buffer.read(), STANDARD_INPUT, max_pixels=settings.max_pixels)
    else:
        picture = read_picture(job.source, max_pixels=settings.max_pixels)
    for text in picture.notes:
        note(text)
    file_format = settings.stream_format if job.target is STREAM else find_format(job.target)
    picture = fit_alpha(picture, file_format)
    height, width, channels = picture.pixels.shape
    check_fits(str(job.target), file_format, size=upscaler.result_size(height, width), has_alpha=channels in (2, 4))
    _, lost = choose_metadata(picture.metadata, file_format, keep_all=settings.keep_metadata)
    if lost:
        note(f"{file_format} cannot hold its {' and '.join(lost)}")
    return picture


def _write(job: Job, result: Picture, settings: Settings) -> None:
    quality, keep = settings.quality, settings.keep_metadata
    if job.target is STREAM:
        name = "standard output"
        sys.stdout.buffer.write(
            encode_picture(result, settings.stream_format, path=name, quality=quality, keep_metadata=keep)
        )
        sys.stdout.buffer.flush()
    else:
        write_picture(job.target, result, quality=quality, overwrite=settings.overwrite, keep_metadata=keep)
