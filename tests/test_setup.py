"""The package: what an installation holds, and which Python it refuses."""

import shutil
import subprocess
import sys
import zipfile

import pytest
from option_files import OPTIONS, ROOT

PACKAGES = ("kdsr_arch", "kdsr_compat", "kdsr_data", "kdsr_model", "kdsr_models", "kdsr_tools")
SOURCES = (*PACKAGES, "basicsr", "options", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed_files(tmp_path_factory):
    """Build the wheel that `pip install .` installs and list its files."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:  # a copy, since building leaves files behind
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, source / name)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("kdsr-*.whl"))) as wheel:
        return wheel.namelist()


def test_nothing_called_basicsr_is_installed(installed_files):
    assert not [name for name in installed_files if name.startswith("basicsr")]
    tops = {name.split("/")[0] for name in installed_files if ".dist-info" not in name}
    assert tops == {*PACKAGES, "kdsr_options"}


def test_every_module_and_option_file_is_installed(installed_files):
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            assert path.relative_to(ROOT).as_posix() in installed_files
        for path in (ROOT / package).rglob("*.safetensors"):
            assert path.relative_to(ROOT).as_posix() in installed_files
    for path in [*(ROOT / "kdsr_tools").rglob("templates/*"), ROOT / "kdsr_tools/compare/published.yml"]:
        assert path.relative_to(ROOT).as_posix() in installed_files
    for path in OPTIONS.rglob("*.yml"):
        assert f"kdsr_options/{path.relative_to(OPTIONS).as_posix()}" in installed_files


@pytest.mark.parametrize("version", [(3, 9), (3, 13), (3, 14)])
def test_a_python_that_basicsr_does_not_run_on_is_refused_with_advice(version):
    script = f"import sys; sys.version_info = {(*version, 0, 'final', 0)}; sys.argv = ['setup.py', 'check-python']; "
    script += f"exec(compile(open({str(ROOT / 'setup.py')!r}).read(), {str(ROOT / 'setup.py')!r}, 'exec'))"
    prelude = f"__file__ = {str(ROOT / 'setup.py')!r}; "
    done = subprocess.run([sys.executable, "-c", prelude + script], capture_output=True, text=True)
    assert done.returncode == 1
    message = (
        "KDSR needs Python 3.10, 3.11 or 3.12, since BasicSR 1.4.2 cannot be installed on other versions; this is "
    )
    assert done.stderr.startswith(message + f"{version[0]}.{version[1]}.")
    assert "make install PYTHON=python3.11" in done.stderr
