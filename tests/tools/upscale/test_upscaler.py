"""`Upscaler`: the network's result for every kind of picture, its settings, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from heads_files import save_student_with_heads
from option_files import SMALL_NETWORKS
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from kdsr_arch import KDSRStudent
from kdsr_tools import Upscaler
from kdsr_tools.checkpoints import shipped as shipped_models
from kdsr_tools.checkpoints.loading import LoadedNetwork
from kdsr_tools.upscale import upscaler


@pytest.fixture
def student():
    return KDSRStudent(2, **SMALL_NETWORKS["KDSRStudent"]).eval().requires_grad_(False)


@pytest.fixture
def checkpoint(tmp_path, student):
    torch.save({"params": student.state_dict()}, tmp_path / "net.pth")
    return tmp_path / "net.pth"


class Enlarger(nn.Module):
    """Bicubic, twice: a network that overshoots, and whose result is known."""

    def forward(self, lq):
        return F.interpolate(lq, scale_factor=2, mode="bicubic")


class FailsInReducedPrecision(Enlarger):
    def forward(self, lq):
        return super().forward(lq) * (torch.nan if torch.is_autocast_enabled("cpu") else 1)


def make_upscaler(network, **settings):
    return Upscaler(LoadedNetwork(network, 2, "a network", Path("net.pth")), device="cpu", **settings)


def to_lq(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def to_uint8(sr):
    return (sr[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)


def assert_within_one(result, expected):
    np.testing.assert_allclose(result.astype(int), expected.astype(int), atol=1)
    assert (result == expected).mean() > 0.99


def test_a_picture_becomes_what_the_network_makes_of_it(checkpoint, student, photograph):
    result = Upscaler.from_checkpoint(checkpoint, device="cpu")(photograph[:30, :40])
    assert result.dtype == np.uint8
    assert_within_one(result, to_uint8(student(to_lq(photograph[:30, :40]))))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 2), (9, 7, 3), (9, 7, 4), (1, 1, 3)])
def test_every_kind_of_picture_keeps_its_kind(checkpoint, shape, dtype):
    image = np.random.default_rng(0).random(shape)
    image = image.astype(dtype) if dtype in (np.float32, np.float64) else (image * np.iinfo(dtype).max).astype(dtype)
    result = Upscaler.from_checkpoint(checkpoint, device="cpu")(image)
    assert (result.shape, result.dtype) == ((2 * shape[0], 2 * shape[1], *shape[2:]), dtype)


def test_sixteen_bits_are_more_than_eight():
    image = np.linspace(1000, 1050, 30).astype(np.uint16).reshape(5, 6)
    result = make_upscaler(Enlarger())(image)
    assert len(np.unique(result)) > 25
    np.testing.assert_allclose(result[4:6, 4:6].mean(), image[2, 2], atol=3)


def test_gray_is_the_mean_of_what_its_three_equal_channels_become(checkpoint, student, photograph):
    gray = photograph[:20, :20, 1]
    result = Upscaler.from_checkpoint(checkpoint, device="cpu")(gray)
    sr = student(to_lq(np.dstack([gray] * 3))).mean(dim=1, keepdim=True)
    assert_within_one(result, to_uint8(sr)[..., 0])


@pytest.mark.parametrize(("dtype", "step"), [(np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)])
@pytest.mark.parametrize("settings", [{}, {"tile_size": 7}, {"outscale": 3.3}, {"precision": "bf16"}])
def test_rgb_of_gray_content_becomes_what_gray_becomes(checkpoint, photograph, settings, dtype, step):
    gray, alpha = ((photograph[:20, place, 0].astype(int) * step).astype(dtype) for place in (slice(20), slice(20, 40)))
    upscale = Upscaler.from_checkpoint(checkpoint, device="cpu", **settings)
    np.testing.assert_array_equal(upscale(np.dstack([gray] * 3)), np.dstack([upscale(gray)] * 3))
    expected = upscale(np.dstack([gray, alpha]))[..., [0, 0, 0, 1]]
    np.testing.assert_array_equal(upscale(np.dstack([gray, gray, gray, alpha])), expected)


def test_gray_tiles_of_a_colour_picture_are_as_the_network_makes_them(checkpoint, student, photograph):
    image = photograph[:12, :40].copy()
    image[:, :28] = image[:, :28, :1]
    result = Upscaler.from_checkpoint(checkpoint, device="cpu", tile_size=6)(image)
    assert np.ptp(result[:, :12].astype(int), axis=2).max() > 0  # with a tint, but as much as without tiles
    assert_within_one(result, to_uint8(student(to_lq(image))))


@pytest.mark.parametrize("other", ["gray", "colour"])
def test_the_degradation_of_gray_may_come_from_any_picture(checkpoint, student, photograph, other):
    lq, source = photograph[:20, :20, 1], photograph[50:80, 60:90]
    source = source[..., 0] if other == "gray" else source
    result = Upscaler.from_checkpoint(checkpoint, device="cpu", idr_from=source)(lq)
    idr, _ = student.estimate_idr(to_lq(np.dstack([source] * 3) if other == "gray" else source))
    sr = student.super_resolve(to_lq(np.dstack([lq] * 3)), idr).mean(dim=1, keepdim=True)
    assert_within_one(result, to_uint8(sr)[..., 0])


def test_opaque_alpha_changes_nothing(checkpoint, photograph):
    upscale = Upscaler.from_checkpoint(checkpoint, device="cpu")
    opaque = np.dstack([photograph[:20, :20], np.full((20, 20), 255, np.uint8)])
    result = upscale(opaque)
    np.testing.assert_array_equal(result[..., :3], upscale(photograph[:20, :20]))
    assert (result[..., 3] == 255).all()


def test_a_bright_shape_on_transparent_black_gets_no_dark_fringe():
    shape = np.hypot(*np.mgrid[-12:12, -12:12]) < 8
    colour = np.array([250, 200, 120], np.uint8)
    image = np.dstack([shape[..., None] * colour, shape * np.uint8(255)])
    result = make_upscaler(Enlarger())(image)
    visible = result[result[..., 3] > 0]
    partly = visible[visible[:, 3] < 255]
    assert len(partly) > 50
    assert np.abs(visible[:, :3].astype(int) - colour).max() <= 1
    straight = make_upscaler(Enlarger())(image[..., :3])[result[..., 3] > 0]
    assert straight[..., 0].min() < 100  # what the fringe would have been


def test_the_degradation_is_estimated_from_the_centre_when_asked(checkpoint, student, photograph, monkeypatch):
    monkeypatch.setattr(upscaler, "CROP_SIZE", 16)
    result = Upscaler.from_checkpoint(checkpoint, device="cpu", idr_from="crop")(photograph[:30, :40])
    lq = to_lq(photograph[:30, :40])
    idr, _ = student.estimate_idr(lq[..., 7:23, 12:28])
    assert_within_one(result, to_uint8(student.super_resolve(lq, idr)))


def test_the_degradation_is_estimated_from_another_picture_once(checkpoint, student, photograph):
    other = photograph[50:80, 60:90]
    upscale = Upscaler.from_checkpoint(checkpoint, device="cpu", idr_from=other)
    lq = to_lq(photograph[:30, :40])
    idr, _ = student.estimate_idr(to_lq(other))
    expected = to_uint8(student.super_resolve(lq, idr))
    assert_within_one(upscale(photograph[:30, :40]), expected)
    upscale._idr_from[:] = 0
    assert_within_one(upscale(photograph[:30, :40]), expected)


@pytest.mark.parametrize("settings", [{"tile_size": 13}, {"max_memory": 2**30}, {"fast": False}])
def test_tiles_and_limits_change_nothing(checkpoint, student, photograph, settings):
    result = Upscaler.from_checkpoint(checkpoint, device="cpu", **settings)(photograph[:30, :40])
    assert_within_one(result, to_uint8(student(to_lq(photograph[:30, :40]))))


@pytest.mark.parametrize(("outscale", "size"), [(3, (90, 120)), (1.55, (46, 62)), (0.01, (1, 1)), (2, (60, 80))])
def test_other_factors_are_reached_by_resizing(photograph, outscale, size):
    upscale = make_upscaler(Enlarger(), outscale=outscale)
    result = upscale(photograph[:30, :40])
    assert upscale.scale == outscale
    assert result.shape == (*size, 3)
    assert np.abs(result.mean(axis=(0, 1)) - photograph[:30, :40].mean(axis=(0, 1))).max() < 2 + 40 * (outscale < 0.1)


def test_bf16_gives_nearly_the_same(checkpoint, photograph):
    full, reduced = (
        Upscaler.from_checkpoint(checkpoint, device="cpu", precision=precision)(photograph[:30, :40]).astype(int)
        for precision in ("fp32", "bf16")
    )
    assert 0 < np.abs(full - reduced).max() < 12


def test_a_result_that_is_not_finite_is_computed_again_in_fp32(photograph):
    said = []
    upscale = make_upscaler(FailsInReducedPrecision(), precision="bf16", warn=said.append)
    np.testing.assert_array_equal(upscale(photograph), make_upscaler(Enlarger())(photograph))
    assert said == ["the result in bf16 was not finite and was computed again in fp32"]


def test_weights_that_give_no_finite_result_are_named(checkpoint, student, photograph):
    student.sr_network.conv_last.bias.fill_(torch.inf)
    torch.save(student.state_dict(), checkpoint)
    for precision in ("fp32", "bf16"):
        upscale = Upscaler.from_checkpoint(checkpoint, device="cpu", precision=precision, warn=str)
        with pytest.raises(ValueError, match=r"net\.pth is not finite; its weights may be damaged"):
            upscale(photograph)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "gpu"}, "device: expected one of auto, cpu, cuda, mps, got 'gpu'"),
        ({"device": "cuda:x"}, "device: expected one of auto, cpu, cuda, mps, got 'cuda:x'"),
        ({"precision": "fp8"}, "precision: expected one of fp32, bf16, fp16, got 'fp8'"),
        ({"precision": "fp16"}, "precision: fp16 on a CPU is slow and overflows; use bf16 or fp32"),
        ({"outscale": 0}, "outscale: expected a number above 0, got 0"),
        ({"outscale": float("nan")}, "outscale: expected a number above 0, got nan"),
        ({"tile_size": 0}, "tile_size: expected at least 1 pixel, got 0"),
        ({"idr_from": "first"}, "idr_from: expected 'full', 'crop' or a picture"),
        ({"idr_from": np.zeros(3)}, "image: expected"),
    ],
)
def test_impossible_settings_are_refused(checkpoint, settings, message):
    with pytest.raises(ValueError, match=message):
        Upscaler.from_checkpoint(checkpoint, **{"device": "cpu", **settings})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(checkpoint):
    with pytest.raises(ValueError, match="device: PyTorch finds no cuda on this machine"):
        Upscaler.from_checkpoint(checkpoint, device="cuda")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_memory": 2**30}, "max_memory: how much a network needs is not known; set tile_size"),
        ({"idr_from": "crop"}, "idr_from: a network estimates no IDR"),
    ],
)
def test_settings_of_students_are_refused_for_other_networks(settings, message):
    with pytest.raises(ValueError, match=message):
        make_upscaler(Enlarger(), **settings)


def test_the_default_is_the_shipped_model_that_says_so(tmp_path, student, monkeypatch, photograph):
    monkeypatch.setattr(shipped_models, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=r"no model ships with this installation; name a checkpoint"):
        Upscaler.default()
    other = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"])
    save_file(other.state_dict(), tmp_path / "a.safetensors", metadata={"name": "a"})
    save_file(student.state_dict(), tmp_path / "b.safetensors", metadata={"name": "b", "default": "yes"})
    upscale = Upscaler.default(device="cpu")
    assert (upscale.scale, upscale.loaded.path) == (2, tmp_path / "b.safetensors")
    assert repr(upscale).startswith("Upscaler(b, the default: KDSR student x2,")
    assert repr(Upscaler.from_shipped("a", device="cpu")).startswith("Upscaler(a: KDSR student x4,")


def test_importing_the_package_stays_light():
    script = "import sys, kdsr_tools.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2]).returncode == 0


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", "<f4"])
def test_either_byte_order_is_taken(dtype):
    values = np.linspace(0, 1, 6 * 5 * 3).reshape(6, 5, 3)
    native = (values * 65535).astype(np.uint16) if dtype[1] == "u" else values.astype(np.float32)
    upscale = make_upscaler(Enlarger())
    result = upscale(native.astype(dtype))
    np.testing.assert_array_equal(result, upscale(native))
    assert result.dtype == native.dtype


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16"])
def test_pil_images_are_taken(mode):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    expected = np.asarray(image.convert("RGB") if mode == "P" else image.convert("L") if mode == "1" else image)
    upscale = make_upscaler(Enlarger())
    np.testing.assert_array_equal(upscale(image), upscale(np.array(expected)))


def test_a_pil_image_without_a_defined_white_is_refused():
    with pytest.raises(ValueError, match="image: expected 8 or 16 bits a channel, got Pillow's mode F"):
        make_upscaler(Enlarger())(Image.new("F", (4, 4)))


def test_knobs_move_the_idr_along_the_heads_directions(tmp_path, photograph):
    path = tmp_path / "net.safetensors"
    student = save_student_with_heads(path)
    lq = photograph[:30, :40]
    result = Upscaler.from_checkpoint(path, device="cpu", denoise=0.5, deblur=-1)(lq)
    idr, _ = student.estimate_idr(to_lq(lq))
    idr[0, :2] += torch.tensor([0.5, -1])
    assert_within_one(result, to_uint8(student.super_resolve(to_lq(lq), idr)))
    assert (result != Upscaler.from_checkpoint(path, device="cpu")(lq)).mean() > 0.1


def test_knobs_at_zero_change_no_bit(tmp_path, photograph):
    path = tmp_path / "net.safetensors"
    save_student_with_heads(path)
    image = photograph.astype(np.float32) / 255
    results = [Upscaler.from_checkpoint(path, device="cpu", **knobs)(image) for knobs in ({}, {"denoise": -0.0})]
    np.testing.assert_array_equal(*results)


def test_knobs_need_heads(checkpoint, photograph):
    with pytest.raises(ValueError, match="this model has no heads that read its IDR; make them: kdsr inspect"):
        Upscaler.from_checkpoint(checkpoint, device="cpu", denoise=1)
    assert not Upscaler.from_checkpoint(checkpoint, device="cpu", denoise=0).has_heads
    with pytest.raises(ValueError, match="denoise, deblur: a network estimates no IDR that could be moved"):
        make_upscaler(Enlarger(), deblur=0.1)
    with pytest.raises(ValueError, match="a network estimates no IDR"):
        make_upscaler(Enlarger()).diagnose(photograph)
