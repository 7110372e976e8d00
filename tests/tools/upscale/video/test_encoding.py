"""Depth and resolution of colour are kept as far as encoder and container can, and losses are said."""

from __future__ import annotations

import numpy as np
import pytest

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import make_film, moving_crops  # noqa: E402
from option_files import save_student  # noqa: E402

from kdsr_tools import Upscaler  # noqa: E402
from kdsr_tools.upscale.video.encoding import find_chroma  # noqa: E402


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "net.pth"
    save_student(path)
    return Upscaler.from_checkpoint(path, device="cpu")


@pytest.mark.parametrize(
    ("pixel_format", "codec", "name", "result", "notes"),
    [
        ("yuv420p", None, "b.mp4", "yuv420p", ()),
        ("yuv422p", None, "b.mp4", "yuv422p", ()),
        ("yuv444p10le", None, "b.mkv", "yuv444p10le", ()),
        ("gray", None, "b.mp4", "yuv420p", ()),
        ("yuv420p12le", "hevc", "b.mkv", "yuv420p10le", ("libx265 in yuv420p10le keeps 10 of 12 bits a channel",)),
        ("yuv420p10le", None, "b.webm", "yuv420p", ("libvpx-vp9 in yuv420p keeps 8 of 10 bits a channel",)),
        ("yuva420p", None, "b.mkv", "yuv420p", ("transparency is left out",)),
        ("yuv420p10le", "av1", "b.mp4", "yuv420p10le", ()),
        ("yuv444p", "ffv1", "b.mkv", "yuv444p", ()),
    ],
)
def test_pixel_formats_are_kept_or_the_loss_is_said(tmp_path, upscaler, pixel_format, codec, name, result, notes):
    size = (16, 24) if codec != "av1" else (32, 48)
    source = make_film(tmp_path / "a.mkv", moving_crops(2, size=size), codec="ffv1", pixel_format=pixel_format)
    report = upscaler.video(source, tmp_path / name, codec=codec)
    assert report.notes == notes
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == result
        assert len(list(container.decode(video=0))) == 2


def test_odd_sizes_keep_every_pixel(tmp_path, upscaler):
    odd = Upscaler(upscaler.loaded, device="cpu", outscale=1.5)
    source = make_film(tmp_path / "a.mkv", moving_crops(2, size=(18, 22)))
    odd.video(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.format.name) == (33, 27, "yuv444p")


@pytest.mark.parametrize(
    ("pixel_format", "chroma"), [("yuv420p", "420"), ("nv12", "420"), ("yuv422p10le", "422"), ("bgr0", "444")]
)
def test_the_resolution_of_colour_is_told(pixel_format, chroma):
    assert find_chroma(pixel_format) == chroma


def test_an_aspect_ratio_that_cannot_be_kept_is_said(tmp_path, upscaler):
    from fractions import Fraction

    source = make_film(tmp_path / "a.mp4", moving_crops(2), aspect=Fraction(4, 3))
    report = upscaler.video(source, tmp_path / "b.webm")
    assert report.notes == ("libvpx-vp9 in .webm cannot keep the pixels' aspect ratio 4/3; .mp4 can",)


def test_gray_films_stay_gray(tmp_path, upscaler):
    gray = [np.repeat(frame[..., :1], 3, axis=2) for frame in moving_crops(2)]
    source = make_film(tmp_path / "a.mkv", gray, codec="ffv1", pixel_format="yuv444p")
    for frame in upscaler.frames(source):
        assert np.ptp(frame.pixels.astype(int), axis=2).max() == 0
