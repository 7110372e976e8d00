"""setup.py: what an installation holds and asks for, and which Python it refuses."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from email import message_from_string
from importlib import metadata
from pathlib import Path

import pytest
from option_files import OPTIONS, ROOT
from packaging.requirements import Requirement
from PIL import Image

PACKAGES = ("kdsr_arch", "kdsr_compat", "kdsr_data", "kdsr_model", "kdsr_options", "kdsr_tools")
SOURCES = (*PACKAGES, "basicsr", "options", "setup.py", "pyproject.toml", "README.md", "LICENSE")
FOR_TRAINING_OR_REPORTS = {
    *("basicsr", "imageio", "jinja2", "lmdb", "matplotlib", "scikit-image", "scikit-learn", "scipy", "torchvision"),
}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Build what a release uploads: the sources, and from them the wheel."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:  # a copy, since building leaves files behind
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--no-isolation", str(source)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return source / "dist"


@pytest.fixture(scope="module")
def wheel(distributions):
    """The wheel that `pip install` installs."""
    (path,) = distributions.glob("kdsr-*.whl")
    return path


@pytest.fixture(scope="module")
def installed_files(wheel):
    """The names of the wheel's files."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def description(wheel, installed_files):
    """What the wheel says of itself."""
    (name,) = [name for name in installed_files if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        return message_from_string(archive.read(name).decode())


def test_nothing_called_basicsr_is_installed(installed_files):
    tops = {name.split("/")[0] for name in installed_files if ".dist-info" not in name}
    assert tops == set(PACKAGES)


def test_every_module_and_option_file_is_installed(installed_files):
    for package in PACKAGES:
        assert f"{package}/py.typed" in installed_files
        for pattern in ("*.py", "*.safetensors", "templates/*"):
            for path in (ROOT / package).rglob(pattern):
                assert path.relative_to(ROOT).as_posix() in installed_files
    assert {"kdsr_tools/checkpoints/cards.yml", "kdsr_tools/compare/published.yml"} <= set(installed_files)
    for path in OPTIONS.rglob("*.yml"):
        assert f"kdsr_options/shipped/{path.relative_to(OPTIONS).as_posix()}" in installed_files


def test_the_distributions_can_be_published(distributions):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions.iterdir())],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_upscaling_asks_for_nothing_that_only_training_or_reports_need(description):
    requirements = [Requirement(text) for text in description.get_all("Requires-Dist")]
    plain = {item.name for item in requirements if "extra" not in str(item.marker)}
    assert {"torch", "numpy", "pillow", "safetensors"} <= plain
    assert not plain & FOR_TRAINING_OR_REPORTS


def test_extras_bring_what_their_commands_need_and_dev_brings_them_together(description):
    requirements = [Requirement(text) for text in description.get_all("Requires-Dist")]

    def brought_by(extra):
        return {item.name for item in requirements if item.marker and item.marker.evaluate({"extra": extra})}

    extras = {name: brought_by(name) for name in description.get_all("Provides-Extra")}
    assert set(extras) == {"dev", "heic", "hub", "jxl", "lpips", "onnx", "report", "spandrel", "train", "video"}
    assert {"basicsr", "lmdb"} <= extras["train"]
    assert extras["report"] - extras["train"] >= {"jinja2", "matplotlib", "scikit-learn"}
    rest = {name: packages for name, packages in extras.items() if name not in ("dev", "heic", "jxl")}
    assert extras["dev"] >= set().union(*rest.values())


def check_python(version):
    """Run `python setup.py check-python` as another version of Python would."""
    file = str(ROOT / "setup.py")
    script = f"import sys; sys.version_info = {(*version, 0, 'final', 0)}; sys.argv = ['setup.py', 'check-python']; "
    script += f"__file__ = {file!r}; exec(compile(open(__file__).read(), __file__, 'exec'))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_a_python_that_is_too_old_is_refused_with_advice():
    done = check_python((3, 9))
    assert done.returncode == 1
    assert done.stderr.startswith("KDSR needs Python 3.10 or newer; this is 3.9. ")
    assert "make install PYTHON=python3.13" in done.stderr


@pytest.mark.parametrize("version", [(3, 10), (3, 13)])
def test_a_tested_python_is_taken_without_a_word(version):
    done = check_python(version)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_python_that_is_newer_than_the_tests_is_tried_with_a_warning():
    done = check_python((3, 14))
    assert done.returncode == 0
    assert done.stderr.startswith("KDSR is tested with Python 3.10 to 3.13; this is 3.14, which is tried all the same.")


def needed_distributions(description):
    """List the installed distributions that the wheel's requirements name, and those that they name in turn."""
    waiting, found = [(text, "") for text in description.get_all("Requires-Dist")], {}
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        key = (re.sub(r"[-_.]+", "-", requirement.name).lower(), frozenset(requirement.extras))
        if key in found:
            continue
        found[key] = metadata.distribution(requirement.name)
        for name in ("", *requirement.extras):
            waiting += [(inner, name) for inner in found[key].requires or ()]
    return list(found.values())


def link_files(distribution, folder):
    """Make a distribution importable from a folder, without copying it."""
    for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
        target = Path(os.path.abspath(distribution.locate_file(name)))
        if target.exists() and not (folder / name).exists():
            (folder / name).symlink_to(target)


@pytest.mark.faults
@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_the_wheel_upscales_where_nothing_else_is_installed(tmp_path, wheel, description):
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    for distribution in needed_distributions(description):
        link_files(distribution, packages)
    python = environment / "bin" / "python"
    install = ["pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([sys.executable, "-m", *install], check=True, env=clean)
    Image.new("RGB", (20, 12), "teal").save(tmp_path / "small.png")

    absent = "import importlib.util as u; print([n for n in ('basicsr', 'torchvision', 'jinja2') if u.find_spec(n)])"
    done = subprocess.run([python, "-c", absent], cwd=tmp_path, env=clean, capture_output=True, text=True)
    # PyTorch itself asks for jinja2.
    assert done.stdout == "['jinja2']\n", done.stderr
    command = [environment / "bin" / "kdsr", "upscale", "small.png", "-o", "large"]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "large" / "small.png") as picture:
        assert picture.size == (80, 48)
