"""Frames a second and memory of films are measured in every way."""

import pytest

from kdsr_tools.benchmark.films import costs

pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")


def test_frames_a_second_are_told_of_every_way(capsys):
    rows = costs.measure_speed((16, 24), count=3, model="kdsr-xs-x4")
    assert [row[2] for row in rows] == [
        "decode and encode alone",
        "pictures one by one",
        "film, one IDR a frame",
        "film, one IDR a scene",
    ]
    assert all(float(row[3]) > 0 for row in rows)
