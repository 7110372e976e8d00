"""The training data set: what it gives, how it draws, and what it does with bad images and options."""

import logging

import numpy as np
import pytest
import torch
from basicsr.data import build_dataloader, build_dataset
from basicsr.data.data_sampler import EnlargedSampler
from PIL import Image

from kdsr_data import DegradedImageDataset, OptionError, build_degradation
from kdsr_data.image_io import ImageReadError


def options(root, **changes):
    return {
        "name": "photos",
        "type": "DegradedImageDataset",
        "phase": "train",
        "scale": 4,
        "dataroot_gt": str(root),
        "io_backend": {"type": "disk"},
        "gt_size": 32,
        "use_hflip": True,
        "use_rot": True,
        "degradation": {"type": "ClassicDegradation", "sigma": [0.2, 4.0]},
        **changes,
    }


def read_epochs(root, *, epochs=1, num_workers=0, seed=0, rank=0, batches=2):
    """Read LQ batches as BasicSR's training does, its seeds included."""
    data_set = build_dataset(options(root, num_worker_per_gpu=num_workers, batch_size_per_gpu=3))
    torch.manual_seed(seed + rank)
    sampler = EnlargedSampler(data_set, 1, 0, batches)
    loader = build_dataloader(data_set, data_set.opt, num_gpu=0, sampler=sampler, seed=seed)
    read = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        read.append(torch.cat([batch["lq"] for batch in loader]))
    return read


@pytest.mark.parametrize("backend", ["disk", "lmdb"])
def test_a_sample_is_a_pair_as_basicsr_gives_it(gt_folder, gt_lmdb, backend):
    root = gt_lmdb if backend == "lmdb" else gt_folder
    sample = build_dataset(options(root, io_backend={"type": backend}))[2]
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
    sample = DegradedImageDataset(options(gt_folder, degradation=fixed))[0]
    degradation = build_degradation({**fixed, "scale": 4})
    expected = degradation(sample["gt"].permute(1, 2, 0).numpy(), np.random.default_rng())
    np.testing.assert_array_equal(sample["lq"].permute(1, 2, 0).numpy(), expected)


def test_patches_are_cut_from_the_image_and_turned(gt_folder):
    data_set = DegradedImageDataset(options(gt_folder))
    image = torch.from_numpy(data_set.source.read(0)).permute(2, 0, 1)
    windows = image.unfold(1, 32, 1).unfold(2, 32, 1)  # (3, rows, columns, 32, 32)
    orientations = set()
    for _ in range(40):
        patch = data_set[0]["gt"]
        views = [torch.rot90(flip, turns, (1, 2)) for flip in (patch, patch.flip(2)) for turns in range(4)]
        found = [
            number for number, view in enumerate(views) if (windows == view[:, None, None]).all(-1).all(-1).all(0).any()
        ]
        assert len(found) == 1
        orientations.add(found[0])
    assert orientations == set(range(8))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_draws_differ_between_samples_and_epochs_and_repeat_with_the_seed(gt_folder, num_workers):
    first, second = read_epochs(gt_folder, epochs=2, num_workers=num_workers)
    samples = torch.cat([first, second])
    assert len({sample.numpy().tobytes() for sample in samples}) == len(samples)
    again, _ = read_epochs(gt_folder, epochs=2, num_workers=num_workers)
    assert torch.equal(first, again)


def test_draws_differ_between_ranks(gt_folder):
    (rank0,), (rank1,) = read_epochs(gt_folder, rank=0), read_epochs(gt_folder, rank=1)
    assert not any(torch.equal(one, other) for one in rank0 for other in rank1)


def test_validation_gives_whole_images_and_repeats(gt_folder):
    opt = options(gt_folder, phase="val", degradation={"type": "ClassicDegradation", "noise_sigma_255": 10})
    one, other = DegradedImageDataset(opt)[1], DegradedImageDataset(opt)[1]
    assert one["gt"].shape == (3, 72, 96)
    assert torch.equal(one["lq"], other["lq"])
    assert not torch.equal(one["lq"], DegradedImageDataset(opt)[0]["lq"])


def test_validation_crops_to_a_multiple_of_the_scale(tmp_path, photograph):
    Image.fromarray(photograph[:75, :90]).save(tmp_path / "odd.png")
    sample = DegradedImageDataset(options(tmp_path, phase="val"))[0]
    assert (sample["gt"].shape, sample["lq"].shape) == ((3, 72, 88), (3, 18, 22))


@pytest.fixture
def log(caplog, monkeypatch):
    """Let BasicSR's logger, which keeps its messages to itself, reach pytest."""
    monkeypatch.setattr(logging.getLogger("basicsr"), "propagate", True)
    return caplog


def test_bad_images_are_replaced_and_reported_once(gt_folder, log):
    (gt_folder / "broken.png").write_bytes((gt_folder / "a.png").read_bytes()[:200])
    Image.new("RGB", (20, 90)).save(gt_folder / "small.png")
    data_set = DegradedImageDataset(options(gt_folder))
    for _ in range(3):
        for index in range(len(data_set)):
            assert data_set[index]["gt"].shape == (3, 32, 32)
    reports = [record.getMessage() for record in log.records if "left out" in record.getMessage()]
    assert len(reports) == 2
    assert "broken.png: not an image that OpenCV can decode" in reports[0]
    assert "small.png: 90x20 pixels, smaller than the 32 that are needed" in reports[1]


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
    data_set = DegradedImageDataset(options(tmp_path))
    with pytest.raises(ImageReadError, match="none of its 1 images can be used; the log names each reason"):
        data_set[0]


def test_bad_images_end_a_validation(gt_folder):
    (gt_folder / "a.png").write_bytes(b"torn")
    with pytest.raises(ImageReadError, match=r"a\.png: not an image"):
        DegradedImageDataset(options(gt_folder, phase="val"))[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gt_size": None}, "datasets.train: gt_size (pixels of the GT patch) is missing"),
        ({"gt_size": 30}, "datasets.train: gt_size: expected a multiple of the scale 4, got 30"),
        ({"use_hfilp": True}, "datasets.train.use_hfilp: unknown key; did you mean 'use_hflip'?"),
        ({"io_backend": {"type": "lmdb"}}, "io_backend lmdb needs a dataroot_gt that ends in .lmdb"),
        ({"io_backend": {"type": "zip"}}, "datasets.train.io_backend.type: expected 'disk' or 'lmdb', got 'zip'"),
        ({"persistent_workers": True}, "persistent_workers needs num_worker_per_gpu above 0"),
        ({"prefetch_mode": "cuda"}, "prefetch_mode cuda needs pin_memory: true"),
        ({"degradation": {"type": "Blur"}}, "datasets.train.degradation.type: no degradation is registered as 'Blur'"),
        (
            {"degradation": {"type": "ClassicDegradation", "scale": 2}},
            "datasets.train.degradation.scale: 2 disagrees with the scale 4 above",
        ),
    ],
)
def test_impossible_options_are_named(gt_folder, changes, message):
    with pytest.raises(OptionError) as error:
        DegradedImageDataset(options(gt_folder, **changes))
    assert message in str(error.value)


def test_all_problems_are_reported_together(gt_folder):
    with pytest.raises(OptionError) as error:
        DegradedImageDataset(options(gt_folder, batch_size_per_gpu=0, use_rto=True, gt_size="big"))
    paths = {problem.path for problem in error.value.problems}
    assert paths == {"datasets.train.batch_size_per_gpu", "datasets.train.use_rto", "datasets.train.gt_size"}
