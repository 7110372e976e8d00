"""Frames are read once each, in order, and gaps are filled."""

from __future__ import annotations

from fractions import Fraction

import pytest

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import make_film, moving_crops  # noqa: E402

from kdsr_tools.upscale.video.reading import (  # noqa: E402
    FilmError,
    FilmReader,
    ReadFrame,
    find_start,
    open_film,
    without_gaps,
)


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


def test_a_codec_that_ffmpeg_does_not_know_is_named(tmp_path):
    film = make_film(tmp_path / "a.mkv", moving_crops(2))
    film.write_bytes(film.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    with pytest.raises(FilmError, match=r"a\.mkv: the video's codec is unknown to this FFmpeg"):
        FilmReader(film)


def test_whatever_ffmpeg_says_on_opening_is_told_with_the_path(tmp_path, monkeypatch):
    def fail(*args, **options):
        raise av.error.PatchWelcomeError(1, "not yet implemented")

    film = make_film(tmp_path / "a.mkv", moving_crops(2))
    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(FilmError, match=r"a\.mkv: cannot be read \(not yet implemented\)"):
        open_film(film)


def test_a_frame_that_the_decoder_does_not_support_is_lost_alone(tmp_path):
    class Unwilling:
        """A stream whose decoder refuses its second packet."""

        def __init__(self, stream):
            self.stream, self.calls = stream, 0

        def __getattr__(self, name):
            return getattr(self.stream, name)

        def decode(self, packet):
            self.calls += 1
            if self.calls == 2:
                raise av.error.PatchWelcomeError(1, "not yet implemented")
            return self.stream.decode(packet)

    film = make_film(tmp_path / "a.mkv", moving_crops(3), codec="mpeg4", options={})
    with FilmReader(film) as reader:
        reader.stream = Unwilling(reader.stream)
        assert [read.is_damaged for read in reader] == [False, True, False]
