"""The `kdsr inspect` command: a page on what a student's IDR knows, or heads that read it aloud."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from kdsr_arch import KDSRStudent
from kdsr_arch.checkpoint import HEADS_ENTRY, SAFETENSORS_SUFFIX
from kdsr_data.image_source import ImageSource, find_io_backend
from kdsr_tools.arguments import parse_count
from kdsr_tools.checkpoints.convert import convert
from kdsr_tools.checkpoints.experiments import file_or_newest, find_teacher
from kdsr_tools.checkpoints.loading import load_network
from kdsr_tools.checkpoints.shipped import find_checkpoint
from kdsr_tools.files import write_then_rename
from kdsr_tools.heads.reader import UNCERTAIN, load_heads
from kdsr_tools.idr.crops import Crops, collect_crops
from kdsr_tools.idr.fitting import FEWEST_CROPS, fit_heads
from kdsr_tools.idr.knobs import measure_knobs
from kdsr_tools.idr.samples import PARAMETERS
from kdsr_tools.idr.scoring import score_heads
from kdsr_tools.idr.view import load_teacher, make_idr_view
from kdsr_tools.markdown import format_table
from kdsr_tools.pages.page import write_page
from kdsr_tools.pages.pictures import spread

MOST_IMAGES = 24
PAGE_FOLDER = Path("results/inspect")
# Options that only one of the two tasks heeds.
OF_PAGES = ("teacher", "vary", "to")
OF_HEADS = ("test_images", "test_number", "seed", "overwrite")
NUMBER, NUMBER_FOR_HEADS, NUMBER_OF_TESTS = 400, 5000, 960


def read_images(folder: Path) -> list[np.ndarray]:
    """Read at most `MOST_IMAGES` images of a folder, evenly spread, RGB in [0, 1]."""
    source = _open(folder)
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
    parser.add_argument("--vary", nargs="+", choices=list(PARAMETERS), metavar="WHAT", help="default: all")
    parser.add_argument(
        "--number", type=int, metavar="N", help=f"degraded crops (default: {NUMBER}; {NUMBER_FOR_HEADS} for heads)"
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help=f"default: {PAGE_FOLDER}")
    group = parser.add_argument_group("heads, which read the IDR of pictures aloud (kdsr diagnose); no page then")
    group.add_argument(
        "--save-heads", type=Path, metavar="NEW.safetensors", help="fit heads, and write the student with them"
    )
    group.add_argument("--test-images", type=Path, metavar="FOLDER", help="test them on pictures not learned from")
    group.add_argument("--test-number", type=parse_count, metavar="N", help=f"default: {NUMBER_OF_TESTS}")
    group.add_argument("--seed", type=int, metavar="N", help="of what is drawn (default: 0)")
    group.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Inspect a student; print the probe's table and write the page, or fit heads and write them."""
    _refuse_unheeded(args)
    number = args.number if args.number is not None else NUMBER_FOR_HEADS if args.save_heads else NUMBER
    if number < 20:
        raise ValueError(f"--number: expected at least 20 crops, got {number}")
    checkpoint = file_or_newest(args.student) if args.student.is_dir() else find_checkpoint(str(args.student))
    student = load_network(checkpoint).network
    if not isinstance(student, KDSRStudent):
        raise ValueError(f"{checkpoint}: not a KDSR student, so there is no IDR to inspect")
    if args.save_heads:
        return save_heads(args, checkpoint, student, number=number)
    teacher_path = args.teacher or (find_teacher(args.student) if args.student.is_dir() else None)
    teacher = load_teacher(file_or_newest(teacher_path), scale=student.scale) if teacher_path else None
    images, folder = read_images(args.images), args.to or PAGE_FOLDER
    view = make_idr_view(str(args.student), student, teacher, images, vary=args.vary or list(PARAMETERS), number=number)
    write_idr_page(view, folder)
    print(f"{format_probe(view)}\n\n{view['protocol']}\nPage: {folder / 'index.html'}")
    return 0


def _refuse_unheeded(args: argparse.Namespace) -> None:
    """Refuse what only the other of both tasks heeds: a page, or heads."""
    names, task = (OF_PAGES, "without") if args.save_heads else (OF_HEADS, "with")
    given = [
        f"--{name.replace('_', '-')}"
        for name in names
        if getattr(args, name) is not None and getattr(args, name) is not False
    ]
    if given:
        raise ValueError(f"{', '.join(given)}: heeded only {task} --save-heads; leave it out")


def save_heads(args: argparse.Namespace, checkpoint: Path, student: KDSRStudent, *, number: int) -> int:
    """Fit heads, print what they are worth on other pictures, and write the student with them."""
    to = args.save_heads
    if to.suffix != SAFETENSORS_SUFFIX:
        raise ValueError(f"--save-heads: expected a name that ends in {SAFETENSORS_SUFFIX}, got {to}")
    if to.exists() and not args.overwrite:
        raise FileExistsError(f"{to} exists already; --overwrite replaces it")
    if number < FEWEST_CROPS:
        raise ValueError(f"heads need at least {FEWEST_CROPS} crops, got {number}; raise --number")
    if args.test_images:
        _open(args.test_images)  # so that a wrong folder is noticed before minutes of work
    seed = args.seed or 0
    crops = _collect(args.images, student, number=number, seed=seed)
    heads = fit_heads(crops)
    num_images = len(np.unique(crops.image))
    text = f"{', '.join(UNCERTAIN)}, clean; from {len(crops.image)} damaged crops of {num_images} pictures"
    convert(checkpoint, to=to, heads=heads.to_tensors(), metadata={HEADS_ENTRY: f"{text}, seed {seed}"})
    if args.test_images:
        tests = _collect(args.test_images, student, number=args.test_number or NUMBER_OF_TESTS, seed=seed)
        saved = load_heads(to)
        print(f"{score_heads(saved, tests)}\n\n{measure_knobs(student, saved, _open(args.test_images))}")
    print(f"{to}: heads for {text}")
    return 0


def _collect(folder: Path, student: KDSRStudent, *, number: int, seed: int) -> Crops:
    source = _open(folder)
    with tqdm(total=len(source), desc=str(folder), unit=" pictures", disable=None) as bar:
        return collect_crops(student, source, number=number, seed=seed, progress=bar.update)


def _open(folder: Path) -> ImageSource:
    return ImageSource(folder, io_backend=find_io_backend(folder))
