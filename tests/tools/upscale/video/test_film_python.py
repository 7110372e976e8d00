"""Films from Python: a report, an iterator, one IDR a scene, ten bits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import make_film, moving_crops, read_frames  # noqa: E402
from option_files import save_student  # noqa: E402

from kdsr_tools import Upscaler  # noqa: E402
from kdsr_tools.upscale.video.scenes import SAMPLE_STEP  # noqa: E402


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "net.pth"
    save_student(path)
    return Upscaler.from_checkpoint(path, device="cpu")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    frames = moving_crops(20) + moving_crops(15, source="coffee")
    return make_film(tmp_path_factory.mktemp("films") / "a.mkv", frames, codec="ffv1", pixel_format="yuv444p")


def test_a_film_is_made_and_reported(tmp_path, upscaler, film):
    report = upscaler.video(film, tmp_path / "b.mp4", crf=30)
    assert (report.width, report.height, report.frames, report.scenes) == (128, 96, 35, 2)
    assert (report.repeated, report.missing, report.notes) == ((), "", ())
    with pytest.raises(FileExistsError, match="the file exists already"):
        upscaler.video(film, tmp_path / "b.mp4")
    assert upscaler.video(film, str(tmp_path / "b.mp4"), crf=30, overwrite=True).frames == 35


def test_frames_of_a_scene_share_the_idr_of_its_samples(upscaler, film):
    expected = []
    lqs = read_frames(film)
    for scene in (range(20), range(20, 35)):
        samples = [upscaler.pool_features(lqs[number]) for number in scene[::SAMPLE_STEP]]
        idr = upscaler.summarise(torch.stack(samples).mean(dim=0))
        expected += [upscaler(lqs[number], idr=idr) for number in scene]
    frames = list(upscaler.frames(film))
    assert [frame.seconds for frame in frames] == [Fraction(number, 25) for number in range(35)]
    for frame, pixels in zip(frames, expected, strict=True):
        assert np.abs(frame.pixels.astype(int) - pixels).max() <= 2


def test_frames_with_idrs_of_their_own_are_what_pictures_are(upscaler, film):
    for frame, lq in zip(upscaler.frames(film, idr_from="frame"), read_frames(film), strict=True):
        assert np.abs(frame.pixels.astype(int) - upscaler(lq)).max() <= 2


def test_the_mean_of_features_is_that_of_one_picture_of_all_frames(upscaler):
    """Of frames that are alike at their edges, since the estimator sees beyond them."""
    gray = np.full((16, 16, 3), 90, np.uint8)
    features = upscaler.pool_features(gray)
    torch.testing.assert_close(upscaler.summarise((features + features) / 2), upscaler.summarise(features))


def test_films_of_ten_bits_give_sixteen_bit_frames(tmp_path, upscaler):
    deep = [frame.astype(np.uint16) * 257 for frame in moving_crops(2)]
    film = make_film(tmp_path / "a.mkv", deep, codec="ffv1", pixel_format="yuv420p10le")
    frames = list(upscaler.frames(film))
    assert {frame.pixels.dtype for frame in frames} == {np.dtype(np.uint16)}


def test_a_mistake_in_idr_from_is_said(tmp_path, upscaler, film):
    with pytest.raises(ValueError, match="idr_from: expected 'scene' or 'frame', got 'all'"):
        upscaler.video(film, tmp_path / "c.mp4", idr_from="all")
