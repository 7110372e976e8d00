"""Frames are read once each, in order, and gaps are filled."""

from __future__ import annotations

from fractions import Fraction

import pytest

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import make_film, moving_crops  # noqa: E402

from kdsr_tools.upscale.video.reading import FilmReader, ReadFrame, find_start, without_gaps  # noqa: E402


@pytest.mark.parametrize(
    ("frames", "shown"),
    [("abc", "abc"), ("a-c", "aac"), ("--c", "ccc"), ("ab-", "abb"), ("aB-c", "aaac"), ("Ab", "Ab"), ("---", "")],
)
def test_a_damaged_frame_shows_the_last_good_one(frames, shown):
    """Minus is a frame that was not decoded, a capital letter one that was, with damage."""
    read = [
        ReadFrame(time, None if name == "-" else name, name == "-" or name.isupper())
        for time, name in enumerate(frames)
    ]
    assert "".join(without_gaps(iter(read))) == shown


def test_times_of_frames_out_of_order_come_in_order(tmp_path):
    film = make_film(tmp_path / "a.mp4", moving_crops(9), options={"bf": "3"})
    with FilmReader(film) as reader:
        times = [read.time * reader.time_base for read in reader]
        assert reader.end * reader.time_base == Fraction(9, 25)
    assert times == [Fraction(number, 25) for number in range(9)]


def test_a_film_without_times_gets_them(tmp_path):
    film = make_film(tmp_path / "a.h264", moving_crops(5), options={"bf": "0"})
    with FilmReader(film) as reader:
        steps = [read.time for read in reader]
    assert len(steps) == 5 and steps == sorted(set(steps))


def test_the_clock_of_a_broadcast_begins_anywhere(tmp_path):
    film = make_film(tmp_path / "a.ts", moving_crops(5))
    with av.open(str(film)) as container:
        assert find_start(container) == Fraction(container.start_time, 10**6) > 0
    with av.open(str(make_film(tmp_path / "a.mp4", moving_crops(5)))) as container:
        assert find_start(container) == 0
