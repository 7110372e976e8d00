"""`kdsr tiles`: sub-images in an LMDB, which train several times faster than whole photographs.

A patch out of a small tile needs no decoding of a large picture; BasicSR's documentation prepares DIV2K the same way.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import cv2
import numpy as np
from basicsr.utils.lmdb_util import make_lmdb_from_imgs

from kdsr_data.image_io import ImageReadError
from kdsr_data.image_source import ImageSource
from kdsr_tools.files import write_then_rename

TILE_SIZE = 192
TILE_STEP = 144


def write_tiles(
    photographs: Iterable[Path], folder: Path, *, tile_size: int, tile_step: int, most_tiles: int | None = None
) -> list[Path]:
    """Cut photographs into tiles, written to a folder as PNG; give their paths.

    Args:
        tile_size: pixels; of a photograph that is smaller, a tile is the whole of it in that direction.
        tile_step: pixels from one tile to the next; the last one ends where the photograph ends.
        most_tiles: keep so many of a photograph, the ones with the strongest contrast.

    Raises:
        ImageReadError: a file is not an image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, photograph in enumerate(photographs):
        image = cv2.imread(str(photograph), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise ImageReadError(str(photograph), "not an image that OpenCV can decode")
        tiles = list(_cut(image, tile_size=tile_size, tile_step=tile_step))
        if most_tiles is not None:
            tiles = sorted(tiles, key=lambda tile: -tile[2].std())[:most_tiles]
        for top, left, tile in tiles:
            # The number keeps images of the same name in different folders apart.
            path = folder / f"{number:05}_{photograph.stem}_{top:05}_{left:05}.png"
            cv2.imwrite(str(path), tile)
            written.append(path)
    return sorted(written)


def _cut(image: np.ndarray, *, tile_size: int, tile_step: int) -> Iterator[tuple[int, int, np.ndarray]]:
    for top in _starts(image.shape[0], tile_size, tile_step):
        for left in _starts(image.shape[1], tile_size, tile_step):
            yield top, left, image[top : top + tile_size, left : left + tile_size]


def _starts(length: int, tile_size: int, tile_step: int) -> list[int]:
    last = max(length - tile_size, 0)
    return sorted({*range(0, last, tile_step), last})


def write_lmdb(path: Path, tiles: list[Path]) -> None:
    """Put tiles of one folder into an LMDB, as BasicSR writes it, with their names as keys."""
    largest = max(tile.stat().st_size for tile in tiles)
    # BasicSR reports every image twice.
    with (
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        write_then_rename(path) as to,
    ):
        make_lmdb_from_imgs(
            str(tiles[0].parent),
            str(to),
            [tile.name for tile in tiles],
            [tile.stem for tile in tiles],
            map_size=10 * largest * len(tiles),
        )


def run(args: argparse.Namespace) -> int:
    """Write the LMDB, unless it is there."""
    if args.to.suffix != ".lmdb":
        raise ValueError(f"--to: expected a name that ends in .lmdb, got {args.to}")
    if args.to.exists():
        print(f"{args.to} is there already and was kept")
        return 0
    for option, value in (("--tile-size", args.tile_size), ("--tile-step", args.tile_step)):
        if value < 1:
            raise ValueError(f"{option}: expected at least 1 pixel, got {value}")
    if args.most_tiles is not None and args.most_tiles < 1:
        raise ValueError(f"--most-tiles: expected at least 1, got {args.most_tiles}")
    source = ImageSource(args.folder, io_backend={"type": "disk"})
    photographs = [Path(source.path(index)) for index in range(len(source))]
    with tempfile.TemporaryDirectory() as temporary:
        tiles = write_tiles(
            photographs,
            Path(temporary),
            tile_size=args.tile_size,
            tile_step=args.tile_step,
            most_tiles=args.most_tiles,
        )
        write_lmdb(args.to, tiles)
    print(f"{args.to}: {len(tiles)} tiles of {len(photographs)} photographs")
    return 0


def add_parser(subparsers) -> None:
    """Add `kdsr tiles`."""
    parser = subparsers.add_parser("tiles")
    parser.add_argument("folder", type=Path, help="photographs; subfolders are searched too")
    parser.add_argument("--to", type=Path, required=True, metavar="NAME.lmdb")
    parser.add_argument("--tile-size", type=int, default=TILE_SIZE, metavar="PIXELS", help=f"default: {TILE_SIZE}")
    parser.add_argument("--tile-step", type=int, default=TILE_STEP, metavar="PIXELS", help=f"default: {TILE_STEP}")
    parser.add_argument(
        "--most-tiles",
        type=int,
        metavar="NUMBER",
        help="keep so many of a photograph, those with the strongest contrast (default: all)",
    )
    parser.set_defaults(run=run)
