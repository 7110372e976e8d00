"""`kdsr info`: what it tells about checkpoints, and counts that can be checked by hand."""

import torch
from option_files import PLUGIN_LINE, save_student, save_teacher
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent
from kdsr_arch.weights import to_official_names
from kdsr_tools.cli import main


def info(capsys, *arguments):
    assert main(["info", *map(str, arguments)]) == 0
    return dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())


def test_the_published_size_is_told(tmp_path, capsys):
    torch.save(to_official_names(KDSRStudent().state_dict()), tmp_path / "net.pt")
    told = info(capsys, tmp_path / "net.pt")
    assert told["network"] == "KDSR student x4, 64 features, 53 blocks"
    assert told["parameters"] == "5,795,075"
    assert told["file"] == f"{tmp_path}/net.pt, 23.2 MB"
    assert (told["numbers"], told["names"]) == ("float32", "the authors'")
    pixels = 180 * 320
    # Convolutions at LQ resolution (3x3 each): estimator, SR network with depthwise ones; upsampler; last one.
    estimator = 3 * 64 + 18 * 64**2 + 64 * 128 + 128**2 + 128 * 256
    body = 3 * 64 + 53 * (64 + 64**2) + 64**2
    upsampler = 64 * 256 + 4 * 64 * 256 + 16 * 64 * 3
    linears = 2 * 256**2 + 256 * 64 + 53 * (64**2 + 9 * 64**2)
    assert told["MACs for LQ 180x320"] == f"{9 * pixels * (estimator + body + upsampler) + linears:,}"


def test_metadata_is_told(tmp_path, capsys):
    weights = {key: value.half() for key, value in KDSRStudent(2, 8, 1, 1).state_dict().items()}
    save_file(weights, tmp_path / "net.safetensors", metadata={"licence": "MIT", "name": "n", "default": "yes"})
    told = info(capsys, tmp_path / "net.safetensors", "--lq-size", "8x8")
    assert (told["metadata licence"], told["numbers"], told["names"]) == ("MIT", "float16", "its own")
    assert int(told["MACs for LQ 8x8"].replace(",", "")) > 0
    assert [name for name in told if name.startswith("metadata")] == [
        f"metadata {name}"
        for name in ("default", "licence", "name")  # safetensors gives them in another order each time
    ]


def test_a_teacher_is_described_as_one(tmp_path, capsys):
    told = info(capsys, save_teacher(tmp_path / "net.pth"))
    assert told["network"] == "KDSR teacher x4, 8 features, 1 blocks (for training: it needs the original)"
    assert int(told["MACs for LQ 180x320"].replace(",", "")) > 0


def test_other_networks_are_described_through_an_option_file(tmp_path, capsys):
    from basicsr.archs.srresnet_arch import MSRResNet

    torch.save(MSRResNet(num_feat=8, num_block=1, upscale=2).state_dict(), tmp_path / "net.pth")
    (tmp_path / "net.yml").write_text(
        f"{PLUGIN_LINE}scale: 2\nnetwork_g: {{type: MSRResNet, num_feat: 8, num_block: 1}}\n"
    )
    told = info(capsys, tmp_path / "net.pth", "--opt", tmp_path / "net.yml")
    assert told["network"] == "MSRResNet x2"


def test_what_is_no_checkpoint_is_explained(tmp_path, capsys):
    (tmp_path / "net.pth").write_bytes(b"text")
    assert main(["info", str(tmp_path / "net.pth")]) == 1
    assert "net.pth: not a readable checkpoint of tensors" in capsys.readouterr().err
    assert main(["info", str(save_student(tmp_path / "net.pth")), "--opt", "none.yml"]) == 1
    assert "none.yml" in capsys.readouterr().err
