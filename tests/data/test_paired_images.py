"""Pairs of GT and LQ folders: those that do not fit are named before training starts."""

import pytest
from PIL import Image

from kdsr_data.paired_images import check_pairs
from kdsr_data.pictures.stored import turn_upright
from kdsr_options.schema import OptionError


@pytest.fixture
def pairs(tmp_path, photograph):
    """Three GT images and their LQ images at x4."""
    for folder, step in (("gt", 1), ("lq", 4)):
        (tmp_path / folder).mkdir()
        for name in ("a.png", "b.png", "c.png"):
            Image.fromarray(photograph[::step, ::step]).save(tmp_path / folder / name)
    return {"dataroot_gt": str(tmp_path / "gt"), "dataroot_lq": str(tmp_path / "lq"), "scale": 4}


def test_pairs_that_fit_pass(pairs):
    check_pairs(pairs, "datasets.train")


def test_images_without_a_partner_are_named(pairs, tmp_path):
    (tmp_path / "lq" / "b.png").rename(tmp_path / "lq" / "d.png")
    with pytest.raises(OptionError) as caught:
        check_pairs(pairs, "datasets.train")
    assert "datasets.train.dataroot_lq: " in str(caught.value)
    assert "lq/b.png is missing, the partner of" in str(caught.value)
    assert "lq/d.png has no GT in" in str(caught.value)


def test_a_pair_of_another_scale_is_named(pairs, tmp_path, photograph):
    Image.fromarray(photograph[::2, ::2]).save(tmp_path / "lq" / "b.png")
    with pytest.raises(OptionError, match=r"b\.png has 96x128 pixels, which is not 4 times .*b\.png with 48x64"):
        check_pairs(pairs, "datasets.train")


def save_turned(path, upright, orientation):
    """Save what a camera held that way would: pixels turned the other way, and the block that says so."""
    back = {3: 3, 6: 8}[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(turn_upright(upright, back)).save(path, exif=exif)


@pytest.mark.parametrize("orientation", [3, 6])
def test_pairs_of_which_one_is_turned_by_exif_pass(pairs, tmp_path, photograph, orientation):
    save_turned(tmp_path / "gt" / "b.png", photograph, orientation)
    check_pairs(pairs, "datasets.train")


@pytest.mark.parametrize("shape", [(96, 96), (96, 128)])
def test_pairs_that_do_not_show_the_same_way_up_are_named(pairs, tmp_path, photograph, shape):
    upright = photograph[: shape[0], : shape[1]]
    save_turned(tmp_path / "gt" / "b.png", upright, 3)
    turned = turn_upright(upright, 3)  # LQ was made of the pixels as they are stored, and the block was lost
    Image.fromarray(turned[::4, ::4]).save(tmp_path / "lq" / "b.png")
    with pytest.raises(OptionError, match=r"gt/b\.png and .*lq/b\.png do not show the same way up"):
        check_pairs(pairs, "datasets.train")
