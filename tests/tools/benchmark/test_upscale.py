"""The benchmark of whole images."""

import pytest
import torch

from kdsr_arch.inference.plain_student import PlainStudent
from kdsr_tools import cli
from kdsr_tools.benchmark import upscale as benchmark_upscale
from kdsr_tools.benchmark.upscale import CROP, MERGED, ONNX, OURS, PLAIN, Case


@pytest.fixture
def case(monkeypatch):
    monkeypatch.setitem(benchmark_upscale.NETWORKS, "tiny", {"num_feat": 8, "num_block": 1, "num_estimator_block": 0})
    return Case("tiny", 2, (9, 14), 1)


@pytest.mark.parametrize("name", [MERGED, OURS, CROP, ONNX])
@torch.no_grad()
def test_every_path_gives_the_plain_result(tmp_path, case, name):
    if name == ONNX:
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    plain, path = (benchmark_upscale.make_path(each, case, tmp_path) for each in (PLAIN, name))
    # The crop is larger than the image, so that its IDR is the image's.
    torch.testing.assert_close(path(case.make_image()), plain(case.make_image()), atol=1e-5, rtol=0)


def test_without_the_kernels_the_layers_are_pytorchs(tmp_path, case):
    restorer = benchmark_upscale.make_path(MERGED, case, tmp_path)
    assert isinstance(restorer.fast_parts, PlainStudent)
    assert restorer.reconstruction.merged is not None


def test_the_table_has_a_row_for_each_path_and_size(monkeypatch, capsys, case):
    monkeypatch.setattr(benchmark_upscale, "run_alone", lambda *arguments: 3 * 2**20)
    arguments = ["--sizes", "8x9", "10x7", "--paths", "plain", "ours", "--rounds", "1", "--scale", "2"]
    monkeypatch.setitem(benchmark_upscale.NETWORKS, "XS", benchmark_upscale.NETWORKS["tiny"])
    before = torch.get_num_threads()
    assert cli.main(["benchmark", "upscale", *arguments, "--network", "XS", "--threads", "1"]) == 0
    torch.set_num_threads(before)
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith(("| 8x9", "| 10x7"))]
    assert [row[:2] for row in rows] == [[f"| {size}", path] for size in ("8x9", "10x7") for path in (PLAIN, OURS)]
    assert rows[0][3:] == ["1.00", "3", "0.0e+00 |"]
    assert all(float(row[5].rstrip(" |")) < 1e-5 for row in rows)


def test_memory_is_that_of_a_process(tmp_path, case):
    before = torch.get_num_threads()
    assert benchmark_upscale.use_memory(OURS, case, tmp_path) > 50 * 2**20
    torch.set_num_threads(before)
