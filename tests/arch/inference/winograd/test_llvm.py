"""The layer over llvmlite, by small kernels."""

import ctypes

import pytest
import torch

pytest.importorskip("llvmlite")
from kdsr_arch.inference.winograd.llvm import Kernel, this_processor  # noqa: E402


def make_table(*numbers):
    return (ctypes.c_int64 * len(numbers))(*numbers)


def test_operators_work_on_all_lanes():
    k = Kernel("combine", arguments=("a", "b", "out"), numbers=("count",), lanes=4)
    with k.loop(0, k.numbers["count"], step=4) as place:
        a, b = (k.load(k.at(k.pointers[name], place)) for name in ("a", "b"))
        k.store(k.maximum(2.0 * a - b, a * b + a), k.at(k.pointers["out"], place))
    a, b, out = torch.randn(12), torch.randn(12), torch.zeros(12)
    k.compile()(a.data_ptr(), b.data_ptr(), out.data_ptr(), make_table(8))
    torch.testing.assert_close(out[:8], torch.maximum(2 * a - b, a * b + a)[:8])
    assert not out[8:].any()


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_reduction_carries_its_vectors(count):
    k = Kernel("sum_up", arguments=("a", "out"), numbers=("count",), lanes=4)
    with k.reduce(0, k.numbers["count"], initial=(k.zero(),)) as (place, (total,), results):
        results.append(total + k.spread(k.at(k.pointers["a"], place)))
    k.store(results[0], k.pointers["out"])
    a, out = torch.rand(5), torch.ones(4)
    k.compile()(a.data_ptr(), out.data_ptr(), make_table(count))
    torch.testing.assert_close(out, a[:count].sum().expand(4))


def test_each_job_is_claimed_once():
    k = Kernel("count_jobs", arguments=("out",), numbers=("next_job", "num_job"), lanes=4)
    with k.claim("next_job", k.numbers["num_job"]) as job:
        place = k.at(k.pointers["out"], k.mul(job, 4))
        one = k.spread(k.pointers["out"])
        k.store(k.load(place) + one, place)
    kernel, out, table = k.compile(), torch.zeros(16), make_table(1, 4)
    out[0] = 1  # what is added
    kernel(out.data_ptr(), table)
    kernel(out.data_ptr(), table)
    assert out.reshape(4, 4)[:, 0].tolist() == [1, 1, 1, 1] and table[0] > 4


def test_sums_in_double_precision_keep_what_floats_would_lose():
    k = Kernel("accumulate", arguments=("a", "totals"), numbers=("place",), lanes=4)
    k.accumulate(k.load(k.pointers["a"]), k.pointers["totals"], k.numbers["place"])
    kernel, a = k.compile(), torch.full((4,), 1e-6)
    totals = torch.full((8,), 1.0, dtype=torch.float64)
    kernel(a.data_ptr(), totals.data_ptr(), make_table(4))
    torch.testing.assert_close(
        totals, torch.tensor([1.0] * 4 + [1.000001] * 4, dtype=torch.float64), rtol=1e-12, atol=0
    )


def test_this_processor_has_vectors():
    processor = this_processor()
    assert processor.lanes in (4, 8, 16) and processor.registers in (16, 32)
