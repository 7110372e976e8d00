"""Whole images: exact whatever the tiles, within a memory limit, with and without the fast path."""

import pytest
import torch

from kdsr_arch import KDSRStudent
from kdsr_arch.inference import restorer as inference
from kdsr_arch.inference.plain_student import PlainStudent
from kdsr_arch.inference.restorer import PIECES_BYTES, ImageRestorer

SMALL = {"num_feat": 8, "num_block": 2, "num_estimator_block": 1}


@pytest.fixture(autouse=True)
def small_images_are_fast_too(monkeypatch):
    monkeypatch.setattr(inference, "FEWEST_FAST_PIXELS", 1)
    monkeypatch.setattr(inference, "FEWEST_FAST_MULTIPLICATIONS", 1)


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    return KDSRStudent(4, **SMALL).eval()


def make_fast_only(monkeypatch):
    """Let the kernels run wherever they work, whether they pay on this machine just now or not."""
    pytest.importorskip("llvmlite")
    monkeypatch.setattr("kdsr_arch.inference.winograd.fast_student.pays", lambda: True)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"direct_upsampler": True},
        {"num_estimator_feat": 12},
        {"num_feat": 20, "direct_upsampler": True, "num_estimator_feat": 5},
    ],
    ids=str,
)
@torch.no_grad()
def test_every_variant_gives_the_students_result(monkeypatch, fast, scale, variant):
    make_fast_only(monkeypatch)
    torch.manual_seed(0)
    student = KDSRStudent(scale, **{**SMALL, **variant}).eval()
    lq = torch.rand(1, 3, 23, 34)
    restored = ImageRestorer(student, fast=fast)(lq)
    torch.testing.assert_close(restored, student(lq), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (2, 33), (3, 5), (45, 31), (17, 64)])
@torch.no_grad()
def test_odd_sizes_give_the_students_result(monkeypatch, student, fast, size):
    make_fast_only(monkeypatch)
    lq = torch.rand(1, 3, *size)
    torch.testing.assert_close(ImageRestorer(student, fast=fast)(lq), student(lq), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("tile_size", [1, 3, 7, 16, 40])
@torch.no_grad()
def test_tiles_of_any_size_give_the_whole_images_result(monkeypatch, student, fast, tile_size):
    make_fast_only(monkeypatch)
    lq = torch.rand(1, 3, 19, 41)
    whole, tiled = ImageRestorer(student, fast=fast), ImageRestorer(student, fast=fast, tile_size=tile_size)
    idr = whole.estimate_idr(lq)
    torch.testing.assert_close(tiled.estimate_idr(lq), idr, atol=1e-6, rtol=0)
    torch.testing.assert_close(tiled.super_resolve(lq, idr), whole.super_resolve(lq, idr), atol=1e-6, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
@torch.no_grad()
def test_a_memory_limit_changes_the_pieces_and_not_the_result(monkeypatch, student, fast):
    make_fast_only(monkeypatch)
    lq = torch.rand(1, 3, 70, 90)
    whole = ImageRestorer(student, fast=fast)
    parts = whole._parts(lq)
    limited = ImageRestorer(student, fast=fast, max_memory=PIECES_BYTES + 1800 * parts.body_pixel_bytes)
    boxes = limited._plan(70, 90, pixel_bytes=parts.body_pixel_bytes, margin=8)
    assert len(boxes) > 4
    torch.testing.assert_close(limited(lq), whole(lq), atol=1e-6, rtol=0)


@pytest.mark.parametrize("pieces", [2, 50])
@torch.no_grad()
def test_the_upsamplers_pieces_do_not_show(monkeypatch, student, pieces):
    monkeypatch.setattr("kdsr_arch.inference.reconstruction.STRIP_PIXELS", pieces)
    lq = torch.rand(1, 3, 9, 14)
    for fast in (False, True):
        restorer = ImageRestorer(student, fast=fast)
        restorer.reconstruction.piece_size = pieces
        torch.testing.assert_close(restorer(lq), student(lq), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_given_idr_replaces_the_images_own(student):
    lq = torch.rand(1, 3, 12, 12)
    idr = ImageRestorer(student).estimate_idr(lq) + 1
    restored = ImageRestorer(student)(lq, idr=idr)
    torch.testing.assert_close(restored, student.super_resolve(lq, idr), atol=1e-5, rtol=0)
    assert not torch.allclose(restored, student(lq), atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_a_network_in_half_precision_gives_fp32_near_the_exact_result(student, dtype):
    lq = torch.rand(1, 3, 12, 15)
    half = KDSRStudent(4, **SMALL).eval()
    half.load_state_dict(student.state_dict())
    restored = ImageRestorer(half.to(dtype))(lq)
    assert restored.dtype == torch.float32
    torch.testing.assert_close(restored, student(lq), atol=0.02, rtol=0)


def test_without_llvmlite_plain_layers_restore(monkeypatch, student):
    monkeypatch.setitem(__import__("sys").modules, "kdsr_arch.inference.winograd.fast_student", None)
    restorer = ImageRestorer(student)
    lq = torch.rand(1, 3, 12, 15)
    with torch.no_grad():
        torch.testing.assert_close(restorer(lq), student(lq), atol=1e-5, rtol=0)
    assert isinstance(restorer.fast_parts, PlainStudent)


def test_where_kernels_do_not_pay_plain_layers_restore(monkeypatch, student):
    pytest.importorskip("llvmlite")
    monkeypatch.setattr("kdsr_arch.inference.winograd.fast_student.pays", lambda: False)
    restorer = ImageRestorer(student)
    restorer(torch.rand(1, 3, 5, 6))
    assert isinstance(restorer.fast_parts, PlainStudent)


@pytest.mark.parametrize("broken", ["load", "accumulate", "compile"])
def test_a_newer_llvmlite_that_fails_leaves_the_work_to_plain_layers(monkeypatch, caplog, student, broken):
    make_fast_only(monkeypatch)
    from kdsr_arch.inference import winograd
    from kdsr_arch.inference.winograd import kernel

    def fail(*args, **kwargs):
        raise TypeError("typed pointers are gone")

    kernel.convolution_kernel.cache_clear()
    winograd._report.cache_clear()
    monkeypatch.setattr(kernel.Kernel, broken, fail)
    lq = torch.rand(1, 3, 12, 15)
    with torch.no_grad():
        for restorer in (ImageRestorer(student), ImageRestorer(student)):
            torch.testing.assert_close(restorer(lq), student(lq), atol=1e-5, rtol=0)
            assert isinstance(restorer.fast_parts, PlainStudent)
    (record,) = caplog.records
    assert record.getMessage().endswith("(TypeError: typed pointers are gone)")


@pytest.mark.parametrize(("pixels", "multiplications"), [(5 * 6 + 1, 1), (1, 5 * 6 * 11160 + 1)])
def test_for_small_images_the_kernels_are_not_prepared(monkeypatch, student, pixels, multiplications):
    make_fast_only(monkeypatch)
    monkeypatch.setattr(inference, "FEWEST_FAST_PIXELS", pixels)
    monkeypatch.setattr(inference, "FEWEST_FAST_MULTIPLICATIONS", multiplications)
    restorer = ImageRestorer(student)
    restorer(torch.rand(1, 3, 5, 6))
    assert restorer.fast_parts is None
    restorer(torch.rand(1, 3, 5, 7))
    assert restorer.fast_parts is not None


class OutOfMemoryAbove:
    """A student's parts on a device that has room for so many pixels."""

    def __init__(self, parts, pixels):
        self.parts, self.pixels, self.done = parts, pixels, []
        self.alignment = parts.alignment

    def _check(self, image):
        if image.shape[2] * image.shape[3] > self.pixels:
            raise torch.OutOfMemoryError("fake")
        self.done.append(tuple(image.shape[2:]))

    def extract_features(self, lq, idr):
        self._check(lq)
        return self.parts.extract_features(lq, idr)

    def sum_features(self, image, boxes):
        self._check(image)
        return self.parts.sum_features(image, boxes)

    body_pixel_bytes = estimator_pixel_bytes = 1


@torch.no_grad()
def test_tiles_are_halved_where_memory_runs_out(monkeypatch, student):
    restorer = ImageRestorer(student)
    device = OutOfMemoryAbove(PlainStudent(student), 48 * 48)
    monkeypatch.setattr(restorer, "_parts", lambda lq: device)
    lq = torch.rand(1, 3, 64, 80)
    torch.testing.assert_close(restorer(lq), student(lq), atol=1e-5, rtol=0)
    assert len(device.done) > 4 and max(height * width for height, width in device.done) <= 48 * 48


def test_memory_that_is_too_small_for_any_tile_is_an_error_in_the_end(monkeypatch, student):
    restorer = ImageRestorer(student)
    monkeypatch.setattr(restorer, "_parts", lambda lq: OutOfMemoryAbove(PlainStudent(student), 10))
    with pytest.raises(torch.OutOfMemoryError):
        restorer(torch.rand(1, 3, 64, 80))


def test_a_limit_that_is_too_small_names_the_smallest_that_works(student):
    lq, idr = torch.rand(1, 3, 100, 100), torch.zeros(1, 8)
    with pytest.raises(ValueError, match="max_memory: expected at least") as caught:
        ImageRestorer(student, fast=False, max_memory=1000).super_resolve(lq, idr)
    smallest = int(str(caught.value).split("at least ")[1].split()[0])
    assert smallest == PIECES_BYTES + (16 + 2 * 8) ** 2 * 6 * 8 * 4
    ImageRestorer(student, fast=False, max_memory=smallest).super_resolve(lq, idr)


@pytest.mark.parametrize("shape", [(3, 5, 5), (2, 3, 5, 5), (1, 4, 5, 5), (1, 3, 0, 5)])
def test_anything_but_one_rgb_image_is_an_error(student, shape):
    with pytest.raises(ValueError, match="lq: expected one image"):
        ImageRestorer(student).estimate_idr(torch.zeros(shape))


def test_an_idr_of_another_length_is_an_error(student):
    with pytest.raises(ValueError, match=r"idr: expected \(1, 8\)"):
        ImageRestorer(student).super_resolve(torch.zeros(1, 3, 5, 5), torch.zeros(1, 64))


def test_a_tile_size_below_one_is_an_error(student):
    with pytest.raises(ValueError, match="tile_size: expected at least 1"):
        ImageRestorer(student, tile_size=0)


@pytest.mark.parametrize("settings", [{}, {"tile_size": 11}, {"fast": False}])
@torch.no_grad()
def test_tiles_have_their_own_averages_and_the_whole_has_its_mean(monkeypatch, student, settings):
    make_fast_only(monkeypatch)
    lq = torch.rand(1, 3, 37, 26)
    restorer = ImageRestorer(student, **settings)
    whole, tiles = restorer.pool_tiles(lq, tile_size=16)
    features = student.estimator.extract_features(lq)
    assert tiles.shape == (3, 2, 32)
    torch.testing.assert_close(whole.float(), features.mean(dim=(2, 3)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(whole, restorer.pool_features(lq), atol=1e-6, rtol=1e-4)
    for row, column in ((0, 0), (1, 1), (2, 0), (2, 1)):
        expected = features[0, :, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16].mean(dim=(1, 2))
        torch.testing.assert_close(tiles[row, column].float(), expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_averages_give_idr_and_idr_prime(student):
    restorer, lq = ImageRestorer(student), torch.rand(1, 3, 20, 20)
    idr, idr_prime = student.estimate_idr(lq)
    features = restorer.pool_features(lq)
    torch.testing.assert_close(restorer.summarise(features), idr, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(restorer.summarise_to_idr_prime(features), idr_prime, atol=1e-5, rtol=1e-4)
