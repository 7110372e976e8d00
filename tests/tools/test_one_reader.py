"""Every kind of the corpus through training, `kdsr compare`, `kdsr tiles` and `kdsr upscale`: all give the truth."""

import numpy as np
import pytest
from dataset_options import training_block
from option_files import save_student
from picture_corpus import make_corpus

from kdsr_data import DegradedImageDataset
from kdsr_data.image_io import to_float
from kdsr_data.image_source import ImageSource
from kdsr_data.pictures import read_picture
from kdsr_tools import Upscaler
from kdsr_tools.cli import main
from kdsr_tools.compare.image_sets import StoredSet
from kdsr_tools.compare.settings import ImagesSettings

CORPUS = make_corpus()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All kinds as files, named by their kind."""
    root = tmp_path_factory.mktemp("corpus")
    for name, kind in CORPUS.items():
        (root / f"{name}{kind.suffix}").write_bytes(kind.content)
    return root


def by_training(folder):
    """What training sees: GT of a data set."""
    block = training_block(folder, phase="val", scale=1, gt_size=None, use_hflip=False, use_rot=False)
    data_set = DegradedImageDataset(block)
    return {
        data_set.source.key(index): data_set[index]["gt"].permute(1, 2, 0).numpy() for index in range(len(data_set))
    }


def by_compare(folder):
    """What `kdsr compare` restores."""
    image_set = StoredSet("corpus", ImagesSettings(dataroot_lq=str(folder)), scale=4)
    return {name: image_set.read(image, 0).lq.permute(1, 2, 0).numpy() for image, name in enumerate(image_set.images)}


def by_tiles(folder, to):
    """What `kdsr tiles` cuts: of these small pictures, one tile each."""
    assert main(["tiles", str(folder), "--to", str(to / "x.lmdb")]) == 0
    tiles = ImageSource(to / "x.lmdb", io_backend={"type": "lmdb"})
    return {tiles.key(index).split("_")[1]: tiles.read(index) for index in range(len(tiles))}


def by_upscale(folder, to, monkeypatch):
    """What `kdsr upscale` writes, its network put aside."""
    save_student(to / "net.pth")
    monkeypatch.setattr(Upscaler, "__call__", lambda self, image: image)
    arguments = ["upscale", str(folder), "-o", str(to / "out"), "--format", "tif", "--model", str(to / "net.pth")]
    assert main([*arguments, "--device", "cpu"]) == 0
    return {path.stem: read_picture(path) for path in (to / "out").iterdir()}


def test_all_that_read_pictures_agree_with_the_truth(folder, tmp_path, monkeypatch, capsys):
    upscaled = by_upscale(folder, tmp_path, monkeypatch)
    seen = {
        "training": by_training(folder),
        "compare": by_compare(folder),
        "tiles": by_tiles(folder, tmp_path),
        "upscale": {name: to_float(picture.colour) for name, picture in upscaled.items()},
    }
    assert len(CORPUS) >= 70
    for reader, pictures in seen.items():
        assert pictures.keys() == CORPUS.keys(), reader
    for name, kind in CORPUS.items():
        white = np.iinfo(kind.shown.dtype).max
        colour = kind.shown[..., : 1 if kind.shown.shape[2] <= 2 else 3].astype(np.float32) / white
        for reader, pictures in seen.items():
            assert pictures[name].shape == (*kind.shown.shape[:2], 3), (reader, name)
            error = np.abs(pictures[name] - colour).max() * white
            assert error <= kind.tolerance + 0.01, (reader, name)
            np.testing.assert_array_equal(pictures[name], seen["training"][name], f"{reader}: {name}")
        assert upscaled[name].pixels.dtype == kind.shown.dtype, name
        np.testing.assert_allclose(upscaled[name].pixels.astype(int), kind.shown.astype(int), atol=kind.tolerance)
