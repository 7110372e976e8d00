"""`kdsr benchmark video`: its arguments and tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from kdsr_tools.arguments import add_described_parser, parse_count, parse_size
from kdsr_tools.benchmark.films.costs import MEMORY_FRAMES, measure_speed, use_memory
from kdsr_tools.benchmark.films.flicker import KINDS, compare_flicker, flicker_rows, plot
from kdsr_tools.benchmark.measurement import run_alone
from kdsr_tools.checkpoints.shipped import list_models
from kdsr_tools.markdown import format_head, format_row, format_table

WHAT = ("flicker", "speed", "memory")


def run(args: argparse.Namespace) -> int:
    """Print the tables that were asked for."""
    models = args.models or [model.name for model in list_models()]
    if "flicker" in args.what:
        columns = [f"{what}, one IDR a {kind}" for what in ("flicker", "mean's deviation", "PSNR") for kind in KINDS]
        print(format_head(["model", "degradation", *columns, "seconds, scene / frame"]))
        for model in models:
            results = compare_flicker(model, count=args.frames)
            for row in flicker_rows(model, results):
                print(format_row(row), flush=True)
            if args.plot:
                plot(results, args.plot)
    if "speed" in args.what:
        rows = [
            row
            for model in models
            for size in args.sizes
            for row in measure_speed(size, count=args.frames, model=model)
        ]
        print(format_table(["model", "LQ", "way", "frames a second", "times as fast as pictures"], rows))
    if "memory" in args.what:
        peaks = [run_alone(use_memory, count, models[0]) for count in MEMORY_FRAMES]
        for count, peak in zip(MEMORY_FRAMES, peaks, strict=True):
            print(f"{count} frames: {peak / 2**20:.0f} MiB, {100 * peak / peaks[0] - 100:+.1f} %")
    return 0


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark video`."""
    parser = add_described_parser(subparsers, "video", "films: flicker, PSNR, frames a second, memory")
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT), help="(default: all)")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="shipped models (default: all)")
    parser.add_argument("--frames", type=parse_count, default=24, metavar="N", help="of each film (default: 24)")
    sizes = [(180, 320), (360, 640)]
    parser.add_argument(
        "--sizes", type=parse_size, nargs="+", default=sizes, metavar="HxW", help="LQ pixels, for speed"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the last model's flicker")
    parser.set_defaults(run=run)
