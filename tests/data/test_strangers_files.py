"""Files from strangers: bombs are refused, names stay inside, and every odd image is used or named with its reason."""

import struct
import zlib

import lmdb
import numpy as np
import pytest
import torch
from basicsr.utils import get_root_logger
from dataset_options import training_block
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kdsr_data import DegradedImageDataset
from kdsr_data.image_io import MAX_PIXELS, ImageReadError, decode_image, image_size
from kdsr_data.image_source import ImageSource


def png_that_claims(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def tiff_that_claims(width, height):
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    entries += [(277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 100)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + b"\0" * 4


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (MAX_PIXELS + 1, 1), (15_000, 15_000)])
@pytest.mark.parametrize("make", [png_that_claims, tiff_that_claims])
def test_a_decompression_bomb_is_refused_with_the_limit_before_it_is_decoded(make, width, height):
    with pytest.raises(ImageReadError, match=rf"x\.png: {width}x{height} is more than {MAX_PIXELS} pixels"):
        decode_image(make(width, height), "x.png")


def test_an_image_below_the_limit_has_its_size_read_off_the_header():
    assert image_size(png_that_claims(12_000, 13_000), "x.png") == (13_000, 12_000)
    assert image_size(tiff_that_claims(12_000, 13_000), "x.tif") == (13_000, 12_000)


@pytest.mark.parametrize(
    "name", ["../secret.png", "a/../../b.png", "/etc/passwd", "..", "C:\\x.png", "..\\x.png", "a\0.png"]
)
@pytest.mark.parametrize("is_lmdb", [False, True])
def test_names_that_lead_out_of_the_data_root_are_refused(gt_folder, gt_lmdb, name, is_lmdb):
    root = gt_lmdb if is_lmdb else gt_folder
    (root / "meta_info.txt").write_text(f"a.png (72,96,3) 1\n{name} (72,96,3) 1\n")
    backend = {"type": "lmdb" if is_lmdb else "disk"}
    with pytest.raises(ValueError, match="leads out of the data root"):
        ImageSource(root, io_backend=backend, meta_info=root / "meta_info.txt")


@pytest.fixture
def log(caplog, monkeypatch):
    """Let BasicSR's logger, which keeps its messages to itself, reach pytest."""
    monkeypatch.setattr(get_root_logger(), "propagate", True)
    return caplog


def save_as(path, photograph, kind):
    image = Image.fromarray(photograph)
    if kind == "CMYK":
        image.convert("CMYK").save(path, "JPEG", quality=100)
    elif kind == "alpha":
        image.convert("RGBA").save(path, "PNG")
    elif kind == "another format":
        image.save(path, "BMP")
    elif kind == "16 bit":
        Image.fromarray(photograph[..., 0].astype(np.uint16) * 257).save(path, "PNG")


@pytest.mark.parametrize("kind", ["CMYK", "alpha", "another format", "16 bit"])
def test_odd_images_are_used(tmp_path, photograph, kind):
    save_as(tmp_path / "odd.png", photograph, kind)
    sample = DegradedImageDataset(training_block(tmp_path, phase="val"))[0]
    shown = photograph[..., :1] if kind == "16 bit" else photograph
    expected = torch.from_numpy(np.broadcast_to(shown, photograph.shape) / 255).permute(2, 0, 1)
    assert float((sample["gt"] - expected).abs().mean()) < 0.02


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (None, "damaged"), ("small", "smaller than the 32 that are needed")],
    ids=["empty", "truncated", "small"],
)
def test_unusable_images_are_named_and_replaced(gt_folder, log, content, reason):
    good = (gt_folder / "a.png").read_bytes()
    if content == "small":
        Image.new("RGB", (20, 20)).save(gt_folder / "x.png")
    else:
        (gt_folder / "x.png").write_bytes(good[: len(good) // 2] if content is None else content)
    data_set = DegradedImageDataset(training_block(gt_folder))
    assert data_set[3]["gt"].shape == (3, 32, 32)
    assert "x.png" in log.text
    assert reason in log.text


def test_a_corrupt_value_of_an_lmdb_is_named_and_replaced(gt_lmdb, log):
    with lmdb.open(str(gt_lmdb)) as database, database.begin(write=True) as transaction:
        transaction.put(b"b", transaction.get(b"b")[:300])
    data_set = DegradedImageDataset(training_block(gt_lmdb, io_backend={"type": "lmdb"}))
    assert data_set[1]["gt_path"] != str(gt_lmdb / "b")
    assert "gt.lmdb/b: cannot be decoded, perhaps damaged or cut off" in log.text


def test_the_image_that_stands_in_does_not_depend_on_what_was_read_before(gt_folder):
    for name in ("x.png", "y.png"):
        (gt_folder / name).write_bytes(b"torn")
    fresh, used = (DegradedImageDataset(training_block(gt_folder)) for _ in range(2))
    for index in range(5):
        used[index]
    for seed in range(20):
        paths = []
        for data_set in (fresh, used):
            torch.manual_seed(seed)
            paths.append(data_set[3]["gt_path"])
        assert paths[0] == paths[1]


def mutate(content, changes):
    changed = bytearray(content)
    for place, value in changes:
        changed[place % len(changed)] = value
    return bytes(changed)


CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=20)


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=CHANGES, cut=st.floats(0, 1))
def test_changed_bytes_give_an_image_or_our_error(tmp_path, suffix, changes, cut):
    check_changed(tmp_path, suffix, changes, cut)


@pytest.mark.faults
@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM"])
@settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=CHANGES, cut=st.floats(0, 1))
def test_changed_bytes_give_an_image_or_our_error_for_minutes(tmp_path, suffix, changes, cut):
    check_changed(tmp_path, suffix, changes, cut)


def check_changed(tmp_path, suffix, changes, cut):
    path = tmp_path / "x"
    if not path.exists():
        Image.effect_noise((24, 16), 60).convert("RGB").save(path, suffix)
    content = mutate(path.read_bytes(), changes)
    content = content[: max(1, int(cut * len(content)))] if cut < 0.2 else content
    try:
        decoded = decode_image(content, "x")
    except ImageReadError:
        return
    assert decoded.dtype == np.float32
    assert decoded.ndim == 3
    assert decoded.shape[2] == 3
