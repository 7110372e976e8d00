"""What upscaling needs to be there, and what it leaves alone."""

import numpy as np
import pytest
from children import assert_runs, run_python
from option_files import save_student
from PIL import Image

# What other systems, or a small installation, lack.
ABSENT = ("fcntl", "resource", "matplotlib", "sklearn", "jinja2")
TRAINING = ("basicsr", "torchvision", "kdsr_model", "scipy")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((12, 10, 3), 100, np.uint8)).save(path)
    return path


@pytest.mark.parametrize("absent", [ABSENT, (*ABSENT, "basicsr", "torchvision")])
def test_pictures_are_upscaled_without_what_training_and_reports_need(tmp_path, picture, absent):
    script = f"""
import kdsr_arch, kdsr_data
from kdsr_tools import Upscaler
from kdsr_tools.cli import main
assert main(["upscale", *sys.argv[1:], "--overwrite"]) == 0
assert {{name for name in {TRAINING!r} if sys.modules.get(name)}} == set()
assert Upscaler.default().scale == 4
"""
    out = tmp_path / "out"
    assert_runs(script, picture, "-o", out, without=absent)
    with Image.open(out / "a.png") as result:
        assert result.size == (40, 48)


def test_pictures_are_diagnosed_without_them_too(picture, tmp_path):
    script = "from kdsr_tools.cli import main; sys.exit(main(['diagnose', *sys.argv[1:]]))"
    assert_runs(script, picture, "--map", tmp_path / "maps", without=(*ABSENT, "basicsr", "torchvision"))
    assert (tmp_path / "maps/a.png.map.png").exists()


def test_a_network_of_basicsr_says_what_is_missing(tmp_path, picture):
    (tmp_path / "net.yml").write_text("scale: 2\nnetwork_g: {type: EDSR, num_in_ch: 3, num_out_ch: 3}\n")
    checkpoint = save_student(tmp_path / "net.pth")
    script = "from kdsr_tools.cli import main; sys.exit(main(['upscale', *sys.argv[1:]]))"
    done = run_python(
        script, picture, "--model", checkpoint, "--opt", tmp_path / "net.yml", without=("basicsr", "torchvision")
    )
    assert done.returncode == 1
    assert done.stderr.startswith("kdsr: this needs basicsr, which is not installed: pip install ")
