"""The training data set: what it gives, how it draws, and what it does with bad images and options."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from basicsr.data import build_dataloader, build_dataset
from basicsr.data.data_sampler import EnlargedSampler
from basicsr.utils import get_root_logger, set_random_seed
from dataset_options import training_block
from PIL import Image

from kdsr_data import DegradedImageDataset, OptionError, build_degradation
from kdsr_data.dataset_settings import check_degraded_images
from kdsr_data.degraded_image_dataset import check_patch_fits, detail
from kdsr_data.image_io import ImageReadError


def read_epochs(root, *, epochs=1, num_workers=0, seed=0, rank=0, batches=2):
    """Read LQ batches as BasicSR's training does, its seeds included."""
    backend = {"type": "lmdb" if str(root).endswith(".lmdb") else "disk"}
    data_set = build_dataset(
        training_block(root, io_backend=backend, num_worker_per_gpu=num_workers, batch_size_per_gpu=3)
    )
    set_random_seed(seed + rank)
    sampler = EnlargedSampler(data_set, 1, 0, batches)
    loader = build_dataloader(data_set, data_set.opt, num_gpu=0, sampler=sampler, seed=seed)
    assert loader.num_workers == num_workers
    read = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        read.append(torch.cat([batch["lq"] for batch in loader]))
    return read


@pytest.mark.parametrize("backend", ["disk", "lmdb"])
def test_a_sample_is_a_pair_as_basicsr_gives_it(gt_folder, gt_lmdb, backend):
    root = gt_lmdb if backend == "lmdb" else gt_folder
    sample = build_dataset(training_block(root, io_backend={"type": backend}))[2]
    assert sample["lq"].shape == (3, 8, 8)
    assert sample["gt"].shape == (3, 32, 32)
    assert sample["gt_path"] == sample["lq_path"]
    assert sample["gt_path"].startswith(str(root))
    for image in (sample["lq"], sample["gt"]):
        assert image.dtype == torch.float32
        assert image.is_contiguous()
        assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_lq_is_the_degraded_gt(gt_folder):
    fixed = {"type": "ClassicDegradation", "sigma": 1.3}
    sample = DegradedImageDataset(training_block(gt_folder, degradation=fixed))[0]
    degradation = build_degradation({**fixed, "scale": 4})
    expected = degradation(sample["gt"].permute(1, 2, 0).numpy(), np.random.default_rng())
    np.testing.assert_array_equal(sample["lq"].permute(1, 2, 0).numpy(), expected)


@pytest.fixture
def map_folder(tmp_path):
    """A folder with one 72x96 image whose red tells the row of each pixel and whose green tells the column."""
    rows, columns = np.indices((72, 96), np.uint8)
    (tmp_path / "map").mkdir()
    Image.fromarray(np.dstack([rows, columns, 0 * rows])).save(tmp_path / "map" / "a.png")
    return tmp_path / "map"


def locate(patch):
    """Return where in the map a patch (3, H, W) was cut out and in which of the eight orientations it is shown."""
    red, green, _ = (patch * 255).round().long()
    top, left = int(red.min()), int(green.min())
    rows, columns = torch.meshgrid(torch.arange(top, top + 32), torch.arange(left, left + 32), indexing="ij")
    flips = [(rows, columns), (rows.flip(1), columns.flip(1))]
    views = [tuple(torch.rot90(part, turns) for part in flip) for flip in flips for turns in range(4)]
    (orientation,) = [n for n, view in enumerate(views) if torch.equal(view[0], red) and torch.equal(view[1], green)]
    return top, left, orientation


def test_patches_come_from_everywhere_and_in_all_orientations(map_folder):
    data_set = DegradedImageDataset(training_block(map_folder))
    tops, lefts, orientations = zip(*(locate(data_set[0]["gt"]) for _ in range(200)), strict=True)
    assert set(orientations) == set(range(8))
    for starts, last in ((tops, 72 - 32), (lefts, 96 - 32)):
        assert min(starts) <= 2
        assert max(starts) >= last - 2
        assert len(set(starts)) > last / 2


@pytest.mark.parametrize(("use_hflip", "expected"), [(False, {0}), (True, {0, 4})])
def test_patches_are_turned_as_the_options_say(map_folder, use_hflip, expected):
    data_set = DegradedImageDataset(training_block(map_folder, use_hflip=use_hflip, use_rot=False))
    assert {locate(data_set[0]["gt"])[2] for _ in range(30)} == expected


@pytest.mark.parametrize("degraded_size", [None, 48, 400])
def test_lq_lies_where_its_gt_lies(map_folder, degraded_size):
    fold = {"type": "ClassicDegradation", "downsampling": "s_fold"}
    data_set = DegradedImageDataset(training_block(map_folder, degradation=fold, degraded_size=degraded_size))
    for _ in range(20):
        sample = data_set[0]
        assert torch.equal(sample["lq"], sample["gt"][:, ::4, ::4])
        locate(sample["gt"])


def test_with_a_degraded_size_lq_shows_what_lies_around(gt_folder):
    blur = {"type": "ClassicDegradation", "sigma": 3.0, "kernel_size": 9}
    block = training_block(gt_folder, degradation=blur, gt_size=48, degraded_size=72)
    sample = DegradedImageDataset(block)[0]
    gt = sample["gt"].permute(1, 2, 0).numpy()
    alone = build_degradation({**blur, "scale": 4})(gt, np.random.default_rng())
    difference = np.abs(sample["lq"].permute(1, 2, 0).numpy() - alone)
    assert difference[3:-3, 3:-3].max() < 1.01 / 255  # farther inside than the filters reach
    assert difference.max() > 4 / 255


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("backend", ["disk", "lmdb"])
def test_draws_differ_between_samples_and_epochs_and_repeat_with_the_seed(gt_folder, gt_lmdb, backend, num_workers):
    root = {"disk": gt_folder, "lmdb": gt_lmdb}[backend]
    epochs = read_epochs(root, epochs=2, num_workers=num_workers)
    samples = torch.cat(epochs)
    assert len({sample.numpy().tobytes() for sample in samples}) == len(samples) == 12
    again = read_epochs(root, epochs=2, num_workers=num_workers)
    assert all(torch.equal(one, other) for one, other in zip(epochs, again, strict=True))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_draws_differ_between_ranks_and_seeds(gt_folder, num_workers):
    runs = [read_epochs(gt_folder, num_workers=num_workers, **run)[0] for run in ({}, {"rank": 1}, {"seed": 7})]
    assert len({sample.numpy().tobytes() for sample in torch.cat(runs)}) == 18


def test_workers_may_read_an_lmdb_that_their_parent_has_opened(gt_lmdb):
    opened = DegradedImageDataset(training_block(gt_lmdb, io_backend={"type": "lmdb"}))
    opened[0]
    assert len(read_epochs(gt_lmdb, num_workers=2)[0]) == 6


def test_validation_gives_whole_images_and_repeats(gt_folder):
    opt = training_block(gt_folder, phase="val", degradation={"type": "ClassicDegradation", "noise_sigma_255": 10})
    one = DegradedImageDataset(opt)[1]
    torch.manual_seed(1)
    other = DegradedImageDataset(opt)[1]
    assert one["gt"].shape == (3, 72, 96)
    assert torch.equal(one["lq"], other["lq"])
    assert not torch.equal(one["lq"], DegradedImageDataset(opt)[0]["lq"])


def test_validation_crops_to_a_multiple_of_the_scale(tmp_path, photograph):
    Image.fromarray(photograph[:75, :90]).save(tmp_path / "odd.png")
    sample = DegradedImageDataset(training_block(tmp_path, phase="val"))[0]
    assert (sample["gt"].shape, sample["lq"].shape) == ((3, 72, 88), (3, 18, 22))


@pytest.fixture
def log(caplog, monkeypatch):
    """Let BasicSR's logger, which keeps its messages to itself, reach pytest."""
    monkeypatch.setattr(get_root_logger(), "propagate", True)
    return caplog


def test_bad_images_are_replaced_and_reported_once(gt_folder, log):
    (gt_folder / "broken.png").write_bytes((gt_folder / "a.png").read_bytes()[:200])
    Image.new("RGB", (20, 90)).save(gt_folder / "small.png")
    data_set = DegradedImageDataset(training_block(gt_folder))
    for _ in range(3):
        for index in range(len(data_set)):
            assert data_set[index]["gt"].shape == (3, 32, 32)
    reports = [record.getMessage() for record in log.records if "left out" in record.getMessage()]
    assert len(reports) == 2
    assert "broken.png: cannot be decoded, perhaps damaged or cut off" in reports[0]
    assert "small.png: 90x20 pixels, smaller than the 32 that are needed" in reports[1]


def test_keys_that_an_lmdb_lacks_are_replaced_too(gt_lmdb, log):
    (gt_lmdb / "meta_info.txt").write_text("a.png (72,96,3) 1\ngone.png (72,96,3) 1\n")
    data_set = DegradedImageDataset(training_block(gt_lmdb, io_backend={"type": "lmdb"}))
    assert data_set[1]["gt_path"] == str(gt_lmdb / "a")
    assert "gone: this key is listed in meta_info.txt and missing from the LMDB" in log.text


def test_bad_images_are_reported_once_by_all_workers_together(gt_folder):
    (gt_folder / "broken.png").write_bytes(b"torn")
    log_file = gt_folder.parent / "train.log"
    handler = logging.FileHandler(log_file)
    logging.getLogger("basicsr").addHandler(handler)
    try:
        read_epochs(gt_folder, epochs=3, num_workers=2, batches=4)
    finally:
        logging.getLogger("basicsr").removeHandler(handler)
        handler.close()
    assert log_file.read_text().count("left out") == 1


def test_training_ends_when_every_image_is_bad(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"torn")
    data_set = DegradedImageDataset(training_block(tmp_path))
    with pytest.raises(ImageReadError, match="none of its 1 images can be used; the log names each reason"):
        data_set[0]


def test_bad_images_end_a_validation(gt_folder):
    (gt_folder / "a.png").write_bytes(b"torn")
    with pytest.raises(ImageReadError, match=r"a\.png: not a picture of a known format"):
        DegradedImageDataset(training_block(gt_folder, phase="val"))[0]


def test_impossible_options_are_refused(gt_folder):
    with pytest.raises(OptionError, match=r"datasets\.train\.use_hfilp: unknown key"):
        DegradedImageDataset(training_block(gt_folder, use_hfilp=True))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        DegradedImageDataset(training_block(tmp_path / "nowhere"))


def test_detail_is_the_mean_step_between_pixels():
    ramp = np.zeros((8, 8, 3), np.float32)
    ramp[..., 1] = np.arange(8) / 8
    assert detail(ramp) == pytest.approx(1 / 8)
    assert detail(np.full((8, 8, 3), 0.4, np.float32)) == 0


def test_of_several_candidates_the_patch_with_most_detail_is_taken(tmp_path):
    image = np.full((96, 96, 3), 128, np.uint8)
    image[60:, 60:] = np.random.default_rng(0).integers(0, 256, (36, 36, 3))
    Image.fromarray(image).save(tmp_path / "sky.png")

    def mean_detail(candidates):
        data_set = DegradedImageDataset(training_block(tmp_path, patch_candidates=candidates))
        torch.manual_seed(0)
        return np.mean([detail(data_set[0]["gt"].permute(1, 2, 0).numpy()) for _ in range(60)])

    one, eight = mean_detail(1), mean_detail(8)
    assert eight > 3 * one > 0


def test_results_of_validation_images_never_share_a_name(tmp_path, photograph):
    for name in ("a/0.png", "b/0.png", "same.png", "same.jpg", "photo.v1.png", "photo.v2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(photograph).save(tmp_path / name)
    data_set = DegradedImageDataset(training_block(tmp_path, phase="val"))
    # As BasicSR names the files that it saves.
    names = [Path(data_set[index]["lq_path"]).stem for index in range(6)]
    assert names == ["a_0", "b_0", "photo.v1", "photo.v2", "same_jpg", "same_png"]


def test_a_list_that_cannot_be_used_is_reported_where_it_stands(tmp_path, gt_folder):
    for content, reason in ((b"\n", "no images found in this list"), (b"gone.png\n", r"gone\.png: cannot be read")):
        (tmp_path / "list.txt").write_bytes(content)
        settings = check_degraded_images(
            training_block(gt_folder, meta_info=str(tmp_path / "list.txt")), "datasets.train"
        )
        with pytest.raises(OptionError, match=rf"datasets\.train\.meta_info: .*{reason}"):
            check_patch_fits(settings, "datasets.train")


@pytest.mark.parametrize(("sigma", "is_said"), [({}, True), ({"sigma": 0}, True), ({"sigma": [0, 2]}, False)])
def test_a_degradation_without_blur_says_so(gt_folder, caplog, monkeypatch, sigma, is_said):
    monkeypatch.setattr(get_root_logger(), "propagate", True)
    block = training_block(dataroot_gt=str(gt_folder), degradation={"type": "ClassicDegradation", **sigma})
    DegradedImageDataset(block)
    assert ("datasets.train: no blur: the degradation has neither sigma nor" in caplog.text) == is_said
