"""Stepping into BasicSR's launchers, and saying so where that cannot be done."""

import logging
import sys
import types

import pytest

from kdsr_model.run.hooks import hook_launchers


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
