"""What pyproject.toml promises: the type checker sees every file that ships."""

import sys
from pathlib import Path

import pytest

if sys.version_info < (3, 11):
    pytest.skip("the standard library reads TOML from Python 3.11 on", allow_module_level=True)
import tomllib

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def mypy_options():
    """The options of the type checker."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]


def test_the_type_checker_sees_every_package(mypy_options):
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages and packages <= set(mypy_options["files"])


def test_the_type_checker_passes_over_no_file(mypy_options):
    exempt = [
        block["module"] for block in mypy_options["overrides"] if set(block) != {"module", "ignore_missing_imports"}
    ]
    assert exempt == [], "mend the types of these files instead"
    assert not any(name.startswith("kdsr_") for block in mypy_options["overrides"] for name in block["module"])
