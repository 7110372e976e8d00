"""Loading networks: what the weights tell, what option files and spandrel add, and what is said about misfits."""

import pytest
import torch
from basicsr.archs.srresnet_arch import MSRResNet
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from option_files import PLUGIN_LINE, SMALL_NETWORKS, save_student, save_teacher
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent
from kdsr_tools.checkpoints import loading as networks
from kdsr_tools.checkpoints.loading import SizePaddedNetwork, load_network

SMALL = SMALL_NETWORKS["KDSRStudent"]


@pytest.fixture
def student():
    return KDSRStudent(2, **SMALL).eval()


def write_network_options(path, block, *, scale=2):
    path.write_text(f"{PLUGIN_LINE}scale: {scale}\nnetwork_g: {block}\n")
    return path


def assert_same_network(loaded, expected, lq):
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(lq), expected(lq), atol=0, rtol=0)


@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.safetensors"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_student_is_told_by_its_weights(tmp_path, student, name, prefix):
    weights = {prefix + key: value for key, value in student.state_dict().items()}
    if name.endswith(".safetensors"):
        save_file(weights, tmp_path / name)
    else:
        torch.save({"params": weights}, tmp_path / name)
    loaded = load_network(tmp_path / name)
    assert (loaded.scale, loaded.path) == (2, tmp_path / name)
    assert loaded.description == "KDSR student x2, 8 features, 1 blocks"
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    assert_same_network(loaded, student, torch.rand(1, 3, 9, 7))


def test_the_averaged_weights_are_preferred(tmp_path, student):
    other = {key: torch.zeros_like(value) for key, value in student.state_dict().items()}
    torch.save({"params": other, "params_ema": student.state_dict()}, tmp_path / "net.pth")
    assert_same_network(load_network(str(tmp_path / "net.pth")), student, torch.rand(1, 3, 9, 7))


def test_half_precision_weights_become_single(tmp_path, student):
    save_file({key: value.half() for key, value in student.state_dict().items()}, tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net.safetensors")
    assert {parameter.dtype for parameter in loaded.network.parameters()} == {torch.float32}
    assert_same_network(loaded, student.half().float(), torch.rand(1, 3, 9, 7))


def test_a_teacher_is_refused_with_the_reason(tmp_path):
    path = save_teacher(tmp_path / "teacher.pth", scale=2)
    options = write_network_options(tmp_path / "net.yml", {"type": "KDSRTeacher", **SMALL})
    for option_file in (None, options):
        with pytest.raises(ValueError, match=r"teacher\.pth: this is a teacher's checkpoint; a teacher needs the orig"):
            load_network(path, option_file=option_file)


def test_keys_that_do_not_fit_are_named(tmp_path, student):
    weights = student.state_dict()
    del weights["sr_network.conv_body.bias"]
    weights["surplus"] = torch.zeros(1)
    weights["estimator.linear1.bias"] = torch.zeros(3)
    torch.save(weights, tmp_path / "net.pth")
    expected = (
        r"net\.pth: the weights do not fit KDSRStudent: 1 are missing \(sr_network\.conv_body\.bias\); "
        r"1 are unknown to it \(surplus\); 1 have other sizes \(estimator\.linear1\.bias is 3 instead of 32\)"
    )
    with pytest.raises(ValueError, match=expected):
        load_network(tmp_path / "net.pth")


def test_long_lists_of_keys_are_cut(tmp_path):
    save_student(tmp_path / "net.pth")
    options = write_network_options(tmp_path / "net.yml", {"type": "EDSR", "num_in_ch": 3, "num_out_ch": 3})
    with pytest.raises(ValueError, match=r"do not fit EDSR: .* are unknown to it \((\S+, ){4}\S+ and \d+ more\)"):
        load_network(tmp_path / "net.pth", option_file=options)


@pytest.mark.parametrize("name", ["KDSRStudent", "KDSRNoEstimator", "EDSR", "RCAN", "SwinIR", "RRDBNet"])
def test_networks_of_basicsr_are_built_from_an_option_file(tmp_path, name):
    sizes = {
        **SMALL_NETWORKS[name],
        **({"num_in_ch": 3, "num_out_ch": 3} if name in ("EDSR", "RCAN", "RRDBNet") else {}),
    }
    sizes |= {"upsampler": "pixelshuffledirect"} if name == "SwinIR" else {}
    options = write_network_options(tmp_path / "net.yml", {"type": name, **sizes})
    argument = "scale" if name in ("KDSRStudent", "KDSRNoEstimator", "RRDBNet") else "upscale"
    built = networks.registered(networks.ARCH_REGISTRY)[name](**sizes, **{argument: 2}).eval()
    torch.save({"params": built.state_dict()}, tmp_path / "net.pth")
    loaded = load_network(tmp_path / "net.pth", option_file=options)
    assert loaded.scale == 2
    assert name in loaded.description.replace("KDSR student", "KDSRStudent")
    assert_same_network(loaded, built, torch.rand(1, 3, 16, 8))
    assert loaded.network(torch.rand(1, 3, 9, 7)).shape == (1, 3, 18, 14)


def test_a_block_serves_as_well_as_a_file(tmp_path):
    torch.save(MSRResNet(num_feat=8, num_block=1, upscale=3).state_dict(), tmp_path / "net.pth")
    block = {"type": "MSRResNet", "num_feat": 8, "num_block": 1, "upscale": 3}
    assert load_network(tmp_path / "net.pth", network_options=block).scale == 3


def test_padding_mirrors_the_picture_and_is_cut_off_again():
    padded = SizePaddedNetwork(torch.nn.Upsample(scale_factor=2), multiple=8, scale=2)
    lq = torch.rand(1, 3, 5, 11)
    torch.testing.assert_close(padded(lq), torch.nn.functional.interpolate(lq, scale_factor=2))
    assert padded(lq[..., :1, :1]).shape == (1, 3, 2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network_g: {type: Nothing}", r"net\.yml: network_g\.type: "),
        ("network_g: {type: EDSR, num_in_ch: 3, num_out_ch: 3, colour: 1}", r"net\.yml: network_g\.colour: "),
        ("scale: 4", r"net\.yml: network_g\.type: "),
        ("[1, 2]", r"net\.yml: not an option file"),
        ("a: [", r"net\.yml: not valid YAML"),
    ],
)
def test_a_wrong_option_file_is_named(tmp_path, text, message):
    (tmp_path / "net.yml").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_network(save_student(tmp_path / "net.pth"), option_file=tmp_path / "net.yml")


def test_a_network_that_does_not_restore_pictures_is_refused(tmp_path):
    block = {"type": "VGGStyleDiscriminator", "num_in_ch": 3, "num_feat": 4}
    built = networks.registered(networks.ARCH_REGISTRY)["VGGStyleDiscriminator"](num_in_ch=3, num_feat=4)
    torch.save(built.state_dict(), tmp_path / "net.pth")
    with pytest.raises(ValueError, match="VGGStyleDiscriminator does not turn one picture"):
        load_network(tmp_path / "net.pth", network_options=block)


def test_spandrel_recognises_other_networks(tmp_path):
    pytest.importorskip("spandrel")
    built = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).eval()
    torch.save({"params_ema": built.state_dict()}, tmp_path / "net.pth")
    loaded = load_network(tmp_path / "net.pth")
    assert (loaded.scale, loaded.description) == (4, "RealESRGAN Compact x4")
    lq = torch.rand(1, 3, 9, 7)
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(lq), built(lq).clamp(0, 1))


def test_a_strangers_file_is_read_once(monkeypatch, tmp_path):
    pytest.importorskip("spandrel")
    torch.save(SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict(), tmp_path / "net.pth")
    read, paths = torch.load, []
    monkeypatch.setattr(torch, "load", lambda path, **kwargs: (paths.append(path), read(path, **kwargs))[1])
    load_network(tmp_path / "net.pth")
    assert paths == [tmp_path / "net.pth"]


def test_what_nobody_knows_is_refused(tmp_path, monkeypatch):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"net\.pth: neither the weights of a KDSR student nor .*spandrel.*--opt"):
        load_network(tmp_path / "net.pth")
    monkeypatch.setattr(networks, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"net\.pth: not the weights of a KDSR student; .*pip install spandrel"):
        load_network(tmp_path / "net.pth")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth: there is no such checkpoint file"):
        load_network(tmp_path / "none.pth")
    for name in ("torn.pth", "torn.safetensors"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 torn")
        with pytest.raises(ValueError, match=rf"{name}: not a readable checkpoint of tensors"):
            load_network(tmp_path / name)
