"""`kdsr quickstart`: the photographs of the quickstart, and the table and page that show what it trained."""

from __future__ import annotations

import argparse
from pathlib import Path

import skimage.data

from kdsr_tools import markdown
from kdsr_tools.arguments import add_described_parser
from kdsr_tools.compare.command import compare
from kdsr_tools.compare.report import format_score
from kdsr_tools.compare.settings import Metric, read_compare_settings
from kdsr_tools.compare.summary import Scores
from kdsr_tools.files import write_then_rename
from kdsr_tools.tiles import write_lmdb, write_tiles

# Photographs that come inside scikit-image's package; the held-out ones are never trained on.
TRAINING = (
    *("rocket.jpg", "motorcycle_left.png", "camera.png", "coins.png", "moon.png", "brick.png", "grass.png"),
    *("gravel.png", "ihc.png", "retina.jpg", "hubble_deep_field.jpg", "page.png"),
)
HELD_OUT = ("astronaut.png", "chelsea.png", "coffee.png")
# Sub-images decode faster than whole photographs, as BasicSR prepares DIV2K.
TILE_SIZE = 160
TILE_STEP = 120
# The busiest ones: a large, mostly black photograph must not make up half of the set.
MOST_TILES = 16  # of one photograph
DATA_FOLDER = Path("datasets/quickstart")
REPORT_OPTIONS = Path("options/quickstart/report.yml")


def prepare_data(folder: Path) -> None:
    """Write `train.lmdb` of sub-images and `heldout/` of whole photographs; what is there already is kept."""
    photographs = Path(skimage.data.__file__).parent
    (folder / "heldout").mkdir(parents=True, exist_ok=True)
    for name in HELD_OUT:
        if not (folder / "heldout" / name).exists():
            with write_then_rename(folder / "heldout" / name) as temporary:
                temporary.write_bytes((photographs / name).read_bytes())
    if (folder / "train.lmdb" / "meta_info.txt").exists():
        print(f"{folder}: the photographs are there already")
        return
    tiles = write_tiles(
        [photographs / name for name in TRAINING],
        folder / "train",
        tile_size=TILE_SIZE,
        tile_step=TILE_STEP,
        most_tiles=MOST_TILES,
    )
    write_lmdb(folder / "train.lmdb", tiles)
    print(f"{folder}: {len(tiles)} sub-images of {len(TRAINING)} photographs, {len(HELD_OUT)} photographs held out")


def report(options: Path) -> None:
    """Compare bicubic and the trained models on the held-out photographs: print a table, write a page."""
    settings = read_compare_settings(options)
    found = compare(settings)
    table = format_table(found.sets[0].scores)
    with write_then_rename(settings.output / "table.md") as temporary:
        temporary.write_text(table, encoding="utf-8")
    print(f"\n{table}\nPage: {settings.output / 'index.html'} (open it in a browser)")


def format_table(scores: Scores) -> str:
    """Lay out mean scores by model and image, and over all, as a Markdown table."""
    images = sorted({item.name.image for item in scores.items})
    groups = [*({image} for image in images), set(images)]
    rows = [[model, *(_mean_scores(scores, model, group) for group in groups)] for model in scores.models]
    return markdown.format_table(["PSNR-Y (dB) / SSIM", *images, "**mean**"], rows) + "\n"


def _mean_scores(scores: Scores, model: str, images: set[str]) -> str:
    metrics: tuple[Metric, ...] = ("psnr", "ssim")
    means = (scores.mean(model, metric, where=lambda item: item.name.image in images) for metric in metrics)
    return " / ".join(format_score(metric, mean.value) for metric, mean in zip(metrics, means, strict=True))


def add_parser(subparsers) -> None:
    """Add `kdsr quickstart`."""
    parser = subparsers.add_parser("quickstart")
    steps = parser.add_subparsers(required=True, metavar="STEP")
    data = add_described_parser(steps, "data", "write the photographs to train on and those held out")
    data.add_argument("--to", type=Path, default=DATA_FOLDER, metavar="FOLDER")
    data.set_defaults(run=run_data)
    show = add_described_parser(steps, "report", "print the table and write the page of the trained models")
    show.add_argument("-opt", type=Path, default=REPORT_OPTIONS, metavar="FILE")
    show.set_defaults(run=run_report)


def run_data(args: argparse.Namespace) -> int:
    """Write the photographs."""
    prepare_data(args.to)
    return 0


def run_report(args: argparse.Namespace) -> int:
    """Print the table and write the page."""
    report(args.opt)
    return 0
