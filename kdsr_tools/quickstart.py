"""`kdsr quickstart`: the photographs of the quickstart, and the table and picture that show what it trained."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import fmean

import numpy as np
import skimage.data
import torch
from pydantic import Field

from kdsr_data import BlindSRBenchmarkDataset
from kdsr_data.settings import Settings, read_settings
from kdsr_tools.evaluation import METRICS, Restorer, Result, bicubic_restorer, evaluate, network_restorer
from kdsr_tools.files import write_then_rename
from kdsr_tools.option_files import read_option_file
from kdsr_tools.picture import patch, write_grid
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


class PictureSettings(Settings):
    """One row of the picture: a patch of an image under a setting; positions and sizes in GT pixels."""

    image: str
    setting: str
    left_top: tuple[int, int]


class ModelSettings(Settings):
    """A trained model: the experiment's folder, in which its weights lie, and its option file."""

    options: Path
    weights: Path


class ReportSettings(Settings):
    """`options/quickstart/report.yml`."""

    scale: int
    benchmark: dict
    models: dict[str, ModelSettings]
    shown_model: str
    patch_size: int = Field(ge=8)
    panel_size: int = Field(ge=8)
    pictures: list[PictureSettings]
    output: Path


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
    """Evaluate bicubic and the trained models on the held-out photographs; print the table, write the picture."""
    settings = read_settings(ReportSettings, read_option_file(options), path="")
    benchmark = BlindSRBenchmarkDataset({"scale": settings.scale, "phase": "test", **settings.benchmark})
    restorers: dict[str, Restorer] = {"bicubic": bicubic_restorer(settings.scale)}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name, model in settings.models.items():
        network = {**read_option_file(model.options)["network_g"], "scale": settings.scale}
        restorers[name] = network_restorer(network, model.weights, device=device)
    results = list(evaluate(benchmark, restorers, scale=settings.scale))
    table = format_table(results)
    with write_then_rename(settings.output / "table.md") as temporary:
        temporary.write_text(table, encoding="utf-8")
    write_picture(settings, benchmark, results)
    print(f"\n{table}\nPicture: {settings.output / 'comparison.png'}")


def format_table(results: list[Result]) -> str:
    """Lay out mean scores by restorer and image, and over all, as a Markdown table."""
    images = sorted({result.image for result in results})
    grouped: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        for column in (result.image, "mean"):
            grouped[result.restorer, column].append(result)
    lines = [f"| PSNR-Y (dB) / SSIM | {' | '.join(images)} | **mean** |", "|---" * (len(images) + 2) + "|"]
    for restorer in dict.fromkeys(result.restorer for result in results):
        cells = [_mean_scores(grouped[restorer, column]) for column in (*images, "mean")]
        lines.append(f"| {restorer} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _mean_scores(results: list[Result]) -> str:
    psnr, ssim = (fmean(result.scores[metric] for result in results) for metric in METRICS)
    return f"{psnr:.2f} / {ssim:.4f}"


def write_picture(settings: ReportSettings, benchmark: BlindSRBenchmarkDataset, results: list[Result]) -> None:
    """Write a grid: for each row of `pictures`, the same patch of LQ, bicubic, the shown model and GT."""
    samples = {(Path(sample["gt_path"]).stem, sample["setting"]): sample for sample in benchmark}
    restored = {(result.restorer, result.image, result.setting): result for result in results}
    rows, captions = [], []
    for row in settings.pictures:
        sample = samples[row.image, row.setting]
        bicubic, shown = (restored[name, row.image, row.setting] for name in ("bicubic", settings.shown_model))
        lq = np.kron(_to_rgb(sample["lq"]), np.ones((settings.scale, settings.scale, 1), np.uint8))
        panels = [lq, bicubic.sr[..., ::-1], shown.sr[..., ::-1], _to_rgb(sample["gt"])]
        rows.append([patch(p, row.left_top, size=settings.patch_size, panel_size=settings.panel_size) for p in panels])
        scores = [f"{result.restorer}, {result.scores['PSNR']:.2f} dB" for result in (bicubic, shown)]
        captions.append([f"LQ, {row.setting.split('_')[0].replace('-', ' ')}", *scores, "GT"])
    write_grid(settings.output / "comparison.png", rows, captions)


def _to_rgb(image: torch.Tensor) -> np.ndarray:
    return (image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def add_parser(subparsers) -> None:
    """Add `kdsr quickstart`."""
    parser = subparsers.add_parser("quickstart")
    steps = parser.add_subparsers(required=True, metavar="STEP")
    data = steps.add_parser("data", help="write the photographs to train on and those held out")
    data.add_argument("--to", type=Path, default=DATA_FOLDER, metavar="FOLDER")
    data.set_defaults(run=lambda args: _done(prepare_data(args.to)))
    show = steps.add_parser("report", help="print the table and write the picture of the trained models")
    show.add_argument("-opt", type=Path, default=REPORT_OPTIONS, metavar="FILE")
    show.set_defaults(run=lambda args: _done(report(args.opt)))


def _done(_: None) -> int:
    return 0
