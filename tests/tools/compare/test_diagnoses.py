"""What a page says of LQ pictures."""

from pathlib import Path

import numpy as np
from heads_files import make_heads, save_student_with_heads
from option_files import save_student

from kdsr_tools import Upscaler
from kdsr_tools.checkpoints.loading import load_network
from kdsr_tools.compare.diagnoses import make_diagnoser
from kdsr_tools.compare.models import ComparedModel, NetworkSource


def make_model(name: str, path: Path) -> ComparedModel:
    return ComparedModel(name, name, lambda lq: lq, name, load_network(path).network, NetworkSource(path))


def test_the_first_model_with_heads_is_asked(tmp_path, photograph):
    heads = make_heads()
    heads.weight[0] = 1e-3
    save_student_with_heads(tmp_path / "heads.safetensors", heads)
    models = [
        ComparedModel("bicubic", "", lambda lq: lq, ""),
        make_model("plain", save_student(tmp_path / "net.pth")),
        make_model("told", tmp_path / "heads.safetensors"),
    ]
    diagnose = make_diagnoser(models)
    seen = diagnose(np.ascontiguousarray(photograph[..., ::-1]))  # BGR
    expected = Upscaler.from_checkpoint(tmp_path / "heads.safetensors", device="cpu").diagnose(photograph)
    assert seen["note"] == expected.summarise()
    assert seen["details"].splitlines() == ["told says: damaged", *expected.describe()[1:]]
    assert make_diagnoser(models[:2]) is None
