"""Upscaling many pictures: each is read, enlarged and written by itself, and one that fails stops no other."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from tqdm import tqdm

from kdsr_data.pictures import MAX_PIXELS, Picture, decode_picture, read_picture
from kdsr_tools.files import describe_error
from kdsr_tools.upscale.picture_files import check_fits, encode_picture, find_format, fit_alpha, write_picture
from kdsr_tools.upscale.picture_metadata import choose_metadata
from kdsr_tools.upscale.picture_paths import STREAM, Job
from kdsr_tools.upscale.upscaler import Upscaler

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
    notes: list[str] = field(default_factory=list)

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


def split_existing(jobs: Sequence[Job], *, overwrite: bool) -> tuple[list[Job], list[Outcome]]:
    """Give the jobs that are left to do, and the outcomes of those whose result exists and is kept."""
    left = [job for job in jobs if overwrite or job.target is STREAM or not os.path.exists(job.target)]
    kept = [Outcome("kept", str(job.source), str(job.target)) for job in jobs if job not in left]
    return left, kept


def upscale_pictures(
    jobs: Sequence[Job], upscaler: Upscaler, settings: Settings, *, report: Callable[[str], None], show_bar: bool = True
) -> Iterator[Outcome]:
    """Do the jobs one by one, with a progress bar if stderr is a terminal; give each one's outcome.

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
            stop_reason = _upscale_picture(job, upscaler, settings, outcome)
            for note in outcome.notes:
                with bar.external_write_mode(file=sys.stderr):
                    report(f"{job.source}: {note}")
            yield outcome


def _upscale_picture(job: Job, upscaler: Upscaler, settings: Settings, outcome: Outcome) -> str:
    """Do a job and fill in its outcome; give the reason why no further one can succeed, if there is one."""
    start = perf_counter()
    upscaler.warn = outcome.notes.append
    try:
        picture = _read(job, upscaler, settings, outcome)
        pixels = upscaler(picture.pixels)
        outcome.height, outcome.width = pixels.shape[:2]
        _write(job, replace(picture, pixels=pixels), settings)
        outcome.status = "done"
    except (ValueError, OSError, MemoryError, RuntimeError) as error:  # RuntimeError: PyTorch has no memory left
        outcome.reason = describe_error(error).splitlines()[0]
        if isinstance(error, OSError) and error.errno in FATAL_ERRORS:
            return error.strerror or ""
    finally:
        outcome.seconds = perf_counter() - start
    return ""


def _read(job: Job, upscaler: Upscaler, settings: Settings, outcome: Outcome) -> Picture:
    """Read a job's picture, and find out before anything is computed whether its result can be written."""
    if job.source is STREAM:
        picture = decode_picture(sys.stdin.buffer.read(), STANDARD_INPUT, max_pixels=settings.max_pixels)
    else:
        picture = read_picture(job.source, max_pixels=settings.max_pixels)
    outcome.notes.extend(picture.notes)
    file_format = settings.stream_format if job.target is STREAM else find_format(job.target)
    picture = fit_alpha(picture, file_format)
    height, width, channels = picture.pixels.shape
    check_fits(str(job.target), file_format, size=upscaler.result_size(height, width), has_alpha=channels in (2, 4))
    _, lost = choose_metadata(picture.metadata, file_format, keep_all=settings.keep_metadata)
    if lost:
        outcome.notes.append(f"{file_format} cannot hold its {' and '.join(lost)}")
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
