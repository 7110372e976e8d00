"""What `kdsr diagnose` does with its arguments."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kdsr_data.pictures import MAX_PIXELS, Picture, decode_picture, read_picture
from kdsr_tools.checkpoints.shipped import load_model
from kdsr_tools.diagnose.overlay import write_map
from kdsr_tools.files import describe_error
from kdsr_tools.heads.diagnosis import Diagnosis
from kdsr_tools.upscale.picture_paths import STREAM, find_collision, find_pictures
from kdsr_tools.upscale.upscaler import Upscaler

STANDARD_INPUT = "standard input"
INTERRUPTED = 130


def diagnose(args: argparse.Namespace) -> int:
    """Diagnose the pictures that the arguments name; return the exit code.

    Raises:
        ValueError, OSError: nothing could be started.
    """
    loaded = load_model(args.model)
    pictures = _find(args)
    if args.map:
        _refuse_collisions(args.map, pictures)
    upscaler = Upscaler(loaded, device=args.device, max_memory=args.max_memory)
    upscaler.require_heads()
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    is_interrupted = False
    try:
        for path, inside in pictures:
            name = STANDARD_INPUT if path is STREAM else str(path)
            try:
                done.append(_diagnose_one(args, upscaler, path, inside, name=name))
            except (ValueError, OSError, MemoryError, RuntimeError) as error:  # RuntimeError: no memory left
                failed.append({"source": name, "reason": describe_error(error).splitlines()[0]})
                _report(failed[-1]["reason"] if name in failed[-1]["reason"] else f"{name}: {failed[-1]['reason']}")
    except KeyboardInterrupt:
        is_interrupted = True
        _report("interrupted")
    if args.json:
        network = {"description": loaded.description, "path": str(loaded.path), "scale": loaded.scale}
        print(json.dumps({"network": network, "done": done, "failed": failed}, indent=2))
    return INTERRUPTED if is_interrupted else int(bool(failed))


def _find(args: argparse.Namespace) -> list[tuple[Path, Path]]:
    if args.inputs == ["-"]:
        return [(STREAM, Path("standard_input"))]
    if "-" in args.inputs:
        raise ValueError(f"-: expected one picture where one is piped, got {' '.join(args.inputs)}")
    pictures = find_pictures(args.inputs, recursive=args.recursive, report=_report)
    if not pictures:
        raise ValueError(f"{' '.join(args.inputs)}: there are no pictures to diagnose; of a film, save a frame first")
    return pictures


def _name_map(folder: Path, inside: Path) -> Path:
    return folder / inside.with_name(f"{inside.name}.map.png")


def _refuse_collisions(folder: Path, pictures: list[tuple[Path, Path]]) -> None:
    """Refuse pictures whose maps would have one name; ValueError."""
    if collision := find_collision((path, _name_map(folder, inside)) for path, inside in pictures):
        target, first, second = collision
        raise ValueError(
            f"{target}: the maps of {first} and {second} would both be written there; make them in two runs, "
            "into different folders"
        )


def _diagnose_one(
    args: argparse.Namespace, upscaler: Upscaler, path: Path, inside: Path, *, name: str
) -> dict[str, Any]:
    """Diagnose a picture, say it unless it is for programs, and return what those get."""
    picture = _read(path, max_pixels=args.max_pixels or MAX_PIXELS)
    height, width = picture.pixels.shape[:2]
    entry: dict[str, Any] = {"source": name, "width": width, "height": height}
    if args.map:
        diagnosis, rows = upscaler.diagnose_tiles(picture.pixels)
        target = _name_map(args.map, inside)
        write_map(target, picture.pixels, rows)
        entry |= {"map": str(target), "tiles": [[tile.as_dict() for tile in row] for row in rows]}
    else:
        diagnosis = upscaler.diagnose(picture.pixels)
    if not args.json:
        for line in _describe(name, diagnosis, entry.get("map")):
            print(line)
    return entry | diagnosis.as_dict()


def _describe(name: str, diagnosis: Diagnosis, target: str | None) -> Iterator[str]:
    verdict, *lines = diagnosis.describe()
    yield f"{name}: {verdict}"
    yield from (f"    {line}" for line in lines)
    if target:
        yield f"    map: {target}"


def _read(path: Path, *, max_pixels: int) -> Picture:
    if path is STREAM:
        return decode_picture(sys.stdin.buffer.read(), STANDARD_INPUT, max_pixels=max_pixels)
    return read_picture(path, max_pixels=max_pixels)


def _report(line: str) -> None:
    print(f"kdsr: {line}", file=sys.stderr)
