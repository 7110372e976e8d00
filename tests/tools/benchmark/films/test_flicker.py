"""The benchmark of films: what stands still is measured, and both kinds of IDR on the same films."""

import numpy as np
import pytest

from kdsr_tools import cli
from kdsr_tools.benchmark.films import flicker


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(flicker, "FILM_SIZE", (16, 160))  # so wide that no network sees one half from the other
    monkeypatch.setattr(flicker, "PHOTOGRAPHS", ("coffee",))
    monkeypatch.setattr(flicker, "DEGRADATIONS", {"blur": flicker.BLUR})


def test_one_half_stands_still_and_the_other_moves():
    frames = flicker.make_gt("coffee", count=3)
    half = frames[0].shape[1] // 2
    np.testing.assert_array_equal(frames[0][:, :half], frames[2][:, :half])
    np.testing.assert_array_equal(frames[0][:, half + 2 * flicker.STEP :], frames[2][:, half : -2 * flicker.STEP])


def test_what_stands_still_does_not_flicker_with_one_idr_a_scene(small):
    results = flicker.compare_flicker("kdsr-xs-x4", count=3)
    frame, scene = (results["blur"][kind][0] for kind in flicker.KINDS)
    assert scene.flicker == 0 <= frame.flicker
    assert scene.psnr == pytest.approx(frame.psnr, abs=0.5)


def test_the_table_and_the_plot_are_made(small, tmp_path, capsys):
    plot = tmp_path / "plot.png"
    arguments = ["--what", "flicker", "--frames", "2", "--models", "kdsr-xs-x4", "--plot", str(plot)]
    assert cli.main(["benchmark", "video", *arguments]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("| kdsr-xs-x4 | blur | ")
    assert plot.stat().st_size > 1000
