"""`kdsr diagnose` on files, folders, streams and what is no picture."""

import io
import json
import sys

import numpy as np
import pytest
from heads_files import save_student_with_heads
from option_files import save_student
from PIL import Image

from kdsr_tools import Upscaler
from kdsr_tools.cli import main
from kdsr_tools.diagnose import work


@pytest.fixture
def model(tmp_path):
    save_student_with_heads(tmp_path / "net.safetensors")
    return str(tmp_path / "net.safetensors")


def diagnose(*arguments):
    return main(["diagnose", *map(str, arguments), "--device", "cpu"])


def test_each_picture_is_said_with_its_lines(model, gt_folder, capsys):
    assert diagnose(gt_folder, "--model", model, "--recursive") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[::4] == [f"{gt_folder}/{name}: damaged" for name in ("a.png", "b.png", "sub/c.png")]
    assert printed[1] == "    blur: 2.0 pixels (1.8 to 2.2), 2.2 times as long as wide at 0° (± 9°)"
    assert printed[2] == "    noise: 10 of 255 (10 to 10)"


def test_programs_get_everything(model, gt_folder, tmp_path, capsys):
    assert diagnose(gt_folder / "a.png", "--model", model, "--json", "--map", tmp_path / "maps") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["network"]["scale"] == 2 and found["failed"] == []
    (entry,) = found["done"]
    assert (entry["width"], entry["height"], entry["clean"]) == (96, 72, False)
    assert entry["blur"] == {"value": 2, "low": 1.75, "high": 2.25, "known": True}
    assert entry["map"] == str(tmp_path / "maps/a.png.map.png")
    assert [len(row) for row in entry["tiles"]] == [2, 2]
    assert entry["tiles"][1][1]["blur"]["high"] == 2.5
    with Image.open(entry["map"]) as image:
        assert image.size[0] > 3 * image.size[1]


def test_a_picture_can_be_piped(model, gt_folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((gt_folder / "a.png").read_bytes())))
    assert diagnose("-", "--model", model) == 0
    assert capsys.readouterr().out.startswith("standard input: damaged")
    assert diagnose("-", gt_folder, "--model", model) == 1
    assert "-: expected one picture where one is piped" in capsys.readouterr().err


def test_one_that_fails_stops_no_other(model, gt_folder, capsys):
    (gt_folder / "bad.png").write_bytes(b"text")
    (gt_folder / "film.mp4").write_bytes(b"film")
    assert diagnose(gt_folder, gt_folder / "none.png", "--model", model) == 1
    printed = capsys.readouterr()
    assert printed.out.count("damaged") == 2
    assert "bad.png: " in printed.err and "none.png: " in printed.err
    assert "film.mp4: a film, which was passed over" in printed.err


def test_films_alone_are_nothing_to_diagnose(model, tmp_path, capsys):
    (tmp_path / "film.mp4").write_bytes(b"film")
    for named in (tmp_path / "film.mp4", tmp_path / "*.mp4"):
        assert diagnose(named, "--model", model) == 1
        assert "there are no pictures to diagnose" in capsys.readouterr().err


def test_two_maps_of_one_name_are_refused(model, gt_folder, tmp_path, capsys):
    (gt_folder / "sub/c.png").rename(gt_folder / "sub/a.png")
    pictures = gt_folder / "a.png", gt_folder / "sub/a.png"
    assert diagnose(*pictures, "--model", model, "--map", tmp_path / "maps") == 1
    assert f"a.png.map.png: the maps of {pictures[0]} and {pictures[1]}" in capsys.readouterr().err
    assert diagnose(*pictures, "--model", model) == 0


def test_a_name_that_the_terminal_cannot_show_fails_nothing(model, gt_folder, monkeypatch):
    odd = (gt_folder / "a.png").rename(gt_folder / "caf\udce9.png")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert diagnose(odd, "--model", model) == 0
    sys.stdout.flush()
    assert b"caf\\udce9.png: damaged" in written.getvalue() and b"at 0\\xb0" in written.getvalue()


def test_an_interruption_gives_programs_what_was_done(model, gt_folder, capsys, interrupt_reading):
    interrupt_reading(work, at="b.png")
    assert diagnose(gt_folder, "--model", model, "--json") == 130
    printed = capsys.readouterr()
    assert [entry["source"] for entry in json.loads(printed.out)["done"]] == [f"{gt_folder}/a.png"]
    assert "kdsr: interrupted" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere/*.png",), "nowhere/*.png: no file matches this pattern"),
        (("a.png", "--model", "none.pth"), "none.pth: there is no such checkpoint file"),
    ],
)
def test_what_cannot_be_started_is_said(model, arguments, message, capsys):
    assert diagnose("--model", model, *arguments) == 1
    assert message in capsys.readouterr().err


def test_a_model_without_heads_says_how_to_make_them(gt_folder, tmp_path, capsys):
    path = save_student(tmp_path / "net.pth")
    assert diagnose(gt_folder, "--model", path) == 1
    assert f"make them: kdsr inspect {path} --images FOLDER --save-heads NEW.safetensors" in capsys.readouterr().err


def test_large_pictures_are_refused(model, gt_folder, capsys):
    assert diagnose(gt_folder / "a.png", "--model", model, "--max-pixels", "100") == 1
    assert "a.png" in capsys.readouterr().err


def test_in_python_it_is_one_call(model, photograph):
    upscaler = Upscaler.from_checkpoint(model, device="cpu")
    seen = upscaler.diagnose(photograph)
    assert (seen.blur.value, seen.noise.value, seen.is_clean) == (2, 10, False)
    assert upscaler.diagnose(Image.fromarray(photograph)) == seen
    assert upscaler.diagnose(photograph, features=upscaler.pool_features(photograph)) == seen
    assert upscaler.diagnose(np.zeros((1, 1), np.uint8)).blur.value == 2
