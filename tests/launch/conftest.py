"""What tests of launched trainings share."""

import pytest
from launching import free_port, tiny
from option_files import write_options


@pytest.fixture
def root(tmp_path):
    """Make the folder under which trainings write."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def endless(tmp_path, gt_folder):
    """Write the options of a plain training that goes on until something stops it, saving at every iteration."""
    options = tiny("plain", gt_folder, total_iter=1_000_000)
    options["logger"]["save_checkpoint_freq"] = 1
    options["logger"]["keep_checkpoints"] = 3
    return write_options(tmp_path / "endless.yml", options)


@pytest.fixture
def port():
    """Find a port that is free."""
    return free_port()
