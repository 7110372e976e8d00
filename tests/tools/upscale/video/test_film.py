"""A film's result has the source's frames, times, sound and looks, and is there whole or not at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import CHAPTERS, make_film, moving_crops, read_frames, read_packets, read_times  # noqa: E402
from option_files import save_student  # noqa: E402

from kdsr_tools import Upscaler  # noqa: E402
from kdsr_tools.upscale.video.encoding import EncoderSettings  # noqa: E402
from kdsr_tools.upscale.video.film import Film, FilmSettings  # noqa: E402

IRREGULAR = [0, 300, 1500, 1600, 1640, 2900, 3000, 4100, 4200, 5555]


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "net.pth"
    save_student(path)
    return Upscaler.from_checkpoint(path, device="cpu")


def upscale(source, target, upscaler, settings=None, notes=None):
    film = Film(source, target, upscaler, settings or FilmSettings(), note=(notes if notes is not None else []).append)
    film.render()
    film.join()
    return film


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_every_frame_comes_out_larger_at_its_time(tmp_path, upscaler, suffix):
    source = make_film(tmp_path / f"a{suffix}", moving_crops(12), options={"bf": "2", "crf": "4"})
    target = tmp_path / f"b{suffix}"
    upscale(source, target, upscaler)
    assert read_times(target) == read_times(source) == [Fraction(n, 25) for n in range(12)]
    assert {frame.shape for frame in read_frames(target)} == {(96, 128, 3)}
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert after.duration == before.duration
        assert after.streams.video[0].average_rate == 25
        assert after.streams.video[0].codec_context.name == "h264"
    assert sorted(tmp_path.iterdir()) == [source, target]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_frames_of_different_durations_keep_them(tmp_path, upscaler, suffix):
    ticks = {"time_base": Fraction(1, 10000)} if suffix != ".mkv" else {"time_base": Fraction(1, 1000)}
    source = make_film(tmp_path / f"a{suffix}", moving_crops(10), times=IRREGULAR, options={"bf": "0"}, **ticks)
    upscale(source, tmp_path / f"b{suffix}", upscaler)
    assert read_times(tmp_path / f"b{suffix}") == read_times(source)
    with av.open(str(source)) as before, av.open(str(tmp_path / f"b{suffix}")) as after:
        assert after.duration == before.duration
    if suffix != ".mkv":  # which keeps times alone
        durations = [[p[1] for p in read_packets(tmp_path / f"{name}{suffix}", "video")] for name in "ab"]
        assert durations[0] == durations[1]


def test_frames_are_what_the_network_makes_of_them(tmp_path, upscaler):
    source = make_film(tmp_path / "a.mkv", moving_crops(3), codec="ffv1", pixel_format="yuv444p")
    upscale(source, tmp_path / "b.mkv", upscaler, FilmSettings(EncoderSettings(codec="ffv1"), has_scene_idrs=False))
    for lq, sr in zip(read_frames(source), read_frames(tmp_path / "b.mkv"), strict=True):
        difference = np.abs(upscaler(lq).astype(int) - sr)
        assert difference.mean() < 0.5 and difference.max() <= 2


def test_sound_subtitles_chapters_and_tags_are_copied(tmp_path, upscaler):
    source = make_film(
        tmp_path / "a.mkv", moving_crops(15), sound="aac", subtitles="srt", chapters=True, title="A film"
    )
    target = tmp_path / "b.mkv"
    upscale(source, target, upscaler)
    assert read_packets(target, "audio") == read_packets(source, "audio") != []
    assert [p[2] for p in read_packets(target, "subtitle")] == [b"Hello", b"there"]
    assert read_packets(target, "subtitle") == read_packets(source, "subtitle")
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "A film"
        assert [stream.language for stream in container.streams] == ["deu", "eng", "fra"]
        chapters = container.chapters()
    assert [chapter["metadata"]["title"] for chapter in chapters] == ["one", "two"]
    assert [chapter["end"] * chapter["time_base"] for chapter in chapters] == [
        chapter["end"] * chapter["time_base"] for chapter in CHAPTERS
    ]


def test_sound_of_mp4_stays_in_step(tmp_path, upscaler):
    source = make_film(tmp_path / "a.mp4", moving_crops(15), sound="aac", chapters=True)
    upscale(source, tmp_path / "b.mp4", upscaler)
    assert read_packets(tmp_path / "b.mp4", "audio") == read_packets(source, "audio") != []
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert len(container.chapters()) == 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rotation_aspect_and_colours_are_kept(tmp_path, upscaler, suffix):
    colours = (2, 9, 16, 9)
    look = {"rotation": 90, "aspect": Fraction(4, 3), "colours": colours}
    source = make_film(tmp_path / f"a{suffix}", moving_crops(3), **look)
    upscale(source, tmp_path / f"b{suffix}", upscaler)
    with av.open(str(tmp_path / f"b{suffix}")) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert stream.sample_aspect_ratio == Fraction(4, 3)
        assert (context.color_range, context.color_primaries, context.color_trc, context.colorspace) == colours
        assert next(container.decode(stream)).rotation == 90


@pytest.mark.parametrize("colours", [(1, 1, 1, 1), (2, 1, 1, 1), (1, 9, 16, 9), (1, 6, 6, 6), (0, 2, 2, 2)])
def test_colours_do_not_shift(tmp_path, upscaler, colours, monkeypatch):
    monkeypatch.setattr(type(upscaler), "__call__", lambda self, image, *, idr=None: image.repeat(4, 0).repeat(4, 1))
    tones = [np.full((24, 32, 3), tone, np.uint8) for tone in ((200, 40, 30), (30, 180, 60), (255, 255, 255))]
    source = make_film(tmp_path / "a.mp4", tones, colours=colours)
    upscale(source, tmp_path / "b.mp4", upscaler)
    for before, after in zip(_read_yuv(source), _read_yuv(tmp_path / "b.mp4"), strict=True):
        np.testing.assert_allclose(after, before, atol=1.5)


def _read_yuv(path):
    with av.open(str(path)) as container:
        return [[_read_plane(plane).mean() for plane in frame.planes] for frame in container.decode(video=0)]


def _read_plane(plane):
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def test_ten_bits_stay_ten(tmp_path, upscaler):
    frames = [frame.astype(np.uint16) * 257 for frame in moving_crops(3)]
    source = make_film(tmp_path / "a.mkv", frames, codec="libx265", pixel_format="yuv420p10le")
    upscale(source, tmp_path / "b.mkv", upscaler)
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p10le"


def test_an_error_leaves_nothing_under_the_final_name(tmp_path, upscaler, monkeypatch):
    source = make_film(tmp_path / "a.mp4", moving_crops(4))
    film = Film(source, tmp_path / "b.mp4", upscaler, FilmSettings(), note=print)
    film.render()
    monkeypatch.setattr("kdsr_tools.upscale.video.joining.copy_tags", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        film.join()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.mp4"]
    monkeypatch.undo()
    film.join()
    assert len(read_times(tmp_path / "b.mp4")) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_memory_does_not_hold_the_film(tmp_path, upscaler, monkeypatch):
    """No more frames are under way than the queues hold."""
    source = make_film(tmp_path / "a.mkv", moving_crops(40))
    decoded = []
    from kdsr_tools.upscale.video import film as module

    original = module.to_pixels
    monkeypatch.setattr(module, "to_pixels", lambda *args: decoded.append(1) or original(*args))
    film = Film(source, tmp_path / "b.mkv", upscaler, FilmSettings(), note=print)
    restored = module.restore(source, film.plan, upscaler)
    next(restored)
    assert len(decoded) <= 6
    restored.close()


def test_the_paths_of_results_need_a_film_s_suffix(tmp_path, upscaler):
    source = make_film(tmp_path / "a.mp4", moving_crops(2))
    with pytest.raises(ValueError, match=r"b.png: films are written as \.mkv, \.mp4, \.mov, \.webm; got '\.png'"):
        Film(source, Path(tmp_path / "b.png"), upscaler, FilmSettings(), note=print)
