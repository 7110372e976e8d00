"""GIF, APNG and animated WebP stay short films: frames, times, transparency and repetitions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from option_files import save_student
from PIL import Image, ImageSequence

from kdsr_tools.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_student(tmp_path / "net.pth")
    return tmp_path


def make(path, photograph, *, alpha=False, count=5, **options):
    frames = [photograph[8:][:16, 4 * shift :][:, :20] for shift in range(count)]
    if alpha:
        mask = np.zeros((16, 20, 1), np.uint8)
        mask[:, :10] = 255
        frames = [np.concatenate([frame, mask], axis=2) for frame in frames]
    images = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    durations = [40, 100, 250, 40, 60][:count]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=3, **options)
    return durations


def look(path):
    with Image.open(path) as image:
        frames = ImageSequence.Iterator(image)
        durations = [frame.load() and frame.info["duration"] for frame in frames]  # Pillow's WebP tells them late
        return image.format, image.size, durations, image.info.get("loop")


def upscale(*arguments):
    return main(["upscale", *map(str, arguments), "--model", "net.pth", "--device", "cpu"])


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.gif", {}), ("a.png", {}), ("a.apng", {"format": "PNG"}), ("a.webp", {"lossless": True})],
)
def test_an_animation_stays_one(here, photograph, capsys, name, options):
    durations = make(name, photograph, **options)
    assert upscale(name, "--json") == 0
    target = Path(name).with_stem("a_x4")
    file_format = {".gif": "GIF", ".webp": "WEBP"}.get(target.suffix, "PNG")
    assert look(target) == (file_format, (80, 64), durations, 3)
    entry = json.loads(capsys.readouterr().out)["done"][0]
    assert (entry["frames"], entry["scenes"], entry["width"], entry["height"]) == (5, 1, 80, 64)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_transparency_is_kept(here, photograph, name):
    make(name, photograph, alpha=True, **({"lossless": True} if name == "a.webp" else {"disposal": 2}))
    assert upscale(name) == 0
    with Image.open(Path(name).with_stem("a_x4")) as image:
        for frame in ImageSequence.Iterator(image):
            alpha = np.asarray(frame.convert("RGBA"))[..., 3]
            assert alpha[:, :30].mean() > 200 and alpha[:, 50:].mean() < 55


def test_a_picture_of_one_frame_stays_a_picture(here, photograph, capsys):
    Image.fromarray(photograph[:12, :16]).save("a.png")
    Image.fromarray(photograph[:12, :16]).save("a.webp")
    assert upscale("a.png", "a.webp", "--json") == 0
    assert all("frames" not in entry for entry in json.loads(capsys.readouterr().out)["done"])


def test_another_format_takes_the_first_frame(here, photograph):
    make("a.gif", photograph)
    assert upscale("a.gif", "--format", "jpg") == 0
    with Image.open("a_x4.jpg") as image:
        assert image.size == (80, 64)


def test_damage_is_reported_and_leaves_nothing(here, photograph, capsys):
    make("a.gif", photograph)
    Path("a.gif").write_bytes(Path("a.gif").read_bytes()[:10])
    assert upscale("a.gif") == 1
    assert "a.gif: not a picture of a known format" in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == ["a.gif", "net.pth"]


def test_what_promises_more_pixels_than_allowed_is_refused_and_stops_no_other(here, photograph, capsys):
    make("b.gif", photograph)
    content = bytearray(Path("b.gif").read_bytes())
    content[6:10] = (60_000).to_bytes(2, "little") * 2  # the size in the header
    Path("a.gif").write_bytes(content)
    assert upscale("a.gif", "b.gif") == 1
    assert "a.gif: 60000x60000 pixels are more than the limit" in capsys.readouterr().err
    assert look("b_x4.gif")[1] == (80, 64)


def test_damage_that_makes_pillow_stumble_stops_no_other(here, photograph, capsys):
    make("a.gif", photograph)
    make("b.gif", photograph)
    content = Path("a.gif").read_bytes()
    Path("a.gif").write_bytes(content[: content.rindex(b"!\xf9") + 1])  # Pillow raises IndexError
    assert upscale("a.gif", "b.gif") == 1
    assert "a.gif: cannot be decoded, perhaps damaged or cut off" in capsys.readouterr().err
    assert look("b_x4.gif")[1] == (80, 64)
