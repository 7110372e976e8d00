"""`kdsr upscale`: its arguments. The work is imported when it begins, so that `kdsr upscale --help` answers at once."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kdsr_tools.arguments import parse_count

FILM_FORMATS = ("mkv", "mp4", "mov", "webm")
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def add_parser(subparsers) -> None:
    """Add `kdsr upscale`."""
    parser = subparsers.add_parser(
        "upscale",
        description="Make pictures and films larger and sharper: PNG, JPEG, WebP, BMP, TIFF and more, of any size, "
        "8 or 16 bits; GIF, APNG, MP4, Matroska, WebM and whatever else FFmpeg reads.",
        epilog="Exit code: 0 all done or kept, 1 a picture failed, 2 wrong arguments, 130 interrupted.",
    )
    parser.add_argument(
        "inputs", nargs="*", metavar="PICTURE", help="files, folders, patterns such as 'a/*.png'; - is stdin"
    )
    _add_network_arguments(parser)
    _add_file_arguments(parser)
    _add_film_arguments(parser)
    _add_machine_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def _add_network_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument("--model", metavar="NAME|FILE", help="a shipped model, or a checkpoint; 'list' lists the former")
    group.add_argument(
        "--sharpness",
        type=float,
        metavar="0..1",
        help="how much of the sharp model is mixed into the faithful one it was made from; default: the model as it is",
    )
    group.add_argument("--opt", type=Path, metavar="FILE", help="an option file whose network_g describes the network")
    group.add_argument("--outscale", type=float, metavar="FACTOR", help="final factor, by resizing; default: network's")
    group.add_argument(
        "--idr-from",
        metavar="scene|full|crop|first|PICTURE",
        help="estimate the degradation from each scene of a film (scene, the default) and each picture; from each "
        "picture and each frame (full), from its centre (crop, faster), from the first one for all of them (first), or "
        "from a picture that the same camera took",
    )
    for name, damage in (("denoise", "noisier"), ("deblur", "more blurred")):
        group.add_argument(
            f"--{name}",
            type=float,
            default=0.0,
            metavar="-1..1",
            help=f"restore as if the picture were {damage} than it seems, or less so below 0 (default 0)",
        )


def _add_file_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("files")
    group.add_argument("-o", "--output", type=Path, help="a folder, or for one picture a file's name or - for stdout")
    group.add_argument("-r", "--recursive", action="store_true", help="search subfolders; their structure is kept")
    group.add_argument("--format", choices=("keep", "png", "jpg", "webp", "bmp", "tif"), default="keep")
    group.add_argument("--quality", type=int, metavar="1..100", help="JPEG (default 95) and WebP (default lossless)")
    group.add_argument("--suffix", metavar="TEXT", help="put behind names; default: _x4 where there is no --output")
    group.add_argument("--keep-metadata", action="store_true", help="keep EXIF, XMP and a PNG's texts, too")
    group.add_argument("--overwrite", action="store_true", help="make results that exist already again")
    group.add_argument("--max-pixels", type=parse_count, metavar="N", help="refuse larger pictures (default 200000000)")
    group.add_argument("--json", action="store_true", help="print a summary for programs")


def _add_film_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("films")
    group.add_argument("--film-format", choices=FILM_FORMATS, help="default: the film's own where that can be written")
    group.add_argument(
        "--codec",
        metavar="NAME",
        help="h264 (default), hevc, vp9 (default for .webm), av1, ffv1 (lossless), or an encoder of FFmpeg",
    )
    group.add_argument("--crf", type=float, metavar="N", help="constant quality on the encoder's scale; less is better")
    group.add_argument("--pixel-format", metavar="NAME", help="such as yuv420p10le; default: as in the film")


def _add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("machine")
    add_device_arguments(group)
    group.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    group.add_argument("--tile", type=int, metavar="PIXELS", help="side of the tiles, instead of what memory allows")


def add_device_arguments(group: argparse._ActionsContainer) -> None:
    """Add where to compute and in how much memory, which every command means alike that runs a network on pictures."""
    group.add_argument("--device", default="auto", metavar="auto|cpu|cuda|mps", help="default: a GPU if there is one")
    group.add_argument(
        "--max-memory", type=parse_bytes, metavar="SIZE", help="such as 800M or 2G; default: half of what is free"
    )


def parse_bytes(text: str) -> int:
    """Turn a size such as 800M, 1.5GB or 2GiB into bytes; units are powers of 1024.

    Raises:
        argparse.ArgumentTypeError: it is no size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), flags=re.IGNORECASE)
    if found is None or (size := int(float(found[1]) * UNITS[found[2].upper()])) < 1:
        raise argparse.ArgumentTypeError(f"expected a size such as 800M or 2G, got {text!r}")
    return size


def run(args: argparse.Namespace) -> int:
    """Upscale the pictures, or list the shipped models; return the exit code."""
    if args.model != "list" and not args.inputs:
        args.parser.error("name a picture, a folder or a pattern")
    if args.quality is not None and not 1 <= args.quality <= 100:
        args.parser.error(f"--quality: expected 1..100, got {args.quality}")
    from kdsr_tools.upscale import work as upscale_work

    return upscale_work.list_shipped_models() if args.model == "list" else upscale_work.upscale(args)
