"""Image sets: pairs from folders and LMDBs, and photographs without GT."""

import numpy as np
import pytest
from basicsr.utils.lmdb_util import make_lmdb_from_imgs
from comparison_files import write_photographs

from kdsr_data.image_io import ImageReadError
from kdsr_tools.compare.image_sets import StoredSet
from kdsr_tools.compare.settings import ImagesSettings


@pytest.fixture
def pairs(tmp_path):
    """GT of 4 times the LQ size, one with a row left over, as benchmark images have."""
    gt = write_photographs(tmp_path / "gt", {"a": (42, 48), "b": (40, 40)})
    lq = write_photographs(tmp_path / "lq", {"ax4": (10, 12), "bx4": (10, 10)})
    return {"dataroot_gt": str(gt), "dataroot_lq": str(lq), "filename_tmpl": "{}x4"}


def test_pairs_are_found_by_name_and_gt_is_cut_to_the_scale(pairs):
    images = StoredSet("s", ImagesSettings(**pairs), scale=4)
    assert images.images == ["a", "b"]
    pair = images.read(0, 0)
    assert pair.lq.shape == (3, 10, 12)
    assert pair.gt.shape == (3, 40, 48)


def test_lmdbs_give_the_same_pairs_as_folders(pairs, tmp_path, capsys):
    names = {"gt": ["a", "b"], "lq": ["a", "b"]}
    stems = {"gt": "{}", "lq": "{}x4"}
    for kind, keys in names.items():
        files = [stems[kind].format(key) + ".png" for key in keys]
        make_lmdb_from_imgs(str(tmp_path / kind), str(tmp_path / f"{kind}.lmdb"), files, keys, map_size=2**20)
    lmdb = {"dataroot_gt": str(tmp_path / "gt.lmdb"), "dataroot_lq": str(tmp_path / "lq.lmdb")}
    stored, folder = (StoredSet("s", ImagesSettings(**options), scale=4) for options in (lmdb, pairs))
    for index in range(2):
        for one, other in zip(stored.read(index, 0), folder.read(index, 0), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_list_chooses_among_the_pairs(pairs, tmp_path):
    (tmp_path / "list.txt").write_text("b.png (40,40,3)\n")
    images = StoredSet("s", ImagesSettings(**pairs, meta_info=str(tmp_path / "list.txt")), scale=4)
    assert images.images == ["b"]


def test_a_pair_of_another_scale_is_named(pairs):
    with pytest.raises(ImageReadError, match=r"a\.png: LQ is 12x10 and GT is 48x42, which is not x3"):
        StoredSet("s", ImagesSettings(**pairs), scale=3)


def test_two_images_of_one_name_are_refused_rather_than_one_lost(tmp_path):
    folder = write_photographs(tmp_path / "real", {"a": (20, 30)})
    (folder / "a.bmp").write_bytes((folder / "a.png").read_bytes())
    with pytest.raises(ValueError, match=r"a\.bmp and .*a\.png would have results of the same name; rename"):
        StoredSet("s", ImagesSettings(dataroot_lq=str(folder)), scale=4)


def test_photographs_without_gt_have_none(tmp_path):
    folder = write_photographs(tmp_path / "real", {"a": (20, 30)})
    images = StoredSet("s", ImagesSettings(dataroot_lq=str(folder)), scale=4)
    assert not images.has_gt
    assert images.read(0, 0).gt is None
