"""Where images come from: folders, lists and LMDBs give the same images, and what is missing is named."""

import os
import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from kdsr_data.image_io import ImageReadError
from kdsr_data.image_source import ImageSource, MetaInfoError, find_io_backend

DISK, LMDB = {"type": "disk"}, {"type": "lmdb"}


@pytest.fixture
def write_list(tmp_path):
    """Write a list of names and give its path."""

    def write(*lines):
        (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
        return tmp_path / "list.txt"

    return write


def keys_of(source):
    return [source.key(index) for index in range(len(source))]


def test_folder_list_and_lmdb_give_the_same_images(gt_folder, gt_lmdb, write_list):
    lines = write_list("a.png (72,96,3)", "b.png", "", "sub/c.png (72,96,3) 1")
    sources = [
        ImageSource(gt_folder, io_backend=DISK),
        ImageSource(gt_folder, io_backend=DISK, meta_info=lines),
        ImageSource(str(gt_lmdb), io_backend=LMDB),
        ImageSource(gt_lmdb, io_backend=LMDB, meta_info=str(lines)),
    ]
    for source in sources:
        assert keys_of(source) == ["a", "b", "sub/c"]
        for index, name in enumerate(("a.png", "b.png", "sub/c.png")):
            expected = np.asarray(Image.open(gt_folder / name), np.float32) / 255
            np.testing.assert_allclose(source.read(index), expected, atol=1e-7)


def test_only_images_are_found_in_a_fixed_order(tmp_path, photograph):
    for name in ("z.JPG", "a.b.png", "notes.txt", ".DS_Store.txt", "deep/er/x.bmp", ".hidden.png", ".cache/y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".txt"):
            (tmp_path / name).write_text("no image")
        else:
            Image.fromarray(photograph).save(tmp_path / name)
    source = ImageSource(tmp_path, io_backend=DISK)
    assert keys_of(source) == ["a.b", "deep/er/x", "z"]
    assert [source.path(index) for index in range(3)] == [
        str(tmp_path / name) for name in ("a.b.png", "deep/er/x.bmp", "z.JPG")
    ]


def test_linked_folders_are_searched_too(tmp_path, gt_folder):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "link").symlink_to(gt_folder)
    assert keys_of(ImageSource(tmp_path / "all", io_backend=DISK)) == ["link/a", "link/b", "link/sub/c"]


def test_a_link_to_a_folder_above_gives_no_image_twice(gt_folder):
    (gt_folder / "sub/up").symlink_to(gt_folder)
    assert keys_of(ImageSource(gt_folder, io_backend=DISK)) == ["a", "b", "sub/c"]


def test_a_link_that_leads_back_by_another_folder_gives_no_image_twice(tmp_path, gt_folder):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/back").symlink_to(gt_folder)
    (gt_folder / "sub/other").symlink_to(tmp_path / "other")
    assert keys_of(ImageSource(gt_folder, io_backend=DISK)) == ["a", "b", "sub/c"]


def test_a_list_can_choose_and_names_may_hold_blanks(gt_folder, write_list):
    (gt_folder / "my photo (2).png").write_bytes((gt_folder / "a.png").read_bytes())
    source = ImageSource(gt_folder, io_backend=DISK, meta_info=write_list("my photo (2).png (72,96,3)"))
    assert source.read(0).shape == (72, 96, 3)
    assert source.path(0).endswith("gt/my photo (2).png")


def test_missing_folders_and_lists_are_named(tmp_path, gt_folder):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        ImageSource(tmp_path / "nowhere", io_backend=DISK)
    with pytest.raises(FileNotFoundError, match=r"a\.png: there is no such folder"):
        ImageSource(gt_folder / "a.png", io_backend=DISK)
    with pytest.raises(FileNotFoundError, match=r"none\.txt: there is no such file"):
        ImageSource(gt_folder, io_backend=DISK, meta_info=tmp_path / "none.txt")


def test_a_folder_that_is_no_lmdb_is_named(gt_folder):
    with pytest.raises(FileNotFoundError, match=r"gt/meta_info\.txt: there is no such file"):
        ImageSource(gt_folder, io_backend=LMDB)


def test_a_folder_or_list_without_images_is_refused(tmp_path, gt_folder, write_list):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=r"empty: no images found \(looked for \.png, .*\.jpg"):
        ImageSource(empty, io_backend=DISK)
    with pytest.raises(ValueError, match=r"list\.txt: no images found"):
        ImageSource(gt_folder, io_backend=DISK, meta_info=write_list(""))


def test_listed_but_missing_files_and_keys_are_named(gt_folder, gt_lmdb, write_list):
    lines = write_list("gone.png", "a.png")
    on_disk = ImageSource(gt_folder, io_backend=DISK, meta_info=lines)
    with pytest.raises(ImageReadError, match=r"gt/gone\.png: cannot be read"):
        on_disk.read(0)
    in_lmdb = ImageSource(gt_lmdb, io_backend=LMDB, meta_info=lines)
    with pytest.raises(ImageReadError, match=r"gt\.lmdb/gone: .*missing from the LMDB"):
        in_lmdb.read(0)
    np.testing.assert_array_equal(on_disk.read(1), in_lmdb.read(1))


def test_a_folder_in_the_place_of_an_image_is_named(gt_folder, write_list):
    (gt_folder / "d.png").mkdir()
    with pytest.raises(ImageReadError, match=r"d\.png: cannot be read"):
        ImageSource(gt_folder, io_backend=DISK, meta_info=write_list("d.png")).read(0)


@pytest.mark.parametrize(
    ("root", "kind"), [("a/set.lmdb", "lmdb"), ("a/set.lmdb/", "lmdb"), ("a/set", "disk"), ("set.lmdb/a", "disk")]
)
def test_an_lmdb_is_told_by_its_name(root, kind):
    assert find_io_backend(root) == find_io_backend(Path(root)) == {"type": kind}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_lists_from_windows_are_read(gt_folder, tmp_path, encoding, slash):
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    lines = f"{mark}a.png (72,96,3)\r\nsub{slash}c.png (72,96,3)\r\n"
    (tmp_path / "list.txt").write_bytes(lines.encode(encoding))
    source = ImageSource(gt_folder, io_backend=DISK, meta_info=tmp_path / "list.txt")
    assert keys_of(source) == ["a", "sub/c"]
    assert source.read(1).shape == (72, 96, 3)


def test_a_file_whose_name_holds_a_backslash_is_itself(gt_folder, write_list):
    (gt_folder / "sub\\c.png").write_bytes((gt_folder / "a.png").read_bytes())
    assert keys_of(ImageSource(gt_folder, io_backend=DISK, meta_info=write_list("sub\\c.png"))) == ["sub\\c"]


def test_a_list_that_is_no_text_is_named(gt_folder, tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe" + b"\x00\xd8" * 3 + b"x")
    with pytest.raises(MetaInfoError, match=r"list\.txt: expected text in UTF-8 or UTF-16"):
        ImageSource(gt_folder, io_backend=DISK, meta_info=tmp_path / "list.txt")


def test_what_can_be_read_is_taken_and_the_rest_said(tmp_path, photograph):
    for name in ("a.jpg", "b.jfif", "c.jpe", "d.gif", "e.jp2", "f.avif", "g.webp"):
        Image.fromarray(photograph).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    source = ImageSource(tmp_path, io_backend=DISK)
    assert keys_of(source) == list("abcdefg")
    assert all(source.read(index).shape == photograph.shape for index in range(7))
    assert source.passed_over == "1 other file was passed over (1 .txt)"


def test_results_of_images_of_like_names_have_names_of_their_own(tmp_path, photograph):
    names = ["a/0.png", "a_0.png", "b/0.png", "same.jpg", "same.png", "Same.webp", "v.1.png", "v.2.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(photograph).save(tmp_path / name)
    source = ImageSource(tmp_path, io_backend=DISK)
    results = dict(zip(source.names, source.result_names(), strict=True))
    assert len({result.lower() for result in results.values()}) == len(names)
    assert (results["b/0.png"], results["v.1.png"], results["v.2.png"]) == ("b_0", "v.1", "v.2")
    assert (results["same.jpg"], results["same.png"], results["Same.webp"]) == ("same_jpg", "same_png", "Same_webp")
    assert {results["a/0.png"], results["a_0.png"]} == {"a_0_png", "a_0_png_2"}


def test_names_that_are_not_utf_8_are_read_and_can_be_printed(tmp_path, gt_folder):
    path = os.fsencode(gt_folder) + b"/caf\xe9.png"
    shutil.copy(gt_folder / "a.png", path)
    source = ImageSource(gt_folder, io_backend=DISK)
    index = next(i for i in range(len(source)) if source.key(i).startswith("caf"))
    assert source.key(index).encode() == b"caf\\udce9"
    assert source.read(index).shape == (72, 96, 3)
    with open(path, "wb"):
        pass
    with pytest.raises(ImageReadError) as caught:
        source.read(index)
    assert str(caught.value).encode().endswith(b"caf\\udce9.png: the file is empty")
    (tmp_path / "list.txt").write_bytes(b"caf\xe9.png\n")
    assert (
        ImageSource(gt_folder, io_backend=DISK, meta_info=tmp_path / "list.txt").names
        == source.names[index : index + 1]
    )


def test_an_lmdb_may_have_any_names_as_keys(tmp_path, gt_folder):
    root = tmp_path / "any.lmdb"
    with lmdb.open(str(root)) as database, database.begin(write=True) as transaction:
        transaction.put("Straße 1".encode(), (gt_folder / "a.png").read_bytes())
    (root / "meta_info.txt").write_text("Straße 1.png (72,96,3) 1\n", encoding="utf-8")
    assert ImageSource(root, io_backend=LMDB).read(0).shape == (72, 96, 3)


def test_the_size_is_read_without_decoding(gt_folder):
    content = (gt_folder / "a.png").read_bytes()
    (gt_folder / "a.png").write_bytes(content[:100])
    assert ImageSource(gt_folder, io_backend=DISK).size(0) == (72, 96)
