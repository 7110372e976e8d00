"""`kdsr tiles`: sub-images in an LMDB, which train several times faster than whole photographs.

A patch out of a small tile needs no decoding of a large picture; BasicSR's documentation prepares DIV2K the same way.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import lmdb
import numpy as np
from PIL import Image

from kdsr_data.image_source import ImageSource
from kdsr_data.pictures import ImageReadError, read_picture
from kdsr_data.pictures.picture import printable
from kdsr_tools.files import write_then_rename

TILE_SIZE = 192
TILE_STEP = 144
PNG_COMPRESSION = 1  # as BasicSR's; decoding is no slower, and files are little larger
FIRST_MAP_SIZE = 2**26  # bytes; doubled when it is full
LONGEST_STEM = 100  # characters of a photograph's name in its tiles' names: LMDB keys have 511 bytes at most


def write_tiles(
    photographs: Iterable[Path],
    folder: Path,
    *,
    tile_size: int,
    tile_step: int,
    most_tiles: int | None = None,
    on_error: Callable[[ImageReadError], None] | None = None,
) -> list[Path]:
    """Cut photographs into tiles, PNG files of the same depth, without alpha; return their paths.

    Args:
        tile_size: pixels; of a photograph that is smaller, a tile is the whole of it in that direction.
        tile_step: pixels from one tile to the next; the last one ends where the photograph ends.
        most_tiles: keep so many of a photograph, the ones with the strongest contrast.
        on_error: told of a photograph that cannot be read, before it goes on with the next.

    Raises:
        ImageReadError: a file is not an image, and there is no `on_error`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, photograph in enumerate(photographs):
        try:
            image = read_picture(photograph).colour
        except ImageReadError as error:
            if on_error is None:
                raise
            on_error(error)
            continue
        tiles = list(_cut(image, tile_size=tile_size, tile_step=tile_step))
        if most_tiles is not None:
            tiles = sorted(tiles, key=lambda tile: -tile[2].std())[:most_tiles]
        for top, left, tile in tiles:
            path = folder / f"{number:05}_{_plain(photograph.stem)}_{top:05}_{left:05}.png"
            path.write_bytes(_encode(tile))
            written.append(path)
    return sorted(written)


def _plain(stem: str) -> str:
    """Return a name that BasicSR, which takes ASCII keys without dots, reads; a number keeps those of one name
    apart."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:LONGEST_STEM]


def _encode(tile: np.ndarray) -> bytes:
    bgr = cv2.cvtColor(tile, cv2.COLOR_RGB2BGR) if tile.shape[2] == 3 else np.ascontiguousarray(tile)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])[1].tobytes()


def _cut(image: np.ndarray, *, tile_size: int, tile_step: int) -> Iterator[tuple[int, int, np.ndarray]]:
    for top in _starts(image.shape[0], tile_size, tile_step):
        for left in _starts(image.shape[1], tile_size, tile_step):
            yield top, left, image[top : top + tile_size, left : left + tile_size]


def _starts(length: int, tile_size: int, tile_step: int) -> list[int]:
    last = max(length - tile_size, 0)
    return sorted({*range(0, last, tile_step), last})


def write_lmdb(path: Path, tiles: list[Path]) -> None:
    """Put tiles, PNG files, into an LMDB as BasicSR writes it, with their names as keys."""
    with write_then_rename(path) as folder:
        database = lmdb.open(str(folder), map_size=FIRST_MAP_SIZE)
        lines = []
        for tile in tiles:
            _put(database, tile.stem.encode(), tile.read_bytes())
            with Image.open(tile) as image:
                lines.append(f"{tile.name} ({image.height},{image.width},{len(image.getbands())}) {PNG_COMPRESSION}\n")
        database.close()
        (folder / "meta_info.txt").write_text("".join(lines), encoding="utf-8")


def _put(database: lmdb.Environment, key: bytes, value: bytes) -> None:
    while True:
        try:
            with database.begin(write=True) as transaction:
                transaction.put(key, value)
            return
        except lmdb.MapFullError:
            database.set_mapsize(2 * database.info()["map_size"])


def run(args: argparse.Namespace) -> int:
    """Write the LMDB, unless it is there; return the exit code, 1 if a photograph was left out."""
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
    if source.passed_over:
        print(printable(f"{args.folder}: {source.passed_over}"))
    errors: list[ImageReadError] = []
    with tempfile.TemporaryDirectory() as temporary:
        tiles = write_tiles(
            photographs,
            Path(temporary),
            tile_size=args.tile_size,
            tile_step=args.tile_step,
            most_tiles=args.most_tiles,
            on_error=errors.append,
        )
        if tiles:
            write_lmdb(args.to, tiles)
    for error in errors:
        print(f"kdsr: left out: {error}", file=sys.stderr)
    if not tiles:
        raise ValueError(f"{args.folder}: none of its {len(photographs)} photographs can be read")
    print(printable(f"{args.to}: {len(tiles)} tiles of {len(photographs) - len(errors)} photographs"))
    return int(bool(errors))


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
