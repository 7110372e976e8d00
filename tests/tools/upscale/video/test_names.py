"""Files are told to be films by name or header."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kdsr_tools.upscale.video.names import choose_suffix, is_animation, is_film, is_film_name, needs_av


@pytest.mark.parametrize(
    ("name", "film_format", "suffix"),
    [
        ("a.MP4", None, ".mp4"),
        ("a.avi", None, ".mkv"),
        ("a.avi", "mov", ".mov"),
        ("a.m4v", None, ".mp4"),
        ("a.gif", "mkv", ".gif"),
        ("a.png", None, None),
        ("a", None, None),
    ],
)
def test_a_result_keeps_the_format_where_it_can_be_written(name, film_format, suffix):
    assert choose_suffix(Path(name), film_format) == suffix


def test_pictures_are_no_films():
    assert not is_film_name(Path("a.png")) and not needs_av(Path("a.gif")) and needs_av(Path("a.webm"))
    assert is_film(Path("clip"), Path("a.mkv")) and not is_film(Path("a.gif"), Path("b.gif"))


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_several_frames_make_an_animation(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (10, 200)]
    frames[0].save(tmp_path / f"one{suffix}")
    frames[0].save(tmp_path / f"two{suffix}", save_all=True, append_images=frames[1:], duration=50)
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    assert not is_animation(one, tmp_path / f"x{suffix}")
    assert is_animation(two, tmp_path / f"x{suffix}")
    assert not is_animation(two, tmp_path / "x.jpg")
    assert not is_animation(tmp_path / f"missing{suffix}", tmp_path / f"x{suffix}")
