"""Which pictures to read and where results go: files, folders and patterns to pairs of paths, without collisions."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from kdsr_data.pictures import ImageReadError
from kdsr_data.pictures.formats import SUFFIXES, describe_passed_over, readable_suffixes
from kdsr_data.pictures.reading import stored_size
from kdsr_tools.upscale.picture_files import FORMATS, LARGEST_SIDE
from kdsr_tools.upscale.video.names import CONTAINERS, RESULT_SUFFIXES, choose_suffix, is_film_name, needs_av

# What `--format` may be, with each one's suffix; pictures of other names than these become PNG.
OUTPUT_SUFFIXES = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "bmp": ".bmp", "tif": ".tif"}
DEFAULT_SUFFIX = ".png"
# Names that end in these are a file's; whether it can be written depends on what it is made of.
WRITTEN_SUFFIXES = {*FORMATS, *CONTAINERS, *RESULT_SUFFIXES}
# In the place of a path: standard input as a source, standard output as a target. Told apart by identity, since a file
# may have this name, too.
STREAM = Path("-")


class Job(NamedTuple):
    """A picture to read and the file to write."""

    source: Path
    target: Path


class _Found(NamedTuple):
    """A picture to read, its place inside of what named it, and the folder that was searched for it, if one was."""

    path: Path
    inside: Path
    folder: Path | None


def plan_jobs(
    inputs: Sequence[str],
    *,
    scale: float,
    output: Path | None = None,
    recursive: bool = False,
    output_format: str | None = None,
    film_format: str | None = None,
    name_suffix: str | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Job]:
    """Find the pictures and name the results, in an order that is the same in every process.

    Args:
        inputs: files, folders and glob patterns.
        scale: the final factor, which names tell where nothing else keeps result and picture apart.
        output: a folder or, for one file, a file's name. None puts a file's result beside it, and a folder's results
            into a folder beside it.
        recursive: whether folders are searched with their subfolders, whose structure is kept.
        output_format: a key of `OUTPUT_SUFFIXES`; None keeps each picture's.
        film_format: the same for films, of `video.names.FORMATS`.
        name_suffix: put behind each name; None is `_x4`, with the scale, beside a file, and nothing in folders.
        report: told of files that were passed over, and of results that take another format since they are too large.

    Raises:
        ValueError: nothing was found, or two results would have one name, or one that of a picture to read.
    """
    found = list(_without_repetitions(_find(inputs, recursive=recursive, output=output, report=report)))
    if output is not None and _names_a_file(output, inputs):
        _refuse_unheeded(output, output_format, film_format, name_suffix)
        jobs = [Job(found[0].path, output)]
    else:
        jobs = [
            Job(picture.path, _name_target(picture, output, (output_format, film_format), name_suffix, scale))
            for picture in found
        ]
        if output_format is None:
            jobs = [_fit_format(job, scale, report) for job in jobs]
    if output is None:
        # `kdsr upscale *.png` finds its own results when it runs again.
        results = {os.path.abspath(target) for source, target in jobs} - _own_targets(jobs)
        jobs = [job for job in jobs if os.path.abspath(job.source) not in results]
    _refuse_collisions(jobs)
    return jobs


def _own_targets(jobs: Iterable[Job]) -> set[str]:
    """Return the results that would replace the very picture that they are made of."""
    places = ((os.path.abspath(source), os.path.abspath(target)) for source, target in jobs)
    return {target for source, target in places if source == target}


def find_pictures(
    inputs: Sequence[str], *, recursive: bool = False, report: Callable[[str], None] = lambda line: None
) -> list[tuple[Path, Path]]:
    """List the pictures that files, folders and patterns name: each one's path, and its place inside what named it.

    Films are passed over, and that is reported. Raises ValueError as `plan_jobs`.
    """
    pictures = []
    for found in _without_repetitions(_find(inputs, recursive=recursive, output=None, report=report)):
        if needs_av(found.path):
            report(f"{found.path}: a film, which was passed over")
        else:
            pictures.append((found.path, found.inside))
    return pictures


def plan_stream(
    inputs: Sequence[str],
    *,
    output: Path | None,
    output_format: str | None = None,
    film_format: str | None = None,
    name_suffix: str | None = None,
) -> Job:
    """Plan the one picture that is read from standard input, or written to standard output, or both, where `-` stands.

    Raises:
        ValueError: there are several pictures, or the result needs a name, or has another than is asked for.
    """
    if len(inputs) != 1 or Path(inputs[0]).is_dir():
        raise ValueError(f"-: expected one picture where one is piped, got {' '.join(inputs)}")
    source = STREAM if inputs[0] == "-" else Path(inputs[0])
    if output is None or output == STREAM:
        return Job(source, STREAM)
    if output.suffix.lower() not in FORMATS or output.is_dir():
        raise ValueError(f"--output {output}: expected a file's name, such as larger.png, for what is piped")
    _refuse_unheeded(output, output_format, film_format, name_suffix)
    return Job(source, output)


def _refuse_unheeded(output: Path, output_format: str | None, film_format: str | None, name_suffix: str | None) -> None:
    """Refuse what cannot be heeded where `output` is the result's whole name."""
    suffix = output.suffix.lower()
    contrary = "the name {} (--output) says otherwise; leave one of the two out"
    if output_format and FORMATS.get(suffix) != FORMATS[OUTPUT_SUFFIXES[output_format]]:
        raise ValueError(f"--format {output_format}: {contrary.format(output)}")
    if film_format and suffix != f".{film_format}":
        raise ValueError(f"--film-format {film_format}: {contrary.format(output)}")
    if name_suffix is not None:
        raise ValueError(f"--suffix {name_suffix}: the result's whole name is {output} (--output); leave one out")


def _fit_format(job: Job, scale: float, report: Callable[[str], None]) -> Job:
    """Choose another format where a result would be larger than its own format holds."""
    file_format = FORMATS.get(job.target.suffix.lower())
    if file_format not in LARGEST_SIDE:
        return job
    try:
        side = round(max(stored_size(job.source)) * scale)
    except ImageReadError:
        return job  # it is reported when its turn comes
    if side <= LARGEST_SIDE[file_format]:
        return job
    target = job.target.with_suffix(DEFAULT_SUFFIX)
    report(f"{job.source}: {file_format} holds at most {LARGEST_SIDE[file_format]} pixels a side; becomes {target}")
    return Job(job.source, target)


def _find(
    inputs: Sequence[str], *, recursive: bool, output: Path | None, report: Callable[[str], None]
) -> Iterator[_Found]:
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            files = sorted(_list_folder(path, recursive=recursive, left_out=output))
            pictures = [file for file in files if file.name.lower().endswith(readable_suffixes()) or is_film_name(file)]
            if not pictures:
                deeper = "" if recursive else "; --recursive searches subfolders, too"
                known = ", ".join(readable_suffixes())
                raise ValueError(f"{path}: there are no pictures in this folder (looked for {known}){deeper}")
            taken = set(pictures)
            if others := describe_passed_over([file.name for file in files if file not in taken]):
                report(f"{path}: {others}")
            yield from (_Found(picture, picture.relative_to(path), path) for picture in pictures)
        elif path.exists() or not glob.has_magic(text):
            yield _Found(path, Path(path.name), None)  # a file that does not exist is reported when it is read
        else:
            yield from _match(text)


def _list_folder(folder: Path, *, recursive: bool, left_out: Path | None) -> Iterator[Path]:
    """List a folder's files, without hidden ones and those in the output folder."""
    seen = {os.path.realpath(left_out)} if left_out else set()
    for parent, subfolders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(parent))  # links may lead in circles
        subfolders[:] = [
            name
            for name in subfolders
            if recursive and not name.startswith(".") and os.path.realpath(os.path.join(parent, name)) not in seen
        ]
        for name in names:
            if not name.startswith("."):
                yield Path(parent, name)


def _match(pattern: str) -> Iterator[_Found]:
    """List the files that a pattern matches; their structure is that below its part without wildcards."""
    parts = Path(pattern).parts
    root = Path(*parts[: next(number for number, part in enumerate(parts) if glob.has_magic(part))])
    files = sorted(Path(match) for match in glob.glob(pattern, recursive=True) if Path(match).is_file())
    if not files:
        raise ValueError(f"{pattern}: no file matches this pattern")
    yield from (_Found(path, path.relative_to(root), None) for path in files)


def _without_repetitions(found: Iterable[_Found]) -> Iterator[_Found]:
    seen = set()
    for picture in found:
        path = os.path.abspath(picture.path)
        if path not in seen:
            seen.add(path)
            yield picture


def _names_a_file(output: Path, inputs: Sequence[str]) -> bool:
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in {*WRITTEN_SUFFIXES, *chain(*SUFFIXES.values())}:
        return False
    if suffix not in WRITTEN_SUFFIXES:
        raise ValueError(
            f"--output {output}: pictures are written as {', '.join(FORMATS)}, films as {', '.join(CONTAINERS)}; "
            f"got a name with {output.suffix}"
        )
    is_one_file = len(inputs) == 1 and not Path(inputs[0]).is_dir()
    if is_one_file and (Path(inputs[0]).exists() or not glob.has_magic(inputs[0])):
        return True
    raise ValueError(f"--output {output}: expected a folder, since there may be several pictures; got a file's name")


def _name_target(
    picture: _Found,
    output: Path | None,
    formats: tuple[str | None, str | None],
    name_suffix: str | None,
    scale: float,
) -> Path:
    mark = f"_x{scale:g}"
    if output is not None:
        folder, mark_of_name = output, ""
    elif picture.folder is not None:
        parent = Path(os.path.normpath(picture.folder / ".."))
        folder, mark_of_name = parent / (picture.folder.resolve().name + mark), ""
    else:
        folder, mark_of_name = picture.path.parent, mark
    inside = picture.inside if output is not None or picture.folder is not None else Path(picture.inside.name)
    kept = inside.suffix if inside.suffix.lower() in FORMATS else DEFAULT_SUFFIX
    output_format, film_format = formats
    suffix = choose_suffix(inside, film_format) or kept
    if output_format and not needs_av(inside):
        suffix = OUTPUT_SUFFIXES[output_format]
    return folder / inside.with_name(inside.stem + (mark_of_name if name_suffix is None else name_suffix) + suffix)


def _refuse_collisions(jobs: list[Job]) -> None:
    sources = {os.path.realpath(job.source) for job in jobs}
    for _, target in jobs:
        if os.path.realpath(target) in sources:
            raise ValueError(
                f"{target}: this result would replace a picture that is read; choose another --output or a --suffix"
            )
    if collision := find_collision(jobs):
        target, first, second = collision
        raise ValueError(
            f"{target}: both {first} and {second} would be written there; keep each one's --format, or "
            "upscale them into different folders"
        )


def find_collision(places: Iterable[tuple[Path, Path]]) -> tuple[Path, Path, Path] | None:
    """Find, among pairs of source and target, a target of two sources; return it and both, or None."""
    taken: dict[str, Path] = {}
    for source, target in places:
        name = os.path.normcase(os.path.abspath(target))
        if name in taken:
            return target, taken[name], source
        taken[name] = source
    return None
