"""`kdsr upscale`: what it writes, says and gives back; what fails is named and stops nothing else."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from heads_files import save_student_with_heads
from option_files import PLUGIN_LINE, ROOT, SMALL_NETWORKS, save_student, save_teacher
from PIL import Image, ImageCms
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent
from kdsr_data.pictures import decode_picture
from kdsr_tools import Upscaler
from kdsr_tools.checkpoints import shipped as shipped_models
from kdsr_tools.cli import main
from kdsr_tools.upscale import batch
from kdsr_tools.upscale.command import parse_bytes
from kdsr_tools.upscale.picture_files import Picture, read_picture, write_picture


@pytest.fixture
def here(tmp_path, monkeypatch, photograph):
    """Make the current folder one with pictures `p/a.png`, `p/b.jpg`, `p/sub/c.png` and a student `net.pth`."""
    monkeypatch.chdir(tmp_path)
    Path("p/sub").mkdir(parents=True)
    for number, name in enumerate(("p/a.png", "p/b.jpg", "p/sub/c.png")):
        Image.fromarray(photograph[8 * number :][:12, :16]).save(name)
    save_student(tmp_path / "net.pth")
    return tmp_path


def upscale(*arguments):
    return main(["upscale", *map(str, arguments), "--model", "net.pth", "--device", "cpu"])


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def assert_upscaled(target, source, **settings):
    expected = Upscaler.from_checkpoint("net.pth", device="cpu", **settings)(read_picture(source).pixels)
    np.testing.assert_array_equal(read_picture(target).pixels, expected)


def test_a_picture_becomes_a_larger_one_beside_it(here, capsys):
    assert upscale("p/a.png") == 0
    assert_upscaled("p/a_x4.png", "p/a.png")
    said = capsys.readouterr().out
    assert "KDSR student x4, 8 features, 1 blocks (net.pth) on cpu, 1 picture\n" in said
    assert "1 made in " in said


def test_a_folder_keeps_its_structure(here, capsys):
    assert upscale("p", "-r", "-o", "out") == 0
    assert names_in("out") == ["a.png", "b.jpg", "sub/c.png"]
    assert_upscaled("out/sub/c.png", "p/sub/c.png")
    assert "3 made in " in capsys.readouterr().out


def test_the_summary_for_programs_has_every_picture(here, capsys):
    upscale("p/a.png", "-o", "out")
    capsys.readouterr()
    Path("p/broken.png").write_bytes(b"no picture")
    assert upscale("p", "-o", "out", "--json") == 1
    output = capsys.readouterr()
    summary = json.loads(output.out)
    assert summary["network"] == {"description": "KDSR student x4, 8 features, 1 blocks", "path": "net.pth", "scale": 4}
    assert (summary["device"], summary["precision"], summary["scale"]) == ("cpu", "fp32", 4)
    done = summary["done"][0]
    assert done.pop("seconds") > 0
    assert done == {"source": "p/b.jpg", "target": "out/b.jpg", "width": 64, "height": 48}
    assert summary["kept"] == [{"source": "p/a.png", "target": "out/a.png"}]
    assert summary["failed"][0]["reason"].startswith("p/broken.png: not a picture of a known format")
    assert output.err.startswith("kdsr: p/broken.png: not a picture of a known format")


def test_the_summary_has_each_pictures_diagnosis_where_the_model_has_heads(here, capsys):
    save_student_with_heads(here / "net.safetensors")
    arguments = ["upscale", "p/a.png", "--model", "net.safetensors", "--device", "cpu"]
    assert main([*arguments, "-o", "plain"]) == 0
    capsys.readouterr()
    for place in ("full", "crop"):
        assert main([*arguments, "-o", place, "--json", "--idr-from", place]) == 0
        diagnosis = json.loads(capsys.readouterr().out)["done"][0]["diagnosis"]
        assert diagnosis == Upscaler.from_checkpoint("net.safetensors").diagnose(Image.open("p/a.png")).as_dict()
        assert Path(place, "a.png").read_bytes() == Path("plain/a.png").read_bytes()


def test_knobs_are_turned_and_refused_beyond_their_ends(here, capsys):
    save_student_with_heads(here / "net.safetensors")
    arguments = ["upscale", "p/a.png", "--model", "net.safetensors", "--device", "cpu"]
    assert main([*arguments, "-o", "turned", "--denoise", "-1", "--deblur=0.5"]) == 0
    expected = Upscaler.from_checkpoint("net.safetensors", denoise=-1, deblur=0.5)(Image.open("p/a.png"))
    np.testing.assert_array_equal(Image.open("turned/a.png"), expected)
    assert main([*arguments, "-o", "far", "--denoise", "2"]) == 1
    assert "denoise: expected -1 to 1, got 2" in capsys.readouterr().err


def test_existing_results_are_kept_unless_told_otherwise(here, capsys):
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")
    assert upscale("p/a.png", "-o", "out") == 0
    assert Path("out/a.png").read_bytes() == b"old"
    assert "0 made in" in (said := capsys.readouterr().out)
    assert "1 kept that existed (--overwrite makes them again)" in said
    assert upscale("p/a.png", "-o", "out", "--overwrite") == 0
    assert_upscaled("out/a.png", "p/a.png")


def test_pictures_that_fail_are_named_and_the_others_done(here, capsys):
    content = Path("p/a.png").read_bytes()
    Path("p/cut.png").write_bytes(content[: len(content) // 2])
    Path("p/empty.png").touch()
    Path("p/text.png").write_text("no picture")
    assert upscale("p", "missing.png", "-o", "out") == 1
    assert names_in("out") == ["a.png", "b.jpg"]
    output = capsys.readouterr()
    assert "2 made in" in output.out
    assert "4 failed" in output.out
    reasons = dict(line.removeprefix("kdsr: ").split(": ", 1) for line in output.err.splitlines())
    assert list(reasons) == ["p/cut.png", "p/empty.png", "p/text.png", "missing.png"]
    assert reasons["p/cut.png"].startswith("cannot be decoded, perhaps damaged or cut off")
    assert reasons["p/empty.png"] == "the file is empty"
    assert reasons["p/text.png"].startswith("not a picture of a known format")
    assert reasons["missing.png"] == "cannot be read (No such file or directory)"


def test_a_picture_of_one_pixel_is_enlarged(here):
    Image.new("RGB", (1, 1), (10, 20, 30)).save("dot.png")
    assert upscale("dot.png") == 0
    assert read_picture("dot_x4.png").pixels.shape == (4, 4, 3)


def test_depth_transparency_and_profile_are_kept(here):
    pixels = (np.random.default_rng(0).random((9, 7, 4)) * 65535).astype(np.uint16)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture("deep.tif", Picture(pixels, profile))
    assert upscale("deep.tif", "-o", "out") == 0
    result = read_picture("out/deep.tif")
    assert (result.pixels.shape, result.pixels.dtype, result.icc_profile) == ((36, 28, 4), np.uint16, profile)


def test_format_and_quality_are_obeyed(here):
    assert upscale("p", "-o", "out", "--format", "jpg", "--quality", "30", "--suffix", "_big") == 0
    assert names_in("out") == ["a_big.jpg", "b_big.jpg"]
    assert upscale("p", "-o", "fine", "--format", "jpg", "--quality", "100") == 0
    assert Path("out/a_big.jpg").stat().st_size < Path("fine/a.jpg").stat().st_size
    with Image.open("out/a_big.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))


@pytest.mark.parametrize(
    ("name", "settings"),
    [("g.png", {}), ("g.jpg", {"quality": 60}), ("g.tif", {}), ("g.bmp", {}), ("g.webp", {"quality": 80})],
)
def test_gray_content_of_an_rgb_file_stays_gray_and_rgb(here, photograph, name, settings):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(photograph[:12, :16, 1]).convert("RGB")
    image.save(name, icc_profile=profile, **settings)
    assert upscale(name) == 0
    result = read_picture(Path(name).with_stem("g_x4"))
    assert result.pixels.shape == (48, 64, 3)
    assert np.ptp(result.pixels.astype(int), axis=2).max() == 0
    assert result.icc_profile == (None if name.endswith("bmp") else profile)


def test_transparency_that_the_format_cannot_hold_fails_by_itself(here, capsys):
    Image.new("RGBA", (8, 8), (1, 2, 3, 4)).save("p/alpha.png")
    assert upscale("p", "-o", "out", "--format", "jpg") == 1
    assert names_in("out") == ["a.jpg", "b.jpg"]
    assert "p/alpha.png: out/alpha.jpg: JPEG cannot hold transparency; choose .png" in capsys.readouterr().err


def test_other_factors_are_reached(here):
    assert upscale("p/a.png", "--outscale", "1.5") == 0
    assert_upscaled("p/a_x1.5.png", "p/a.png", outscale=1.5)


@pytest.mark.parametrize("source", ["first", "p/sub/c.png", "crop"])
def test_the_degradation_comes_from_where_it_is_told(here, source):
    save_steered_student(here / "net.pth")
    Path("p/0.png").write_bytes(b"broken")  # which is not the first that can be read
    upscale("p", "-o", "out", "--idr-from", source)
    expected = {"first": read_picture("p/a.png").pixels, "crop": "crop"}.get(source, read_picture("p/sub/c.png").pixels)
    write_picture(
        "expected.jpg",
        Picture(Upscaler.from_checkpoint("net.pth", device="cpu", idr_from=expected)(read_picture("p/b.jpg").pixels)),
    )
    assert Path("out/b.jpg").read_bytes() == Path("expected.jpg").read_bytes()


def save_steered_student(path):
    """Save a student whose result depends strongly on the IDR."""
    student = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"])
    for block in student.sr_network.blocks:
        block.depthwise.linear2.weight.data.mul_(50)
    torch.save(student.state_dict(), path)


def test_no_picture_to_take_the_degradation_from_is_an_error(here, capsys):
    Path("q").mkdir()
    Path("q/broken.png").touch()
    assert upscale("q", "--idr-from", "first") == 1
    assert "--idr-from first: none of the pictures can be read" in capsys.readouterr().err
    assert upscale("p", "--idr-from", "none.png") == 1
    assert "none.png: cannot be read" in capsys.readouterr().err


def test_memory_and_tiles_change_nothing(here):
    for number, limits in enumerate((["--tile", 5], ["--max-memory", "1.5G"])):
        assert upscale("p/a.png", "-o", f"out{number}", *limits) == 0
        assert_upscaled(f"out{number}/a.png", "p/a.png")


def test_large_pictures_are_refused_by_name(here, capsys):
    assert upscale("p/a.png", "--max-pixels", 191) == 1
    assert "p/a.png: 16x12 is more than 191 pixels" in capsys.readouterr().err
    assert upscale("p/a.png", "--max-pixels", 192) == 0


def test_a_result_made_again_in_fp32_is_reported(here, monkeypatch, capsys):
    def say_and_enlarge(self, image):
        self.warn("made again")
        return image

    monkeypatch.setattr(Upscaler, "__call__", say_and_enlarge)
    assert upscale("p/a.png", "-o", "out", "--precision", "bf16", "--json") == 0
    output = capsys.readouterr()
    assert output.err == "kdsr: p/a.png: made again\n"
    assert json.loads(output.out)["done"][0]["notes"] == ["made again"]


def test_memory_that_runs_out_is_a_failure_of_one_picture(here, monkeypatch, capsys):
    enlarge = Upscaler.__call__

    def run_out_once(self, image):
        monkeypatch.setattr(Upscaler, "__call__", enlarge)
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] can't allocate memory\nmore")

    monkeypatch.setattr(Upscaler, "__call__", run_out_once)
    assert upscale("p", "-o", "out") == 1
    assert capsys.readouterr().err == "kdsr: p/a.png: [enforce fail at alloc_cpu.cpp] can't allocate memory\n"
    assert names_in("out") == ["b.jpg"]


def test_a_full_disk_ends_the_work_without_half_files(here, monkeypatch, capsys):
    def fill_disk(self, content):
        Path(str(self)).touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_disk)
    assert upscale("p", "-o", "out") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "kdsr: p/a.png: out/a.png: cannot write the picture (No space left on device)"
    assert lines[1] == "kdsr: p/b.jpg: not started: cannot write the picture (No space left on device)"
    assert names_in("out") == []


def test_an_output_that_cannot_be_written_is_found_before_the_work(here, monkeypatch, capsys):
    Path("file").touch()
    monkeypatch.setattr(batch, "read_picture", pytest.fail)
    assert upscale("p/a.png", "-o", "file/out") == 1
    assert capsys.readouterr().err.startswith("kdsr: --output file/out: cannot be written (Not a directory)")


def test_an_interruption_sums_up_what_was_done(here, interrupt_reading, capsys):
    interrupt_reading(batch, at="b.jpg")
    assert upscale("p", "-o", "out") == 130
    assert "1 made in" in capsys.readouterr().out
    assert names_in("out") == ["a.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["empty"], "empty: there are no pictures in this folder"),
        (["p", "-o", "p"], "this result would replace a picture that is read"),
        (["p", "--precision", "fp16"], "precision: fp16 on a CPU is slow and overflows; use bf16 or fp32"),
        (["p", "--outscale", "-1"], "outscale: expected a number above 0, got -1"),
        (["p", "--outscale", "inf"], "outscale: expected a number above 0, got inf"),
        (["p", "--outscale", "nan"], "outscale: expected a number above 0, got nan"),
        (["p/a.png", "--suffix", ""], "p/a.png: this result would replace a picture that is read"),
        (["p/a.png", "-o", "x.png", "--format", "jpg"], "--format jpg: the name x.png (--output) says otherwise"),
        (["p/a.png", "-o", "x.png", "--suffix", "_y"], "--suffix _y: the result's whole name is x.png (--output)"),
        (["p/a.png", "-o", "x.heic"], "--output x.heic: pictures are written as .png, .jpg"),
        (["p", "--tile", "0"], "tile_size: expected at least 1 pixel, got 0"),
        (["p", "--max-memory", "1K"], "max_memory"),
    ],
)
def test_impossible_wishes_are_explained_in_a_line(here, capsys, arguments, message):
    Path("empty").mkdir()
    assert upscale(*arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("kdsr: ")
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments",
    [[], ["p", "--quality", "0"], ["p", "--format", "gif"], ["p", "--max-memory", "much"], ["p", "--max-pixels", "0"]],
)
def test_wrong_arguments_give_two(here, arguments):
    with pytest.raises(SystemExit) as exit_info:
        upscale(*arguments)
    assert exit_info.value.code == 2


@pytest.mark.parametrize(
    ("text", "size"), [("800M", 800 * 2**20), ("1.5GB", 3 * 2**29), ("2 GiB", 2**31), ("4096", 4096), ("1k", 1024)]
)
def test_sizes_are_read_with_their_units(text, size):
    assert parse_bytes(text) == size


def test_wrong_checkpoints_are_explained_in_a_line(here, capsys):
    save_teacher(here / "teacher.pth")
    torch.save({"w": torch.zeros(1)}, "other.pth")
    Path("text.pth").write_text("no checkpoint")
    for name, message in (
        ("teacher.pth", "teacher.pth: this is a teacher's checkpoint; a teacher needs the original (GT)"),
        ("other.pth", "other.pth: neither the weights of a KDSR student nor of a network that spandrel knows"),
        ("text.pth", "text.pth: not a readable checkpoint of tensors"),
        ("none.pth", "none.pth: there is no such checkpoint file, and no shipped model of that name"),
    ):
        assert main(["upscale", "p", "--model", name]) == 1
        assert capsys.readouterr().err.startswith(f"kdsr: {message}")


def test_networks_of_basicsr_upscale_through_an_option_file(here, capsys):
    from basicsr.archs.srresnet_arch import MSRResNet

    torch.save({"params": MSRResNet(num_feat=8, num_block=1, upscale=2).state_dict()}, "net.pth")
    Path("net.yml").write_text(f"{PLUGIN_LINE}scale: 2\nnetwork_g: {{type: MSRResNet, num_feat: 8, num_block: 1}}\n")
    assert upscale("p/a.png", "--opt", "net.yml") == 0
    assert read_picture("p/a_x2.png").pixels.shape == (24, 32, 3)
    assert "MSRResNet x2 (net.pth) on cpu" in capsys.readouterr().out


def test_shipped_models_are_listed_and_used_by_name(here, monkeypatch, capsys):
    monkeypatch.setattr(shipped_models, "WEIGHTS", here / "models")
    Path("models").mkdir()
    assert main(["upscale", "--model", "list"]) == 0
    assert "no model ships with this installation" in capsys.readouterr().out
    assert main(["upscale", "p/a.png"]) == 1
    assert "no model ships with this installation; name a checkpoint (--model FILE)" in capsys.readouterr().err
    header = {"name": "KDSR-XS", "description": "small", "scale": "4", "degradations": "blur", "licence": "MIT"}
    weights = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"]).state_dict()
    save_file(weights, "models/xs.safetensors", metadata={**header, "default": "yes"})
    assert main(["upscale", "--model", "list"]) == 0
    assert capsys.readouterr().out == "KDSR-XS (faithful, default): x4, small\n    for: blur; licence: MIT\n"
    for name, said in ((["--model", "kdsr-xs"], "KDSR-XS: "), ([], "KDSR-XS, the default: ")):
        assert main(["upscale", "p/a.png", "-o", f"out{len(name)}", "--device", "cpu", *name]) == 0
        out = capsys.readouterr().out
        assert out.startswith(f"{said}KDSR student x4, 8 features, 1 blocks ({here}/models/xs.safetensors) on cpu")


def test_a_sharp_model_is_listed_with_advice_and_mixed_by_sharpness(here, monkeypatch, capsys):
    monkeypatch.setattr(shipped_models, "WEIGHTS", here / "models")
    Path("models").mkdir()
    header = {"description": "small", "scale": "4", "degradations": "blur", "licence": "MIT"}
    for name, more in (("one", {"default": "yes"}), ("two", {"sharpens": "one"})):
        weights = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"]).state_dict()
        save_file(weights, f"models/{name}.safetensors", metadata={**header, "name": name, **more})
    assert main(["upscale", "--model", "list"]) == 0
    out = capsys.readouterr().out
    assert "two (sharp): x4" in out
    assert "sharp invents the fine texture that is lost" in out
    assert main(["upscale", "p/a.png", "-o", "out", "--device", "cpu", "--sharpness", "0.5"]) == 0
    assert capsys.readouterr().out.startswith("one to two, sharpness 0.5: KDSR student x4")
    assert main(["upscale", "p/a.png", "-o", "out2", "--device", "cpu", "--sharpness", "1.2"]) == 1
    assert "sharpness: expected 0 (faithful) to 1 (sharp), got 1.2" in capsys.readouterr().err


def run_in_two_processes(*arguments):
    # Not at a fixed port: two test runs may share the machine.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "kdsr_tools"]
    return subprocess.run(
        [*command, "upscale", *arguments, "--model", "net.pth", "--device", "cpu"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_processes_share_a_folder_and_a_second_run_does_what_is_left(here):
    for number in range(5):
        Image.open("p/a.png").save(f"p/copy{number}.png")
    done = run_in_two_processes("p", "-r", "-o", "out", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert sorted(outcome["source"] for outcome in summary["done"]) == sorted(f"p/{name}" for name in names_in("p"))
    assert names_in("out") == names_in("p")
    times = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*.*")}
    Path("out/copy1.png").unlink()
    summary = json.loads(run_in_two_processes("p", "-r", "-o", "out", "--json").stdout)
    assert [outcome["source"] for outcome in summary["done"]] == ["p/copy1.png"]
    assert len(summary["kept"]) == 7
    assert [path.name for path, time in times.items() if path.stat().st_mtime_ns != time] == ["copy1.png"]


def test_what_a_folder_holds_beside_pictures_is_said_and_rare_formats_are_taken(here, capsys):
    Path("q").mkdir()
    for name in ("a.jpg", "b.jfif", "c.jpe", "d.gif", "e.jp2", "f.avif"):
        Image.open("p/a.png").save(f"q/{name}")
    Path("q/notes.txt").touch()
    assert upscale("q", "-o", "out") == 0
    assert names_in("out") == ["a.jpg", "b.jfif", "c.jpe", "d.gif", "e.png", "f.png"]
    assert capsys.readouterr().err == "kdsr: q: 1 other file was passed over (1 .txt)\n"


def test_a_result_too_large_for_webp_becomes_png_and_that_is_said(here, monkeypatch, capsys):
    Image.new("RGB", (4096, 1)).save("wide.webp")
    Image.new("RGB", (4095, 1)).save("fits.webp")
    monkeypatch.setattr(Upscaler, "__call__", lambda self, image: image.repeat(4, axis=0).repeat(4, axis=1))
    assert upscale("wide.webp", "fits.webp", "-o", "out") == 0
    assert names_in("out") == ["fits.webp", "wide.png"]
    message = "kdsr: wide.webp: WEBP holds at most 16383 pixels a side; becomes out/wide.png\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    ("name", "output_format", "message"),
    [
        ("wide.png", "webp", "WEBP holds at most 16383 pixels a side, got 16384x4"),
        ("alpha.png", "jpg", "JPEG cannot hold transparency"),
        ("x" * 250 + ".png", "keep", "names have at most 255 bytes"),
    ],
)
def test_what_cannot_be_written_is_found_before_anything_is_computed(
    here, monkeypatch, capsys, name, output_format, message
):
    pictures = {"wide.png": Image.new("RGB", (4096, 1)), "alpha.png": Image.new("RGBA", (8, 8), (1, 2, 3, 4))}
    pictures.get(name, Image.new("RGB", (4, 4))).save(name)
    monkeypatch.setattr(Upscaler, "__call__", pytest.fail)
    assert upscale(name, "--format", output_format, "--suffix", "_larger") == 1
    assert message in capsys.readouterr().err


def test_alpha_through_which_nothing_is_seen_is_no_obstacle(here):
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save("opaque.png")
    assert upscale("opaque.png", "-o", "out", "--format", "jpg") == 0
    assert read_picture("out/opaque.jpg").pixels.shape == (32, 32, 3)


def test_more_frames_than_the_one_used_are_said(here, capsys):
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (10, 20, 30)]
    for name in ("x.gif", "x.webp", "x.tif", "y.apng"):
        frames[0].save(name, save_all=True, append_images=frames[1:], format="PNG" if name == "y.apng" else None)
        upscale(name, "-o", f"{name}_larger", "--format", "png" if name != "y.apng" else "webp")
        what = "pages" if name == "x.tif" else "frames"
        assert capsys.readouterr().err == f"kdsr: {name}: it has 3 {what}, of which the first was used\n"


def pipe(monkeypatch, content=b""):
    """Put streams in the place of the standard ones; return what is written to stdout."""
    written = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdout", written)
    return written.buffer


def test_a_picture_comes_and_goes_by_the_standard_streams(here, monkeypatch, capsys):
    content, expected = Path("p/a.png").read_bytes(), Upscaler.from_checkpoint("net.pth", device="cpu")
    expected = expected(read_picture("p/a.png").pixels)
    for arguments in (["-"], ["-", "-o", "-"], ["p/a.png", "-o", "-"], ["-", "--format", "tif", "--idr-from", "first"]):
        written = pipe(monkeypatch, content)
        assert upscale(*arguments) == 0
        np.testing.assert_array_equal(decode_picture(written.getvalue(), "stdout").pixels, expected)
    assert written.getvalue().startswith(b"II*\0")
    written = pipe(monkeypatch, content)
    assert upscale("-", "-o", "out/x.png") == 0
    np.testing.assert_array_equal(read_picture("out/x.png").pixels, expected)


def test_what_cannot_be_piped_is_explained(here, monkeypatch, capsys):
    for arguments, message in (
        (["-", "p/a.png"], "expected one picture where one is piped"),
        (["p", "-o", "-"], "expected one picture where one is piped"),
        (["-", "-o", "folder"], "expected a file's name, such as larger.png"),
        (["-", "--json"], "--json and the picture would both go to standard output"),
    ):
        assert upscale(*arguments) == 1
        assert message in capsys.readouterr().err
    written = pipe(monkeypatch, b"no picture")
    assert upscale("-") == 1
    assert written.getvalue() == b""
    assert "standard input: not a picture of a known format" in capsys.readouterr().err


def test_metadata_are_kept_on_request(here, capsys):
    exif = Image.Exif()
    exif[274], exif[271] = 6, "Maker"
    Image.open("p/a.png").save("x.jpg", exif=exif, dpi=(300, 300), xmp=b"<x tiff:Orientation='6'/>")
    assert upscale("x.jpg", "-o", "out") == 0
    assert upscale("x.jpg", "-o", "kept", "--keep-metadata") == 0
    plain, kept = (read_picture(f"{folder}/x.jpg") for folder in ("out", "kept"))
    assert plain.pixels.shape == kept.pixels.shape == (64, 48, 3)
    assert (plain.metadata.dpi, plain.metadata.exif, plain.metadata.xmp) == ((300, 300), None, None)
    assert (kept.metadata.dpi, kept.metadata.xmp) == ((300, 300), b"<x tiff:Orientation='1'/>")
    with Image.open("kept/x.jpg") as image:
        assert (image.getexif()[271], image.getexif()[274]) == ("Maker", 1)
    assert upscale("x.jpg", "-o", "bmp", "--format", "bmp", "--keep-metadata") == 0
    assert "kdsr: x.jpg: BMP cannot hold its EXIF and XMP" in capsys.readouterr().err
