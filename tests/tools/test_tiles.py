"""`kdsr tiles`: an LMDB that covers every photograph and trains as the folder does."""

import cv2
import numpy as np
import pytest
import tifffile
from basicsr.utils import FileClient
from PIL import Image

from kdsr_data.image_source import ImageSource
from kdsr_tools import tiles
from kdsr_tools.cli import main


@pytest.fixture
def photographs(tmp_path):
    """Two photographs of one name in two folders, one of them smaller than a tile; every pixel is its own colour."""
    images = {}
    for folder, (height, width) in {"a": (100, 70), "b": (20, 30)}.items():
        values = np.arange(height * width, dtype=np.uint32) + 65536 * (folder == "b")
        pixels = np.stack([values & 255, values >> 8 & 255, values >> 16], axis=-1).astype(np.uint8)
        images[folder] = pixels.reshape(height, width, 3)
        (tmp_path / "in" / folder).mkdir(parents=True)
        Image.fromarray(images[folder]).save(tmp_path / "in" / folder / "same.png")
    return tmp_path / "in", images


def cut(folder, to, **options):
    arguments = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    return main(["tiles", str(folder), "--to", str(to), *arguments])


def test_tiles_cover_every_pixel_of_every_photograph(photographs, tmp_path, capsys):
    folder, images = photographs
    assert cut(folder, tmp_path / "x.lmdb", **{"tile-size": 48, "tile-step": 32}) == 0
    assert "7 tiles of 2 photographs" in capsys.readouterr().out
    source = ImageSource(tmp_path / "x.lmdb", io_backend={"type": "lmdb"})
    tiles = [source.read(index) for index in range(len(source))]
    assert sorted(tile.shape for tile in tiles) == [(20, 30, 3)] + [(48, 48, 3)] * 6
    colours = {tuple(colour) for tile in tiles for colour in np.round(tile * 255).astype(int).reshape(-1, 3)}
    assert len(colours) == 100 * 70 + 20 * 30
    place = [tuple(map(int, source.key(index).split("_")[-2:])) for index in range(len(source))]
    top, left = place[3]
    np.testing.assert_array_equal(np.round(tiles[3] * 255), images["a"][top : top + 48, left : left + 48])


def test_an_existing_lmdb_is_kept(photographs, tmp_path, capsys):
    (tmp_path / "x.lmdb").mkdir()
    assert cut(photographs[0], tmp_path / "x.lmdb") == 0
    assert "x.lmdb is there already and was kept" in capsys.readouterr().out
    assert not list((tmp_path / "x.lmdb").iterdir())


def test_what_cannot_be_cut_is_refused(photographs, tmp_path, capsys):
    folder, _ = photographs
    for to, options, message in (
        ("x", {}, "--to: expected a name that ends in .lmdb, got"),
        ("x.lmdb", {"tile-size": 0}, "--tile-size: expected at least 1 pixel, got 0"),
        ("x.lmdb", {"tile-step": -1}, "--tile-step: expected at least 1 pixel, got -1"),
    ):
        assert cut(folder, tmp_path / to, **options) == 1
        assert message in capsys.readouterr().err
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no image")
    assert cut(folder, tmp_path / "x.lmdb") == 1
    assert "none of its 2 photographs can be read" in capsys.readouterr().err
    assert not (tmp_path / "x.lmdb").exists()


def test_a_photograph_that_cannot_be_read_is_named_and_the_others_cut(photographs, tmp_path, capsys):
    folder, _ = photographs
    (folder / "a/broken.png").write_bytes(b"no image")
    (folder / "notes.txt").touch()
    tifffile.imwrite(folder / "float.tif", np.zeros((8, 8, 3), np.float32), photometric="rgb")
    assert cut(folder, tmp_path / "x.lmdb") == 1
    output = capsys.readouterr()
    assert "a/broken.png: not a picture of a known format" in output.err
    assert "float.tif: expected 8 or 16 bits a channel, got 32 (float32)" in output.err
    assert "1 other file was passed over (1 .txt)" in output.out
    assert "2 tiles of 2 photographs" in output.out
    assert len(ImageSource(tmp_path / "x.lmdb", io_backend={"type": "lmdb"})) == 2


@pytest.mark.parametrize("name", ["Straße 1.png", "photo.v1.png", "x" * 245 + ".png", "caf\udce9.png", "日本.png"])
def test_photographs_may_have_any_name_and_basicsr_reads_the_tiles(tmp_path, name):
    pixels = np.arange(4 * 5 * 3, dtype=np.uint16).reshape(4, 5, 3) * 1000
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    assert cut(tmp_path / "in", tmp_path / "x.lmdb") == 0
    key, size = (tmp_path / "x.lmdb/meta_info.txt").read_text().strip().split(".png ")
    assert size == "(4,5,3) 1"
    tile = FileClient("lmdb", db_paths=[str(tmp_path / "x.lmdb")], client_keys=["gt"]).get(key, "gt")
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(tile, np.uint8), cv2.IMREAD_UNCHANGED), pixels)


def test_the_lmdb_grows_as_it_must(tmp_path, monkeypatch):
    monkeypatch.setattr(tiles, "FIRST_MAP_SIZE", 2**15)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(noise).save(tmp_path / "in/x.png")
    assert cut(tmp_path / "in", tmp_path / "x.lmdb", **{"tile-size": 50, "tile-step": 50}) == 0
    source = ImageSource(tmp_path / "x.lmdb", io_backend={"type": "lmdb"})
    assert len(source) == 16
    np.testing.assert_allclose(source.read(5), noise[50:100, 50:100] / 255, atol=1e-6)
