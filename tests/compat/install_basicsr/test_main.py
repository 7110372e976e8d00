"""The command that installs BasicSR."""

import subprocess
import sys
from pathlib import Path

import pytest

from kdsr_compat.install_basicsr import __main__ as command

FOLDER = str(Path(command.__file__).parent)


@pytest.fixture
def calls(monkeypatch):
    """Calls of pip, which are not made; each is answered with the next of `codes`."""
    calls, codes = [], []

    def call(arguments, env=None):
        calls.append((arguments, (env or {}).get("PYTHONPATH")))
        return codes.pop(0) if codes else 0

    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return calls, codes


def test_basicsr_is_built_by_what_is_installed_with_its_setup_helped(calls):
    assert command.main(["--quiet"]) == 0
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    assert calls[0] == [
        ([*pip, "setuptools", "wheel", "cython", "numpy"], None),
        ([*pip, "--no-build-isolation", "basicsr>=1.4.2"], FOLDER),
    ]


def test_nothing_goes_on_where_the_tools_cannot_be_installed(calls):
    calls[1].append(1)
    assert command.main([]) == 1
    assert len(calls[0]) == 1
