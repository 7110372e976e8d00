"""KDSR in spandrel: what is told by the weights, results that are the student's own, and who is taken for whom."""

import subprocess
import sys
from importlib import import_module

import pytest
import torch
from official_weights import LAYOUTS, official_weights
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_arch.weights import to_official_names

spandrel = pytest.importorskip("spandrel", reason="the extra spandrel is not installed")
from spandrel import architectures  # noqa: E402

from kdsr_arch.spandrel_support import KDSR, KDSRArch, install  # noqa: E402

SIZES = {"XS": (32, 16, 2, 16, True), "S": (48, 24, 2, 16, True), "M": (64, 53, 9, 64, False)}
NAMES = ("num_feat", "num_block", "num_estimator_block", "num_estimator_feat", "direct_upsampler")
STRANGERS = {
    "Compact": lambda: architectures.Compact.Compact(num_feat=8, num_conv=2),
    "DnCNN": lambda: architectures.DnCNN.DnCNN(in_nc=3, out_nc=3, nc=8, nb=9, act_mode="R"),
    "ESRGAN": lambda: architectures.ESRGAN.ESRGAN(num_filters=8, num_blocks=1),
    "OmniSR": lambda: architectures.OmniSR.OmniSR(num_feat=8, res_num=1),
    "PLKSR": lambda: architectures.PLKSR.RealPLKSR(dim=16, n_blocks=1),
    "RCAN": lambda: architectures.RCAN.RCAN(n_resgroups=1, n_resblocks=1, n_feats=8, reduction=4),
    "SAFMN": lambda: architectures.SAFMN.SAFMN(dim=8, n_blocks=1),
    "SPAN": lambda: architectures.SPAN.SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8),
    "SwiftSRGAN": lambda: architectures.SwiftSRGAN.SwiftSRGAN(num_channels=8, num_blocks=1),
}


@pytest.fixture
def loader():
    """A `ModelLoader` that knows KDSR beside all that spandrel ships; that of other tests stays as it is."""
    registry = spandrel.MAIN_REGISTRY.copy()
    (added,) = install(registry)
    assert added.architecture.id == "KDSR"
    return spandrel.ModelLoader(registry=registry)


def assert_same_result(descriptor, student, lq, *, atol=0.0):
    with torch.no_grad():
        expected = student.eval()(lq).clamp(0, 1)
    torch.testing.assert_close(descriptor(lq), expected, atol=atol, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("light", [{}, {"num_estimator_feat": 4, "direct_upsampler": True}])
def test_a_student_is_told_by_its_weights(loader, small, scale, light):
    student = KDSRStudent(scale, **small, **light)
    descriptor = loader.load_from_state_dict(student.state_dict())
    full = {"num_estimator_feat": small["num_feat"], "direct_upsampler": False}
    assert descriptor.model.hyperparameters == {"scale": scale, **small, **full, **light}
    assert (descriptor.architecture.name, descriptor.purpose, descriptor.scale) == ("KDSR", "SR", scale)
    assert (descriptor.input_channels, descriptor.output_channels) == (3, 3)
    assert (descriptor.supports_half, descriptor.supports_bfloat16) == (True, True)
    assert descriptor.tiling == spandrel.ModelTiling.INTERNAL
    assert descriptor.size_requirements.none
    assert descriptor.tags == ["8nf", "2nb"]
    for size in ((1, 1), (1, 7), (9, 6)):
        assert_same_result(descriptor, student, torch.rand(1, 3, *size), atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_detected(loader, size, scale):
    arguments = {"scale": scale, **dict(zip(NAMES, SIZES[size], strict=True))}
    with torch.device("meta"):
        descriptor = loader.registry.load(KDSR(**arguments).state_dict())
    assert descriptor.model.hyperparameters == arguments


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated")  # spandrel tries it first on every .pt file
@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.safetensors"])
@pytest.mark.parametrize("spell", [dict, to_official_names])
def test_files_load_wrapped_or_bare_and_in_half_precision(loader, tmp_path, student, name, spell):
    weights = spell(student.half().state_dict())
    if name.endswith(".safetensors"):
        save_file(weights, tmp_path / name, metadata={"kind": "student"})
    else:
        other = {key: torch.zeros_like(value) for key, value in weights.items()}
        torch.save({"params": other, "params_ema": weights} if name == "net.pth" else weights, tmp_path / name)
    descriptor = loader.load_from_file(tmp_path / name)
    assert descriptor.dtype == torch.float32
    assert_same_result(descriptor, student.float(), torch.rand(1, 3, 9, 7), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if "student" in name])
def test_the_authors_checkpoints_load(loader, name):
    layout = LAYOUTS[name]
    descriptor = loader.load_from_state_dict({f"module.{key}": v for key, v in official_weights(name).items()})
    assert descriptor.tags == [f"{layout['n_feats']}nf", f"{layout['n_blocks']}nb"]
    assert descriptor.model.hyperparameters["num_estimator_block"] == layout["n_res"]


def test_results_are_the_authors(loader, golden):
    data = golden("network_student_x4")
    weights = {key.removeprefix("param/"): torch.from_numpy(data[key]) for key in data if key.startswith("param/")}
    sr = loader.load_from_state_dict(weights)(torch.from_numpy(data["lq"])[:1])
    torch.testing.assert_close(sr, torch.from_numpy(data["sr"])[:1].clamp(0, 1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [None, *(name for name in LAYOUTS if "teacher" in name)])
def test_a_teacher_is_refused_with_the_reason(loader, teacher, name):
    weights = official_weights(name) if name else teacher.state_dict()
    with pytest.raises(spandrel.UnsupportedModelError, match="a teacher's checkpoint; .* name the student"):
        loader.load_from_state_dict(weights)


@pytest.mark.parametrize("build", [KDSRStudent, KDSRTeacher])
@pytest.mark.parametrize("spell", [dict, to_official_names])
def test_nobody_else_takes_our_weights_for_their_own(small, build, spell):
    weights = spell(build(2, **small).state_dict())
    assert [support.architecture.id for support in spandrel.MAIN_REGISTRY if support.detect(weights)] == []
    assert KDSRArch().detect(weights)


@pytest.mark.parametrize("name", STRANGERS)
def test_we_take_nobody_elses_weights_for_ours(loader, name):
    weights = STRANGERS[name]().state_dict()
    assert not KDSRArch().detect(weights)
    assert loader.load_from_state_dict(weights).architecture.id == name


def test_a_student_without_its_estimator_is_not_ours(student):
    weights = {key: value for key, value in student.state_dict().items() if not key.startswith("estimator")}
    assert not KDSRArch().detect(weights)


def test_a_network_that_moves_or_changes_its_precision_is_followed(loader, student):
    descriptor, lq = loader.load_from_state_dict(student.state_dict()), torch.rand(1, 3, 9, 7)
    single = descriptor(lq)
    for dtype, tolerance in ((torch.bfloat16, 0.05), (torch.float16, 0.01)):
        half = descriptor.to(dtype)(lq.to(dtype))
        assert half.dtype == dtype
        torch.testing.assert_close(half.float(), single, atol=tolerance, rtol=0)


def test_several_images_at_once_have_an_idr_each(loader, student):
    lq = torch.rand(2, 3, 9, 7)
    assert_same_result(loader.load_from_state_dict(student.state_dict()), student, lq, atol=1e-5)


def test_an_image_in_tiles_has_one_idr(loader, student):
    descriptor, lq = loader.load_from_state_dict(student.state_dict()), torch.rand(1, 3, 40, 40)
    descriptor(lq)
    descriptor._call_fn.restorer.tile_size = 16
    assert_same_result(descriptor, student, lq, atol=1e-5)


def test_installing_twice_changes_nothing(loader):
    assert install(loader.registry) == []
    assert len(loader.registry) == len(spandrel.MAIN_REGISTRY) + 1


def test_without_spandrel_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    monkeypatch.delitem(sys.modules, "kdsr_arch.spandrel_support")
    with pytest.raises(ModuleNotFoundError, match=r"needs spandrel, .*: pip install 'kdsr\[spandrel\]'") as caught:
        import_module("kdsr_arch.spandrel_support")
    assert caught.value.name == "spandrel"


def test_only_who_asks_gets_spandrel_and_then_every_loader_knows_kdsr():
    script = (
        "import sys, kdsr_arch; assert 'spandrel' not in sys.modules\n"
        "from kdsr_arch import spandrel_support; spandrel_support.install()\n"
        "from spandrel import ModelLoader\n"
        "print(ModelLoader().load_from_state_dict(kdsr_arch.KDSRStudent(2, 8, 1, 1).state_dict()).architecture.id)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "KDSR\n", done.stderr
