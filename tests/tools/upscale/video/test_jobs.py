"""`kdsr upscale` with films: names, words, exit codes, kept results, damage, several processes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import make_film, moving_crops, read_times  # noqa: E402
from option_files import ROOT, save_student  # noqa: E402

from kdsr_tools.cli import main  # noqa: E402
from kdsr_tools.upscale.video import parts  # noqa: E402


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Make the current folder one with `clip.mp4` of 12 frames and a student `net.pth`."""
    monkeypatch.chdir(tmp_path)
    make_film(tmp_path / "clip.mp4", moving_crops(12), sound="aac")
    save_student(tmp_path / "net.pth")
    return tmp_path


def upscale(*arguments):
    return main(["upscale", *map(str, arguments), "--model", "net.pth", "--device", "cpu"])


def names():
    return sorted(path.name for path in Path().iterdir())


def test_a_film_becomes_a_larger_one_beside_it(here, capsys):
    assert upscale("clip.mp4") == 0
    assert len(read_times(Path("clip_x4.mp4"))) == 12
    assert "on cpu, 1 film\n" in (said := capsys.readouterr().out)
    assert "1 made in " in said
    assert names() == ["clip.mp4", "clip_x4.mp4", "net.pth"]


def test_pictures_and_films_go_together_and_the_summary_tells_both(here, capsys, photograph):
    Path("p").mkdir()
    Image.fromarray(photograph[:12, :16]).save("p/a.png")
    make_film(Path("p/b.avi"), moving_crops(4), codec="mpeg4")
    assert upscale("p", "clip.mp4", "-o", "large", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    done = {entry["target"]: entry for entry in summary["done"]}
    assert list(done) == ["large/a.png", "large/b.mkv", "large/clip.mp4"]
    film = done["large/clip.mp4"]
    assert {key: film[key] for key in ("width", "height", "frames", "scenes")} == {
        "width": 128,
        "height": 96,
        "frames": 12,
        "scenes": 1,
    }
    assert "repeated" not in film and "frames" not in done["large/a.png"]


def test_existing_results_are_kept_unless_told_otherwise(here, capsys):
    Path("clip_x4.mp4").write_bytes(b"old")
    assert upscale("clip.mp4") == 0
    assert Path("clip_x4.mp4").read_bytes() == b"old"
    assert "1 kept that existed" in capsys.readouterr().out
    assert upscale("clip.mp4", "--overwrite") == 0
    assert len(read_times(Path("clip_x4.mp4"))) == 12


def test_names_and_formats_are_obeyed(here):
    assert upscale("clip.mp4", "-o", "a.mkv") == 0
    assert upscale("clip.mp4", "-o", "out", "--film-format", "mov", "--format", "jpg") == 0
    assert Path("a.mkv").exists() and Path("out/clip.mov").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text.mp4", "text.mp4: not a film of a known format, or cut off before its index"),
        ("empty.mkv", "empty.mkv: the file is empty"),
        ("missing.mp4", "missing.mp4: cannot be read (No such file or directory)"),
        ("sound.mkv", "sound.mkv: there is no video in this file"),
        ("nothing.mkv", "nothing.mkv: it has no frames"),
        ("comb.mp4", "comb.mp4: frame 1 is interlaced, which would be enlarged with its comb; deinterlace"),
        ("sizes.ts", "sizes.ts: frame 4 has 48x32 pixels, those before 32x24; cut the film where its size changes"),
        ("locked.mp4", "locked.mp4: the film is encrypted (DRM), which cannot be upscaled"),
    ],
)
def test_what_cannot_be_upscaled_is_refused_with_a_reason(here, capsys, name, reason):
    make_bad_film(Path(name))
    assert upscale(name) == 1
    assert reason in capsys.readouterr().err
    assert names() == sorted({"clip.mp4", "net.pth", *([name] if name != "missing.mp4" else [])})


def make_bad_film(path):
    frames = moving_crops(3)
    if path.stem == "text":
        path.write_text("no film at all")
    elif path.stem == "empty":
        path.touch()
    elif path.stem == "sound":
        with av.open(str(path), "w") as container, av.open("clip.mp4") as source:
            copy = container.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(source.streams.audio[0]):
                if packet.dts is not None:
                    packet.stream = copy
                    container.mux(packet)
    elif path.stem == "nothing":
        with av.open(str(path), "w") as container:
            container.add_stream("libx264", rate=25)
            container.start_encoding()
    elif path.stem == "comb":
        make_film(path, frames, options={"x264-params": "tff=1"})
    elif path.stem == "sizes":
        make_film(Path("a.ts"), frames)
        make_film(Path("b.ts"), moving_crops(2, size=(32, 48)))
        path.write_bytes(Path("a.ts").read_bytes() + Path("b.ts").read_bytes())
        Path("a.ts").unlink(), Path("b.ts").unlink()
    elif path.stem == "locked":
        key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16, "encryption_kid": "01" * 16}
        make_film(path, frames, container_options=key)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--codec", "h265000"], "--codec: expected one of h264, hevc, vp9, av1, ffv1, mpeg4, or a video encoder"),
        (["--codec", "ffv1", "--crf", "3"], "--crf: ffv1 has no constant quality"),
        (["--pixel-format", "rgb24"], "--pixel-format: libx264 takes yuv420p, yuvj420p"),
        (["-o", "a.webm"], ".webm cannot hold the sound aac (stream 1) as it is; let the result be .mkv"),
    ],
)
def test_what_cannot_be_made_is_said_before_anything_is_restored(here, capsys, arguments, reason):
    assert upscale("clip.mp4", *arguments) == 1
    assert reason in capsys.readouterr().err
    assert names() == ["clip.mp4", "net.pth"]


def test_a_container_that_cannot_hold_the_codec_is_refused(here, capsys):
    make_film(Path("mute.mp4"), moving_crops(2))
    assert upscale("mute.mp4", "-o", "a.webm", "--codec", "h264") == 1
    assert "a.webm: libx264 cannot make 128x96 pixels in yuv420p for .webm" in capsys.readouterr().err
    assert upscale("mute.mp4", "-o", "a.webm", "--crf", "40") == 0
    with av.open("a.webm") as container:
        assert container.streams.video[0].codec_context.name == "vp9"


def test_what_is_left_out_is_said(here, capsys):
    make_film(Path("text.mkv"), moving_crops(2), subtitles="srt")
    assert upscale("text.mkv", "-o", "text.mp4") == 0
    assert ".mp4 cannot hold the subtitles srt (stream 1), which is left out; .mkv can" in capsys.readouterr().err


def test_a_missing_package_is_named_before_the_work(here, capsys, monkeypatch):
    monkeypatch.setattr("kdsr_tools.upscale.video.names.find_spec", lambda name: None)
    assert upscale("clip.mp4") == 1
    assert "films need PyAV 18, which is not installed: pip install 'kdsr[video]', on" in capsys.readouterr().err


def test_damaged_frames_show_the_one_before_and_are_counted(here, capsys):
    make_film(Path("long.mp4"), moving_crops(40), options={"bf": "0", "g": "10"})
    damage(Path("long.mp4"), packet=14)
    assert upscale("long.mp4", "--json") == 0
    output = capsys.readouterr()
    entry = json.loads(output.out)["done"][0]
    assert entry["frames"] == 40 and entry["repeated"] >= 1
    assert f"long.mp4: {entry['notes'][0]}" in output.err and "damaged; each shows the one before" in output.err
    assert read_times(Path("long_x4.mp4")) == [number / 25 for number in map(_fraction, range(40))]


def _fraction(number):
    from fractions import Fraction

    return Fraction(number)


def damage(path, *, packet):
    with av.open(str(path)) as container:
        place = [(p.pos, p.size) for p in container.demux(video=0) if p.size][packet]
    content = bytearray(path.read_bytes())
    content[place[0] : place[0] + place[1]] = b"\xff" * place[1]
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["long.mkv", "fast.mp4"])
def test_a_file_that_is_cut_off_gives_what_it_holds(here, capsys, name):
    fast = {"movflags": "faststart"} if name == "fast.mp4" else {}
    make_film(Path(name), moving_crops(60), options={"g": "10"}, container_options=fast)
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: len(content) // 2])
    assert upscale(name) == 1
    error = capsys.readouterr().err
    assert f"{name}: the file is cut off: " in error
    target = Path(name).with_stem(f"{Path(name).stem}_x4")
    assert f"they were upscaled to {target}" in error
    assert 10 < len(read_times(target)) < 60


def test_interrupted_work_goes_on_with_the_parts_that_are_there(here, monkeypatch, capsys):
    monkeypatch.setattr(parts, "PART_FRAMES", 5)
    monkeypatch.setattr("kdsr_tools.upscale.video.film.PART_FRAMES", 5)
    monkeypatch.setattr("kdsr_tools.upscale.video.joining.PART_FRAMES", 5)
    from kdsr_tools.upscale import upscaler

    original, restored = upscaler.Upscaler.__call__, []

    def stop_at_seven(self, image, **rest):
        restored.append(1)
        if len(restored) == 8:
            raise KeyboardInterrupt
        return original(self, image, **rest)

    monkeypatch.setattr(upscaler.Upscaler, "__call__", stop_at_seven)
    assert upscale("clip.mp4") == 130
    folder = next(Path().glob(".clip_x4.mp4.*.parts"))
    assert [path.name for path in sorted(folder.glob("*.nut"))] == ["00000.nut"]
    assert upscale("clip.mp4") == 0
    assert len(restored) == 8 + 12 - 5
    assert len(read_times(Path("clip_x4.mp4"))) == 12
    assert not folder.exists()
    # The result is that of work that was not interrupted.
    assert upscale("clip.mp4", "-o", "whole.mp4") == 0
    assert Path("whole.mp4").read_bytes() == Path("clip_x4.mp4").read_bytes()


def test_parts_of_other_work_are_not_taken(here, monkeypatch):
    assert upscale("clip.mp4", "--crf", "30") == 0
    first = Path("clip_x4.mp4").read_bytes()
    assert upscale("clip.mp4", "--crf", "10", "--overwrite") == 0
    assert Path("clip_x4.mp4").read_bytes() != first


def test_a_full_disk_ends_the_work_and_leaves_no_half_result(here, capsys, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parts._OpenPart, "write", fail)
    assert upscale("clip.mp4", "clip.mp4", "-o", "out") == 1
    assert "No space left on device" in capsys.readouterr().err
    assert [path.name for path in Path("out").rglob("*") if path.suffix in (".mp4", ".nut", ".tmp")] == []


def test_processes_share_the_parts_of_a_film(here):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    code = (
        "import sys; from kdsr_tools.upscale.video import parts\n"
        "parts.PART_FRAMES = 4\n"
        "from kdsr_tools.upscale.video import film, joining\n"
        "from kdsr_tools.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["upscale", "clip.mp4", "--model", "net.pth", "--device", "cpu", "--json"]
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(29600 + os.getpid() % 300), "WORLD_SIZE": "2"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=environment | address | {"RANK": str(n), "LOCAL_RANK": str(n), "LOCAL_WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert json.loads(outputs[0])["done"][0]["frames"] == 12
    assert len(json.loads(outputs[0])["done"]) == 1
    assert len(read_times(Path("clip_x4.mp4"))) == 12
    assert upscale("clip.mp4", "-o", "alone.mp4") == 0
    frames = [np.array(list(read_times(Path(name)))) for name in ("clip_x4.mp4", "alone.mp4")]
    np.testing.assert_array_equal(*frames)


def test_a_name_with_brackets_leaves_no_parts(here):
    Path("clip.mp4").rename("clip [1080p].mp4")
    assert upscale("clip [1080p].mp4") == 0
    assert names() == ["clip [1080p].mp4", "clip [1080p]_x4.mp4", "net.pth"]


def test_whatever_an_encoder_raises_stops_no_other_film(here, capsys, monkeypatch):
    calls, write = [], parts._OpenPart.write

    def fail_once(self, pixels):
        calls.append(1)
        if len(calls) == 1:
            raise av.error.ExternalError(1, "Generic error in an external library")
        write(self, pixels)

    make_film(Path("other.mp4"), moving_crops(3))
    monkeypatch.setattr(parts._OpenPart, "write", fail_once)
    assert upscale("clip.mp4", "other.mp4") == 1
    assert "kdsr: clip.mp4: ExternalError: [Errno 1] Generic error in an external library" in capsys.readouterr().err
    assert len(read_times(Path("other_x4.mp4"))) == 3


def test_a_film_that_has_no_first_frame_is_passed_over(here, capsys):
    make_film(Path("a.mkv"), moving_crops(3))
    for packet in (2, 1, 0):
        damage(Path("a.mkv"), packet=packet)
    assert upscale("a.mkv", "clip.mp4", "--idr-from", "first") == 1
    assert "a.mkv: it has no frames" in capsys.readouterr().err
    assert len(read_times(Path("clip_x4.mp4"))) == 12
