"""Kept results: found again by what they depend on, under names that never collide."""

import cv2
import numpy as np
import pytest

from kdsr_tools.compare.store import Item, ItemName, ResultStore, file_name, hash_array

NAME = ItemName("KDSR / M", "set", "sigma-1.8_noise-0", "sub/a")


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path)


def find(store, **changes):
    return store.find(NAME, **({"key": "k", "metrics": ["psnr"], "with_picture": False} | changes))


def test_an_item_is_found_by_its_key_and_metrics_only(store):
    item = Item(NAME, "k", {"psnr": 30.0, "niqe": None})
    store.save(item)
    assert find(store) == item
    assert find(store, key="other") is None
    assert find(store, metrics=["psnr", "niqe"]) == item
    assert find(store, metrics=["ssim"]) is None
    assert find(store, with_picture=True) is None


def test_a_picture_comes_back_as_it_was(store, photograph):
    store.save(Item(NAME, "k", {"psnr": 30.0}), picture=photograph)
    assert find(store, with_picture=True)
    np.testing.assert_array_equal(store.read_picture(NAME), photograph)


def test_a_picture_is_read_where_opencv_opens_no_such_path(store, photograph, monkeypatch):
    """On Windows, OpenCV opens no file whose path has letters beyond the code page's."""
    monkeypatch.setattr(cv2, "imread", lambda *args: None)
    assert store.read_picture(NAME) is None
    store.save(Item(NAME, "k", {"psnr": 30.0}), picture=photograph)
    np.testing.assert_array_equal(store.read_picture(NAME), photograph)
    store.picture_path(NAME).write_bytes(b"")
    assert store.read_picture(NAME) is None


def test_failures_and_torn_files_are_tried_anew(store):
    store.save(Item(NAME, "k", error="out of memory"))
    assert find(store) is None
    next(store.folder.rglob("*.json")).write_text('{"key": "k", "sco')
    assert find(store) is None


def test_file_names_keep_names_apart():
    assert file_name("sigma-1.8_noise-0") == "sigma-1.8_noise-0"
    assert len({file_name(name) for name in ("a/b", "a b", "a_b", "../a", "ä/b")}) == 5
    assert all("/" not in file_name(name) and not file_name(name).startswith(".") for name in ("../a", "a/b"))


def test_the_hash_follows_shape_and_values():
    array = np.arange(12.0)
    assert hash_array(array) == hash_array(array.copy())
    assert hash_array(array) != hash_array(array.reshape(3, 4))
    assert hash_array(array) != hash_array(array + 1)
