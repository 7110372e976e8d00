"""The networks on the kernels, against their own layers."""

import pytest
import torch

from kdsr_arch import KDSRStudent
from kdsr_arch.inference.plain_student import PlainStudent

pytest.importorskip("llvmlite")
from kdsr_arch.inference import winograd  # noqa: E402
from kdsr_arch.inference.tiling import split_rows
from kdsr_arch.inference.winograd import fast_student as fast_network  # noqa: E402
from kdsr_arch.inference.winograd.fast_student import FastStudent  # noqa: E402


@pytest.fixture(scope="module", params=[{}, {"num_feat": 40, "num_estimator_feat": 16}], ids=str)
def student(request):
    torch.manual_seed(0)
    sizes = {"num_feat": 8, "num_block": 2, "num_estimator_block": 1}
    return KDSRStudent(2, **{**sizes, **request.param}).eval().requires_grad_(False)


@pytest.mark.parametrize("size", [(1, 1), (6, 50), (37, 22)])
def test_features_are_those_of_the_plain_layers(student, size):
    lq = torch.rand(1, 3, *size)
    idr = student.estimate_idr(lq)[0]
    expected = PlainStudent(student).extract_features(lq, idr)
    torch.testing.assert_close(FastStudent(student).extract_features(lq, idr), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("box", [(0, 37, 0, 22), (5, 11, 3, 22), (36, 37, 0, 1)])
@pytest.mark.parametrize("wide_pixels", [1, 60, 10000])
def test_sums_over_any_part_are_those_of_the_plain_layers(monkeypatch, student, box, wide_pixels):
    monkeypatch.setattr(fast_network, "WIDE_PIXELS", wide_pixels)
    image = torch.rand(1, 3, 37, 22)
    whole = student.estimator.extract_features(image).double()
    expected = whole[:, :, box[0] : box[1], box[2] : box[3]].sum(dim=(2, 3))
    for parts in (PlainStudent(student), FastStudent(student)):
        torch.testing.assert_close(parts.sum_features(image, [box]), expected, atol=1e-4, rtol=1e-5)
        strips = parts.sum_features(image, list(split_rows(box, 30)))
        torch.testing.assert_close(strips.sum(dim=0, keepdim=True), expected, atol=1e-4, rtol=1e-5)


def test_kernels_that_are_wrong_do_not_pay(monkeypatch):
    monkeypatch.setattr(fast_network.FastConv, "__call__", lambda *args, **kwargs: None)
    assert not fast_network.pays.__wrapped__()


@pytest.mark.parametrize("error", [RuntimeError("LLVM ERROR: no such processor"), AttributeError("as_pointer")])
def test_kernels_that_cannot_be_made_do_not_pay_and_it_is_logged_once(monkeypatch, caplog, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(fast_network.FastConv, "__call__", fail)
    winograd._report.cache_clear()
    assert not fast_network.pays.__wrapped__()
    assert not fast_network.pays.__wrapped__()
    (record,) = caplog.records
    assert record.getMessage().endswith(f"({type(error).__name__}: {error})")


def test_kernels_pay_only_where_they_are_faster(monkeypatch):
    seconds = iter([1.0, 2.0, 2.0, 1.0])
    monkeypatch.setattr(fast_network, "_shortest", lambda work: (work(), next(seconds))[1])
    assert fast_network.pays.__wrapped__()
    assert not fast_network.pays.__wrapped__()
