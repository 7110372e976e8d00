"""What several test files share: golden data, small photographs, folders and LMDBs of them."""

from __future__ import annotations

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)

# isort: split

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from basicsr.utils.lmdb_util import make_lmdb_from_imgs
from PIL import Image

GOLDEN = Path(__file__).parent / "data" / "golden"
ROOT = Path(__file__).parent.parent

# Two processes of the test run share two cores.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def repeatable():
    """Let every test start from the same random state."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  (what BasicSR draws from)


@pytest.fixture(scope="session")
def golden():
    """Load a golden file: `golden("losses")`."""
    return lambda name: dict(np.load(GOLDEN / f"{name}.npz"))


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """A part of a photograph, (96, 128, 3) RGB uint8."""
    return skimage.data.astronaut()[40:136, 160:288]


@pytest.fixture(scope="session")
def gt(photograph) -> np.ndarray:
    """The same as float32 in [0, 1]."""
    return photograph.astype(np.float32) / 255


@pytest.fixture
def gt_folder(tmp_path, photograph) -> Path:
    """Three 72x96 images, one of them in a subfolder."""
    folder = tmp_path / "gt"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "sub/c.png")):
        Image.fromarray(photograph[8 * number :][:72, 8 * number :][:, :96]).save(folder / name)
    return folder


@pytest.fixture
def gt_lmdb(gt_folder, capsys) -> Path:
    """The images of `gt_folder` in a BasicSR LMDB."""
    names = ["a.png", "b.png", "sub/c.png"]
    path = gt_folder.parent / "gt.lmdb"
    make_lmdb_from_imgs(str(gt_folder), str(path), names, [name[:-4] for name in names])
    return path
