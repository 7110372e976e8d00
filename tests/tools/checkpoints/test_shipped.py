"""The shipped models: listed by what their files say, found by name or path."""

import numpy as np
import pytest
import skimage.data
import torch
from option_files import SMALL_NETWORKS
from safetensors.torch import load_file, save_file

from kdsr_arch import KDSRStudent
from kdsr_arch.inference.restorer import ImageRestorer
from kdsr_data.degradations import bicubic_resize, build_degradation
from kdsr_tools import Upscaler
from kdsr_tools.checkpoints import shipped as shipped_models
from kdsr_tools.checkpoints.shipped import default_model, find_checkpoint, list_models, load_model, short_names
from kdsr_tools.compare.metrics import measure_colour_shift
from kdsr_tools.evaluation import score

HEADER = {"description": "small", "scale": "4", "degradations": "blur", "licence": "MIT"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped_models, "WEIGHTS", tmp_path)
    for name, header in (("b", {**HEADER, "name": "KDSR-B"}), ("a", {})):
        save_file({"w": torch.zeros(1)}, tmp_path / f"{name}.safetensors", metadata=header)
    return tmp_path


def test_files_describe_themselves(folder):
    first, second = list_models()
    assert (first.name, first.path, first.licence) == ("KDSR-B", folder / "b.safetensors", "MIT")
    assert (first.description, first.scale, first.degradations) == ("small", "4", "blur")
    assert (second.name, second.description) == ("a", "")


def test_names_are_found_in_any_case_and_paths_as_they_are(folder, tmp_path):
    assert find_checkpoint("kdsr-b") == folder / "b.safetensors"
    (tmp_path / "mine.pth").write_bytes(b"")
    assert find_checkpoint(str(tmp_path / "mine.pth")) == tmp_path / "mine.pth"
    with pytest.raises(
        FileNotFoundError, match=r"c: there is no such checkpoint file, .*\(known models: KDSR-B, a, faithful\)"
    ):
        find_checkpoint("c")


def test_a_folder_stands_for_the_weights_in_it(folder, tmp_path):
    KDSRStudent(2, num_feat=8, num_block=1, num_estimator_block=1).save_pretrained(tmp_path / "mine")
    assert find_checkpoint(str(tmp_path / "mine")) == tmp_path / "mine" / "model.safetensors"
    assert Upscaler.from_checkpoint(tmp_path / "mine", device="cpu").scale == 2
    with pytest.raises(FileNotFoundError, match="there is no such checkpoint file"):
        find_checkpoint(str(tmp_path))


def test_a_model_that_shipped_once_names_the_one_in_its_place(folder, tmp_path):
    save_file(
        {"w": torch.zeros(1)}, folder / "c.safetensors", metadata={"name": "new", "replaces": "old-real, old-blur"}
    )
    with pytest.raises(FileNotFoundError, match="Old-Blur: this model ships no longer; new takes its place"):
        find_checkpoint("Old-Blur")
    mine = tmp_path / "old-real"
    mine.write_bytes(b"")
    assert find_checkpoint(str(mine)) == mine


def test_the_first_is_the_default_unless_one_says_that_it_is(folder):
    assert default_model().name == "KDSR-B"
    save_file({"w": torch.zeros(1)}, folder / "c.safetensors", metadata={"default": "yes"})
    assert default_model().name == "c"


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Ship a default model and one that sharpens it; a third has nothing to do with them."""
    monkeypatch.setattr(shipped_models, "WEIGHTS", tmp_path)
    headers = {"old": {"default": "yes"}, "new": {"sharpens": "old"}, "other": {}}
    for seed, (name, header) in enumerate(headers.items()):
        torch.manual_seed(seed)
        weights = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"]).state_dict()
        save_file(weights, tmp_path / f"{name}.safetensors", metadata={**HEADER, "name": name, **header})
    return tmp_path


def test_the_default_and_the_one_that_sharpens_it_have_short_names(pair):
    assert find_checkpoint("faithful") == pair / "old.safetensors"
    assert find_checkpoint("Sharp") == pair / "new.safetensors"
    assert {name: model.name for name, model in short_names().items()} == {"faithful": "old", "sharp": "new"}


@pytest.mark.parametrize("name", [None, "old", "new", "sharp"])
def test_a_sharpness_mixes_a_model_with_its_pair(pair, name):
    mixed = load_model(name, sharpness=0.25)
    old, new = (load_file(pair / f"{end}.safetensors")["sr_network.conv_last.weight"] for end in ("old", "new"))
    torch.testing.assert_close(mixed.network.sr_network.conv_last.weight, 0.75 * old + 0.25 * new)
    assert mixed.description == "old to new, sharpness 0.25: KDSR student x4, 8 features, 1 blocks"
    upscaler = Upscaler.from_shipped(name, sharpness=0.25, device="cpu")
    assert upscaler.loaded.sharpness == 0.25


def test_a_file_of_ones_own_names_the_model_that_it_sharpens(pair, tmp_path):
    weights = load_file(pair / "new.safetensors")
    save_file(weights, tmp_path / "mine.st.safetensors", metadata={"sharpens": "other"})
    path = str(tmp_path / "mine.st.safetensors")
    assert load_model(path, sharpness=0).network.sr_network.conv_last.weight.equal(
        load_file(pair / "other.safetensors")["sr_network.conv_last.weight"]
    )


def test_a_model_without_a_pair_is_refused_with_a_sentence(pair):
    with pytest.raises(
        ValueError, match="sharpness: other is no pair's model: expected a shipped one that has a sharp"
    ):
        load_model("other", sharpness=0.5)
    with pytest.raises(ValueError, match="sharpness: expected 0"):
        load_model("old", sharpness=2)
    with pytest.raises(ValueError, match="need no option file"):
        load_model("old", sharpness=0.5, option_file="net.yml")


def test_an_installation_without_models_says_so(folder):
    for path in folder.glob("*.safetensors"):
        path.unlink()
    assert list_models() == []
    with pytest.raises(ValueError, match="no model ships with this installation"):
        default_model()
    with pytest.raises(
        FileNotFoundError, match=r"no shipped model of that name \(no model ships with this installation\)"
    ):
        find_checkpoint("x")


@pytest.mark.parametrize(
    ("degradation", "gain"),
    [
        ({"type": "ClassicDegradation"}, 1.2),
        ({"type": "ClassicDegradation", "sigma": 0.6, "noise_sigma_255": 2, "jpeg_quality": 80}, 0.6),
        ({"type": "ClassicDegradation", "sigma": 2.4}, 2.5),
        ({"type": "ClassicDegradation", "sigma": 2, "noise_sigma_255": 15}, 0.6),
        ({"type": "SecondOrderDegradation"}, 0.7),
    ],
)
@pytest.mark.parametrize("name", [model.name for model in list_models() if not model.sharpens])
def test_a_shipped_model_restores_what_it_is_for_better_than_bicubic(name, degradation, gain):
    gt = np.ascontiguousarray(skimage.data.astronaut()[:256, 64:320])  # of much smaller parts, the gain is chance
    degrade = build_degradation({"scale": 4, **degradation})
    upscale = Upscaler.from_shipped(name, device="cpu")
    gains = []
    for seed in range(4):
        lq = degrade(gt.astype(np.float32) / 255, np.random.default_rng(seed))
        bicubic = (bicubic_resize(lq, 4).clip(0, 1) * 255).round().astype(np.uint8)
        psnr = [score(image, gt, scale=4)["psnr"] for image in (bicubic, upscale((lq * 255).round().astype(np.uint8)))]
        gains.append(psnr[1] - psnr[0])
    assert np.mean(gains) > gain


@pytest.mark.parametrize("degradation", [{"type": "ClassicDegradation"}, {"type": "SecondOrderDegradation"}])
@pytest.mark.parametrize("model", [model for model in list_models() if model.sharpens], ids=lambda model: model.name)
def test_a_sharp_model_strays_only_so_far_from_the_faithful_one(photograph, model, degradation):
    gt = np.ascontiguousarray(photograph)
    lq = build_degradation({"scale": 4, **degradation})(gt.astype(np.float32) / 255, np.random.default_rng(0))
    lq = (lq * 255).round().astype(np.uint8)
    faithful, half, sharp = (
        Upscaler.from_shipped(model.name, sharpness=sharpness, device="cpu")(lq) for sharpness in (0, 0.5, 1)
    )
    psnr = [score(image, gt, scale=4)["psnr"] for image in (faithful, half, sharp)]
    assert psnr[0] - 3 < psnr[2] < psnr[1]
    assert psnr[0] - 1 < psnr[1]
    assert measure_colour_shift(sharp, gt, border=4) < 3
    steps = [np.abs(np.diff(image.astype(int), axis=0)).mean() for image in (faithful, sharp)]
    assert steps[1] > steps[0]


def test_for_one_small_picture_the_default_prepares_no_kernels():
    restorer = ImageRestorer(load_model().network)  # making them takes a second, restoring 64x64 pixels a twentieth
    for side, are_prepared in ((64, False), (128, True)):
        restorer(torch.zeros(1, 3, side, side))
        assert (restorer.fast_parts is not None) == are_prepared


def test_what_ships_is_described_and_one_is_the_default():
    models = list_models()
    assert [model.name for model in models if model.is_default] == ["kdsr-s-x4"]
    assert all(model.description and model.degradations and model.licence == "MIT" for model in models)
    assert all(model.path.stem == model.name and model.path.stat().st_size < 4e6 for model in models)


def test_the_specialists_that_shipped_once_name_the_blind_model():
    for name in ("kdsr-xs-real-x4", "kdsr-xs-classic-x4", "kdsr-xs-isotropic-x4"):
        with pytest.raises(FileNotFoundError, match=f"{name}: this model ships no longer; kdsr-s-x4 takes its place"):
            find_checkpoint(name)


@pytest.mark.parametrize("name", [model.name for model in list_models()])
def test_a_shipped_model_loads_through_spandrel(name):
    spandrel = pytest.importorskip("spandrel", reason="the extra spandrel is not installed")
    from kdsr_arch.spandrel_support import install

    install(registry := spandrel.MAIN_REGISTRY.copy())
    descriptor = spandrel.ModelLoader(registry=registry).load_from_file(find_checkpoint(name))
    student = shipped_models.load_model(name).network
    assert (descriptor.architecture.id, descriptor.scale) == ("KDSR", student.scale)
    lq = torch.rand(1, 3, 30, 22)
    with torch.no_grad():
        torch.testing.assert_close(descriptor(lq), student(lq).clamp(0, 1), atol=1e-5, rtol=0)


def test_the_default_says_what_happened_to_a_picture_it_has_not_seen():
    gt = skimage.data.chelsea()[:300, :448].astype(np.float32) / 255
    diagnose = Upscaler.default(device="cpu").diagnose
    block = {"type": "ClassicDegradation", "scale": 4}
    noisy, blurred, compressed, clean = (
        diagnose(build_degradation(block | damage)(gt, np.random.default_rng(0)))
        for damage in ({"noise_sigma_255": 15}, {"sigma": 3.2}, {"jpeg_quality": 40}, {})
    )
    assert noisy.noise.low <= 15 <= noisy.noise.high and noisy.noise.low > 8
    assert blurred.blur.low > clean.blur.high and not blurred.is_clean
    assert compressed.jpeg.low <= 40 <= compressed.jpeg.high and compressed.jpeg.high < 70
    assert clean.is_clean is not False and clean.jpeg.low > 80 and clean.noise.high < 5
