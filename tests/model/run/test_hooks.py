"""Stepping into BasicSR's launchers, and saying so where that cannot be done."""

import logging
import sys
import types

import pytest
import torch

from kdsr_model.run.hooks import hook_launchers
from kdsr_model.run.loading import safe_loading


@pytest.fixture
def launcher(monkeypatch):
    """Make a running launcher of another BasicSR, with a `train_pipeline` and little else."""
    module = types.ModuleType("basicsr.train")
    module.__file__ = "/somewhere/basicsr/train.py"
    module.train_pipeline = module.load_resume_state = module.build_model = lambda *args: None
    monkeypatch.setitem(sys.modules, "basicsr.train", module)
    monkeypatch.delitem(sys.modules, "basicsr.test", raising=False)
    return module


def test_a_launcher_without_the_known_names_is_left_alone_with_a_warning(launcher, caplog):
    before = dict(vars(launcher))
    with caplog.at_level(logging.WARNING):
        hook_launchers(lambda opt: None)
    assert "/somewhere/basicsr/train.py has no" in caplog.text
    assert "EnlargedSampler" in caplog.text
    assert "neither saves safely nor resumes exactly" in caplog.text
    assert {name: value for name, value in vars(launcher).items() if name != "is_hooked_by_kdsr"} == before


def test_inside_the_context_torch_loads_weights_only(tmp_path):
    torch.save({"code": print}, tmp_path / "x.pth")
    torch_load = torch.load
    with safe_loading(), pytest.raises(Exception, match="weights_only|Weights only"):
        torch.load(tmp_path / "x.pth")
    assert torch.load is torch_load
