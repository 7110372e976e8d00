"""Reading images: every pixel type, bad files, and the three places they come from."""

import cv2
import numpy as np
import pytest
from PIL import Image

from kdsr_data.image_io import ImageReadError, decode_image
from kdsr_data.image_source import ImageSource

DISK = {"type": "disk"}


def encode(image, suffix=".png"):
    return cv2.imencode(suffix, image)[1].tobytes()


def test_colours_come_as_rgb_between_0_and_1(photograph):
    decoded = decode_image(encode(photograph[..., ::-1]), "x.png")
    np.testing.assert_allclose(decoded, photograph.astype(np.float32) / 255)
    assert decoded.dtype == np.float32


def test_sixteen_bits_are_kept():
    image = np.arange(0, 48000, 1000, dtype=np.uint16).reshape(4, 4, 3)
    np.testing.assert_allclose(decode_image(encode(image), "x.png")[..., ::-1], image / 65535, atol=1e-7)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_other_channel_counts_become_three(tmp_path, photograph, mode):
    source = Image.fromarray(photograph).convert(mode)
    source.save(tmp_path / "x.png")
    decoded = decode_image((tmp_path / "x.png").read_bytes(), "x.png")
    expected = np.asarray(source.convert("RGBA").convert("RGB"), np.float32) / 255
    np.testing.assert_allclose(decoded, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no image at all", "not an image that OpenCV can decode"),
        (encode(np.zeros((8, 8, 3), np.float32), ".tiff"), "expected 8 or 16 bits a channel, got float32"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(content, reason):
    with pytest.raises(ImageReadError, match=rf"dir/x\.png: .*{reason}"):
        decode_image(content, "dir/x.png")


def test_folder_list_and_lmdb_give_the_same_images(gt_folder, gt_lmdb):
    meta_info = gt_folder.parent / "list.txt"
    meta_info.write_text("a.png (72,96,3)\nb.png\n\nsub/c.png (72,96,3) 1\n")
    sources = [
        ImageSource(gt_folder, io_backend=DISK),
        ImageSource(gt_folder, io_backend=DISK, meta_info=meta_info),
        ImageSource(gt_lmdb, io_backend={"type": "lmdb"}),
    ]
    for source in sources:
        assert [source.key(index) for index in range(len(source))] == ["a", "b", "sub/c"]
        for index in range(3):
            np.testing.assert_array_equal(source.read(index), sources[0].read(index))


def test_a_list_can_choose_and_names_may_hold_blanks(gt_folder):
    (gt_folder / "my photo (2).png").write_bytes((gt_folder / "a.png").read_bytes())
    meta_info = gt_folder.parent / "list.txt"
    meta_info.write_text("my photo (2).png (72,96,3)\n")
    source = ImageSource(gt_folder, io_backend=DISK, meta_info=meta_info)
    assert source.read(0).shape == (72, 96, 3)
    assert source.path(0).endswith("gt/my photo (2).png")


def test_missing_folders_and_lists_are_named(tmp_path, gt_folder):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        ImageSource(tmp_path / "nowhere", io_backend=DISK)
    with pytest.raises(FileNotFoundError, match=r"none\.txt: there is no such file"):
        ImageSource(gt_folder, io_backend=DISK, meta_info=tmp_path / "none.txt")


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match="no images found"):
        ImageSource(tmp_path, io_backend=DISK)


def test_listed_but_missing_files_and_keys_are_named(gt_folder, gt_lmdb):
    meta_info = gt_folder.parent / "list.txt"
    meta_info.write_text("gone.png\n")
    with pytest.raises(ImageReadError, match=r"gone\.png: cannot be read"):
        ImageSource(gt_folder, io_backend=DISK, meta_info=meta_info).read(0)
    with pytest.raises(ImageReadError, match="gone: .*missing from the LMDB"):
        ImageSource(gt_lmdb, io_backend={"type": "lmdb"}, meta_info=meta_info).read(0)
