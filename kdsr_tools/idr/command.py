"""The `kdsr inspect` command: a page on what a student's IDR knows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from kdsr_arch import KDSRStudent
from kdsr_data.image_source import ImageSource, find_io_backend
from kdsr_tools.checkpoints.experiments import file_or_newest, find_teacher
from kdsr_tools.checkpoints.loading import load_network
from kdsr_tools.files import write_then_rename
from kdsr_tools.idr.samples import PARAMETERS
from kdsr_tools.idr.view import load_teacher, make_idr_view
from kdsr_tools.markdown import format_table
from kdsr_tools.pages.page import write_page
from kdsr_tools.pages.pictures import spread

MOST_IMAGES = 24


def read_images(folder: Path) -> list[np.ndarray]:
    """Read at most `MOST_IMAGES` images of a folder, evenly spread, RGB in [0, 1]."""
    source = ImageSource(folder, io_backend=find_io_backend(folder))
    return [source.read(index) for index in spread(len(source), MOST_IMAGES)]


def write_idr_page(view: dict[str, Any], folder: Path) -> None:
    """Write `index.html` and, without the pictures, `idr.json`."""
    plain = {key: value for key, value in view.items() if key not in ("map", "distance_plot")}
    with write_then_rename(folder / "idr.json") as temporary:
        temporary.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    write_page(folder / "index.html", "idr_page.html.j2", idr_views=[view])


def format_probe(view: dict[str, Any]) -> str:
    """Lay the probe's R^2 out as a Markdown table."""
    rows = [[name, *(f"{score:.3f}" for score in scores.values())] for name, scores in view["r2"].items()]
    return format_table(["R²", *view["parameters"].values()], rows)


def add_parser(subparsers) -> None:
    """Add `kdsr inspect`."""
    parser = subparsers.add_parser("inspect")
    parser.add_argument("student", type=Path, metavar="STUDENT", help="a checkpoint, or an experiment's folder")
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help="high-quality images to degrade")
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="its teacher; an experiment's is found by itself")
    parser.add_argument("--vary", nargs="+", choices=list(PARAMETERS), default=list(PARAMETERS), metavar="WHAT")
    parser.add_argument("--number", type=int, default=400, metavar="N", help="degraded crops (default: 400)")
    parser.add_argument("--to", type=Path, default=Path("results/inspect"), metavar="FOLDER")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Inspect a student; print the probe's table and write the page."""
    if args.number < 20:
        raise ValueError(f"--number: expected at least 20 crops, got {args.number}")
    checkpoint = file_or_newest(args.student)
    student = load_network(checkpoint).network
    if not isinstance(student, KDSRStudent):
        raise ValueError(f"{checkpoint}: not a KDSR student, so there is no IDR to inspect")
    teacher_path = args.teacher or (find_teacher(args.student) if args.student.is_dir() else None)
    teacher = load_teacher(file_or_newest(teacher_path), scale=student.scale) if teacher_path else None
    images = read_images(args.images)
    view = make_idr_view(str(args.student), student, teacher, images, vary=args.vary, number=args.number)
    write_idr_page(view, args.to)
    print(f"{format_probe(view)}\n\n{view['protocol']}\nPage: {args.to / 'index.html'}")
    return 0
