"""The benchmark of films: what stands still is measured, and both kinds of IDR on the same films."""

import numpy as np
import pytest

from kdsr_tools import cli
from kdsr_tools.benchmark import video


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(video, "FILM_SIZE", (16, 160))  # so wide that no network sees one half from the other
    monkeypatch.setattr(video, "PHOTOGRAPHS", ("coffee",))
    monkeypatch.setattr(video, "DEGRADATIONS", {"blur": video.BLUR})


def test_one_half_stands_still_and_the_other_moves():
    frames = video.make_gt("coffee", count=3)
    half = frames[0].shape[1] // 2
    np.testing.assert_array_equal(frames[0][:, :half], frames[2][:, :half])
    np.testing.assert_array_equal(frames[0][:, half + 2 * video.STEP :], frames[2][:, half : -2 * video.STEP])


def test_what_stands_still_does_not_flicker_with_one_idr_a_scene(small):
    results = video.compare_flicker("kdsr-xs-isotropic-x4", count=3)
    frame, scene = (results["blur"][kind][0] for kind in video.KINDS)
    assert scene.flicker == 0 <= frame.flicker
    assert scene.psnr == pytest.approx(frame.psnr, abs=0.5)


def test_the_table_and_the_plot_are_made(small, tmp_path, capsys):
    plot = tmp_path / "flicker.png"
    arguments = ["--what", "flicker", "--frames", "2", "--models", "kdsr-xs-isotropic-x4", "--plot", str(plot)]
    assert cli.main(["benchmark", "video", *arguments]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("| kdsr-xs-isotropic-x4 | blur | ")
    assert plot.stat().st_size > 1000


def test_frames_a_second_are_told_of_every_way(capsys):
    pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")
    rows = video.measure_speed((16, 24), count=3, model="kdsr-xs-isotropic-x4")
    assert [row[2] for row in rows] == [
        "decode and encode alone",
        "pictures one by one",
        "film, one IDR a frame",
        "film, one IDR a scene",
    ]
    assert all(float(row[3]) > 0 for row in rows)
