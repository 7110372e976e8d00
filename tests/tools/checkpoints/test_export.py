"""`kdsr export`: files that onnxruntime runs as PyTorch does, and none that differ."""

from pathlib import Path

import pytest
import torch
from option_files import PLUGIN_LINE, SMALL_NETWORKS, save_student, save_teacher

from kdsr_arch import KDSRStudent
from kdsr_tools.checkpoints import export as export_module
from kdsr_tools.checkpoints.loading import LoadedNetwork
from kdsr_tools.cli import main

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def export(*arguments):
    return main(["export", *map(str, arguments)])


def run(path, lq):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"lq": lq.numpy()})[0])


@pytest.fixture
def student():
    return KDSRStudent(2, **SMALL_NETWORKS["KDSRStudent"]).eval().requires_grad_(False)


@pytest.fixture
def checkpoint(tmp_path, student):
    torch.save(student.state_dict(), tmp_path / "net.pth")
    return tmp_path / "net.pth"


def test_a_file_for_any_size_gives_pytorchs_results(tmp_path, student, checkpoint, capsys):
    assert export(checkpoint, tmp_path / "net.onnx") == 0
    assert "LQ of any height and width; checked with onnxruntime at 45x71, largest diff" in capsys.readouterr().out
    for size in ((45, 71), (7, 100), (1, 1)):
        lq = torch.rand(1, 3, *size)
        torch.testing.assert_close(run(tmp_path / "net.onnx", lq), student(lq), atol=1e-5, rtol=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "net.pth"]


def test_a_file_for_one_size_takes_no_other(tmp_path, student, checkpoint, capsys):
    assert export(checkpoint, tmp_path / "net.onnx", "--size", "10x13") == 0
    assert "LQ 10x13; checked with onnxruntime at 10x13" in capsys.readouterr().out
    lq = torch.rand(1, 3, 10, 13)
    torch.testing.assert_close(run(tmp_path / "net.onnx", lq), student(lq), atol=1e-5, rtol=0)
    with pytest.raises(Exception, match="invalid dimensions"):
        run(tmp_path / "net.onnx", lq[..., :9])


def test_networks_with_windows_are_exported_for_multiples(tmp_path, capsys):
    block = {"upscale": 2, "upsampler": "pixelshuffledirect", **SMALL_NETWORKS["SwinIR"]}
    from basicsr.archs.swinir_arch import SwinIR

    torch.save(SwinIR(**block).state_dict(), tmp_path / "net.pth")
    (tmp_path / "net.yml").write_text(f"{PLUGIN_LINE}scale: 2\nnetwork_g: {{'type': 'SwinIR', {str(block)[1:]}\n")
    for size in ([], ["--size", "8x10"]):
        assert export(tmp_path / "net.pth", tmp_path / "net.onnx", "--opt", tmp_path / "net.yml", *size) == 1
        assert "takes only heights and widths that are multiples of 4: --size HxW" in capsys.readouterr().err
    assert export(tmp_path / "net.pth", tmp_path / "net.onnx", "--opt", tmp_path / "net.yml", "--size", "8x12") == 0


def test_a_file_that_gives_other_results_is_not_kept(tmp_path, checkpoint, monkeypatch, capsys):
    for wrong, message in (
        (lambda path, lq: run(path, lq) + 1e-3, r"gives other results, by up to 0.001; not kept"),
        (lambda path, lq: run(path, lq) * torch.nan, r"gives other results, by up to nan; not kept"),
        (lambda path, lq: run(path, lq)[..., :-1], r"gives (1, 3, 90, 141) instead of (1, 3, 90, 142); not kept"),
    ):
        monkeypatch.setattr(export_module, "_run", wrong)
        assert export(checkpoint, tmp_path / "net.onnx") == 1
        assert message in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def test_a_network_that_pytorch_cannot_export_is_explained(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, lq):
            return lq if lq.sum() > 0 else -lq

    with pytest.raises(ValueError, match=r"PyTorch cannot export this network .*; perhaps .* --size HxW"):
        export_module.export(LoadedNetwork(Odd(), 1, "odd", Path("net.pth")), to=tmp_path / "net.onnx")


def test_what_cannot_be_exported_is_explained(tmp_path, monkeypatch, capsys):
    student, teacher = save_student(tmp_path / "net.pth"), save_teacher(tmp_path / "teacher.pth")
    (tmp_path / "old.onnx").touch()
    for arguments, message in (
        ((student, "net.bin"), "net.bin: expected a name that ends in .onnx"),
        ((student, tmp_path / "old.onnx"), "old.onnx exists already; --overwrite replaces it"),
        ((teacher, tmp_path / "net.onnx"), "teacher.pth: this is a teacher's checkpoint"),
    ):
        assert export(*arguments) == 1
        assert message in capsys.readouterr().err
    monkeypatch.setattr(export_module, "find_spec", lambda name: None if name == "onnxscript" else name)
    assert export(student, tmp_path / "net.onnx") == 1
    assert "export needs onnxscript: pip install onnxscript" in capsys.readouterr().err
