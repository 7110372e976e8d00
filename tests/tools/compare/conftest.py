"""A small comparison, run once for the tests of its parts and of its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comparison_files import write_comparison

from kdsr_tools.cli import main


@pytest.fixture
def comparison_folder(tmp_path) -> Path:
    """Make the images and weights of the small comparison, not run yet."""
    write_comparison(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def comparison(tmp_path_factory) -> Path:
    """Run the small comparison; return its output folder."""
    folder = tmp_path_factory.mktemp("comparison")
    assert main(["compare", str(write_comparison(folder))]) == 0
    return folder / "out"


@pytest.fixture(scope="session")
def results(comparison) -> dict:
    """Read the small comparison's results.json."""
    return json.loads((comparison / "results.json").read_text())
