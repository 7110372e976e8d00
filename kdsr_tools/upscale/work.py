"""What `kdsr upscale` does with its arguments: prepares network and jobs, has them done, and sums up."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from kdsr_data.pictures import MAX_PIXELS, read_picture
from kdsr_tools.checkpoints.shipped import NO_MODEL, list_models, load_model, short_names
from kdsr_tools.devices import find_device
from kdsr_tools.upscale.batch import Outcome, Settings, split_existing, upscale_pictures
from kdsr_tools.upscale.machine import check_outscale
from kdsr_tools.upscale.picture_files import FORMATS
from kdsr_tools.upscale.picture_paths import OUTPUT_SUFFIXES, STREAM, Job, plan_jobs, plan_stream
from kdsr_tools.upscale.sharing import Process
from kdsr_tools.upscale.upscaler import Upscaler
from kdsr_tools.upscale.video.names import is_film, needs_av, require_av
from kdsr_tools.upscale.video.settings import EncoderSettings, FilmSettings

INTERRUPTED = 130
WHICH_TO_TAKE = (
    "Which one: faithful keeps to what the picture holds, for reading, measuring and evidence; sharp invents the fine "
    "texture that is lost, for looking at; --sharpness 0..1 goes from one to the other."
)


def list_shipped_models() -> int:
    """Print the shipped models; return the exit code."""
    models = list_models()
    short = {model.name: name for name, model in short_names().items()}
    for model in models:
        remarks = [remark for remark in (short.get(model.name), "default" if model.is_default else "") if remark]
        note = f" ({', '.join(remarks)})" if remarks else ""
        print(f"{model.name}{note}: x{model.scale}, {model.description}")
        print(f"    for: {model.degradations}; licence: {model.licence}")
    if "sharp" in short.values():
        print(WHICH_TO_TAKE)
    if not models:
        print(f"{NO_MODEL}; name a checkpoint (--model FILE)")
    return 0


def upscale(args: argparse.Namespace) -> int:
    """Upscale the pictures that the arguments name; return the exit code.

    Raises:
        ValueError, OSError: nothing could be started.
    """
    start = perf_counter()
    process = Process.from_environment()
    is_piped = _is_piped(args, process)
    loaded = load_model(args.model, option_file=args.opt, sharpness=args.sharpness)
    notes: list[str] = []
    check_outscale(args.outscale)
    names = {
        "output": args.output,
        "output_format": None if args.format == "keep" else args.format,
        "film_format": args.film_format,
        "name_suffix": args.suffix,
    }
    if is_piped:
        jobs = [plan_stream(args.inputs, **names)]
    else:
        jobs = plan_jobs(
            args.inputs,
            scale=args.outscale or loaded.scale,
            recursive=args.recursive,
            report=notes.append,
            **names,
        )
    films = [job for job in jobs if _is_film(job)]
    if films:
        require_av()
    if process.number == 0:
        for note in notes:
            _report(note)
    if args.output and jobs[0].target is not STREAM:
        _check_writable(args.output.parent if jobs[0].target == args.output else args.output)
    upscaler = Upscaler(loaded, idr_from=_find_idr_source(args, jobs), **_machine_settings(args, process))
    counts = [(len(jobs) - len(films), "picture"), (len(films), "film")]
    count = ", ".join(f"{number} {kind}{'' if number == 1 else 's'}" for number, kind in counts if number)
    _say(args, process, f"{loaded.description} ({loaded.path}) on {upscaler.device}, {count}")
    outcomes, is_interrupted = _do_share(args, process, jobs, upscaler)
    if not is_interrupted:
        outcomes = [outcome for share in process.gather(outcomes) for outcome in share]
        if films and process.count > 1 and process.number == 0:
            from kdsr_tools.upscale.video.jobs import join_shared  # needs PyAV

            outcomes = join_shared(outcomes, upscaler, _film_settings(args))
    if process.number == 0:
        _print_summary(args, upscaler, outcomes, seconds=perf_counter() - start)
    failed = process.number == 0 and any(outcome.status == "failed" for outcome in outcomes)
    return INTERRUPTED if is_interrupted else int(failed)


def _is_piped(args: argparse.Namespace, process: Process) -> bool:
    """Return whether the picture comes from standard input or goes to standard output; ValueError where it cannot."""
    writes = _writes_to_stdout(args)
    if writes and args.json:
        raise ValueError("--json and the picture would both go to standard output; name a file (--output FILE)")
    if "-" not in args.inputs and not writes:
        return False
    if process.count > 1:
        raise ValueError("-: expected one process where a picture is piped; start kdsr without torchrun")
    return True


def _writes_to_stdout(args: argparse.Namespace) -> bool:
    return args.output == STREAM or (args.output is None and "-" in args.inputs)


def _machine_settings(args: argparse.Namespace, process: Process) -> dict[str, Any]:
    device = process.choose_device(args.device)
    if find_device(device).type == "cpu":
        process.share_processors()
    return {
        "device": device,
        "precision": args.precision,
        "max_memory": args.max_memory,
        "tile_size": args.tile,
        "outscale": args.outscale,
        "denoise": args.denoise,
        "deblur": args.deblur,
        "num_processes": process.local_count,
    }


def _check_writable(folder: Path) -> None:
    """Find out before the work begins whether anything can be written; OSError if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"--output {folder}: cannot be written ({error.strerror})") from error


def _find_idr_source(args: argparse.Namespace, jobs: Sequence[Job]) -> str | np.ndarray:
    """Return what `Upscaler` takes as `idr_from`."""
    if args.idr_from in ("full", "crop"):
        return args.idr_from
    if args.idr_from in (None, "scene"):
        return "full"  # of pictures; films see to their scenes
    if args.idr_from == "first" and jobs[0].source is STREAM:
        return "full"  # of the one picture there is, which can be read only once
    max_pixels = args.max_pixels or MAX_PIXELS
    if args.idr_from != "first":
        return read_picture(args.idr_from, max_pixels=max_pixels).pixels
    for job in jobs:
        try:
            if needs_av(job.source):
                from kdsr_tools.upscale.video.jobs import read_first_frame  # needs PyAV

                return read_first_frame(job.source)
            return read_picture(job.source, max_pixels=max_pixels).pixels
        except ValueError:
            continue  # it is reported when its turn comes
    raise ValueError("--idr-from first: none of the pictures can be read")


def _do_share(
    args: argparse.Namespace, process: Process, jobs: Sequence[Job], upscaler: Upscaler
) -> tuple[list[Outcome], bool]:
    """Do this process's share of the jobs; return the outcomes, and whether the user interrupted."""
    films = [job for job in jobs if _is_film(job)]
    share = process.take([job for job in jobs if not _is_film(job)])
    left, outcomes = split_existing([*share, *films], overwrite=args.overwrite)
    settings = Settings(
        args.quality,
        args.overwrite,
        args.max_pixels or MAX_PIXELS,
        args.keep_metadata,
        "PNG" if args.format == "keep" else FORMATS[OUTPUT_SUFFIXES[args.format]],
        args.json and upscaler.has_heads,
        _film_settings(args),
        process,
    )
    is_first = process.number == 0
    try:
        for outcome in upscale_pictures(left, upscaler, settings, report=_report, show_bar=is_first):
            outcomes.append(outcome)
    except KeyboardInterrupt:
        return outcomes, True
    return outcomes, False


def _is_film(job: Job) -> bool:
    return job.source is not STREAM and is_film(*job)


def _film_settings(args: argparse.Namespace) -> FilmSettings:
    return FilmSettings(
        EncoderSettings(args.codec, args.crf, args.pixel_format),
        has_scene_idrs=args.idr_from in (None, "scene"),
        max_pixels=args.max_pixels or MAX_PIXELS,
    )


def _report(line: str) -> None:
    print(f"kdsr: {line}", file=sys.stderr)


def _say(args: argparse.Namespace, process: Process, line: str) -> None:
    if process.number == 0 and not args.json:
        # Words do not go where a picture goes.
        print(line, file=sys.stderr if _writes_to_stdout(args) else sys.stdout)


def _print_summary(args: argparse.Namespace, upscaler: Upscaler, outcomes: list[Outcome], *, seconds: float) -> None:
    """Print what became of the pictures, in words or for programs; failures go to stderr in any case."""
    groups = {status: [o for o in outcomes if o.status == status] for status in ("done", "kept", "failed")}
    if args.json:
        print(json.dumps(_summarise(upscaler, groups, seconds=seconds), indent=2))
    else:
        kept = f", {len(groups['kept'])} kept that existed (--overwrite makes them again)" if groups["kept"] else ""
        failed = f", {len(groups['failed'])} failed" if groups["failed"] else ""
        rate = len(groups["done"]) / seconds
        line = f"{len(groups['done'])} made in {seconds:.1f} s ({rate:.2f} a second){kept}{failed}"
        print(line, file=sys.stderr if _writes_to_stdout(args) else sys.stdout)
    for outcome in groups["failed"]:
        _report(outcome.describe_failure())


def _summarise(upscaler: Upscaler, groups: dict[str, list[Outcome]], *, seconds: float) -> dict[str, Any]:
    network = upscaler.loaded
    return {
        "network": {"description": network.description, "path": str(network.path), "scale": network.scale},
        "device": str(upscaler.device),
        "precision": upscaler.precision,
        "scale": upscaler.scale,
        "seconds": round(seconds, 3),
        **{status: [_without_status(outcome) for outcome in outcomes] for status, outcomes in groups.items()},
    }


def _without_status(outcome: Outcome) -> dict[str, Any]:
    fields = {key: value for key, value in asdict(outcome).items() if key != "status" and value not in ("", 0, [], {})}
    return fields | ({"seconds": round(outcome.seconds, 3)} if outcome.seconds else {})
