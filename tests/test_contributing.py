"""CONTRIBUTING.md: its code does what it says, and the files it walks through are there."""

import re
import sys
import textwrap
from types import ModuleType

import numpy as np
import pytest
import torch
from basicsr.archs import build_network
from option_files import ROOT
from PIL import Image

from kdsr_compat.registries import ARCH_REGISTRY
from kdsr_data.degradations import DEGRADATION_REGISTRY, build_degradation
from kdsr_tools import cli

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(title, monkeypatch):
    """Run the Python of a section as a module; what it registers is forgotten after the test."""
    section = TEXT.split(f"## {title}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    for registry in (ARCH_REGISTRY, DEGRADATION_REGISTRY):
        name = "_obj_map" if hasattr(registry, "_obj_map") else "entries"
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    module = ModuleType("contributed")
    monkeypatch.setitem(sys.modules, "contributed", module)
    exec(textwrap.dedent(code), module.__dict__)
    return module


def test_the_degradation_can_be_named_in_options(monkeypatch, gt):
    example("Add a degradation", monkeypatch)
    degradation = build_degradation({"type": "FewLevelsDegradation", "scale": 4, "most_levels": 2})
    lq = degradation(gt, np.random.default_rng(0))
    assert (lq.shape, lq.dtype) == ((24, 32, 3), np.float32)
    assert set(np.unique(lq)) == {0, 1}


def test_the_network_can_be_named_in_options(monkeypatch):
    example("Add a network", monkeypatch)
    network = build_network({"type": "TwoLayers", "scale": 3, "num_feat": 8})
    sr = network(torch.rand(2, 3, 5, 7))
    assert sr.shape == (2, 3, 15, 21)
    sr.square().sum().backward()
    assert all(parameter.grad.any() for parameter in network.parameters())


def test_the_command_can_be_called(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "kdsr_tools.sizes", example("Add a command", monkeypatch))
    line = re.search(r'"sizes": (Subcommand\(.*?\))`', TEXT)[1]
    monkeypatch.setitem(cli.SUBCOMMANDS, "sizes", eval(line, {"Subcommand": cli.Subcommand}))
    Image.new("RGB", (20, 12)).save(tmp_path / "a.png")
    assert cli.main(["sizes", str(tmp_path / "a.png")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.png'}: 20x12\n"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z_]+/[\w/.]+)`", TEXT))))
def test_every_file_that_is_named_is_there(name):
    assert (ROOT / name).exists()
