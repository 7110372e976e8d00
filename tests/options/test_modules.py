"""The key `import`: a user's own network, in training and in `kdsr` alike."""

import sys

import pytest
import torch
from basicsr.models import build_model
from basicsr.utils.registry import ARCH_REGISTRY
from option_files import OPTIONS, load_options, shrink, write_options
from training_steps import complete, feed, step

from kdsr_model.options import find_problems, prepare_options
from kdsr_options.modules import import_own_modules
from kdsr_options.schema import OptionError
from kdsr_tools.checkpoints.loading import load_network

MODULE = """
from basicsr.utils.registry import ARCH_REGISTRY
from torch import nn

@ARCH_REGISTRY.register()
class MyNetwork(nn.Module):
    def __init__(self, scale=4, num_feat=8):
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(3, num_feat, 3, 1, 1), nn.Conv2d(num_feat, 3 * scale**2, 3, 1, 1))
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lq):
        return self.shuffle(self.convs(lq))
"""


@pytest.fixture
def own_network(tmp_path, monkeypatch):
    """Write a module with a network into the current folder."""
    (tmp_path / "my_archs.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield {"type": "MyNetwork", "num_feat": 8}
    sys.modules.pop("my_archs", None)
    ARCH_REGISTRY._obj_map.pop("MyNetwork", None)


def test_a_network_of_ones_own_trains_and_restores(gt_folder, tmp_path, own_network):
    options = complete(shrink(load_options(OPTIONS / "compare/train_edsr.yml"), gt_folder=gt_folder), tmp_path)
    options |= {"import": ["my_archs"], "network_g": own_network}
    prepare_options(options)
    assert options["network_g"] == {**own_network, "scale": 4}
    model = build_model(options)
    feed(model)
    step(model, 1)
    model.save(0, 7)
    file = write_options(tmp_path / "opt.yml", {"import": "my_archs", "network_g": own_network, "scale": 4})
    loaded = load_network(tmp_path / "net_g_7.pth", option_file=file)
    assert loaded.scale == 4
    assert torch.equal(loaded.network.state_dict()["convs.0.bias"], model.net_g.state_dict()["convs.0.bias"])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["no_such_module"], "import.0: no_such_module cannot be imported: ModuleNotFoundError"),
        (["../evil"], "import.0: expected a module's name as in Python, got '../evil'"),
        ([3], "import.0: expected a module's name as in Python, got 3"),
        ({"a": 1}, "import: expected a list of modules"),
    ],
)
def test_what_cannot_be_imported_is_named(names, expected):
    with pytest.raises(OptionError) as error:
        import_own_modules({"import": names})
    assert str(error.value).startswith(expected)
    assert find_problems({"import": names}) == error.value.problems


def test_the_key_is_known_by_its_name_in_the_file(gt_folder, tmp_path):
    options = complete(shrink(load_options(OPTIONS / "compare/train_edsr.yml"), gt_folder=gt_folder), tmp_path)
    (problem,) = find_problems(options | {"imports": ["x"]})
    assert problem == ("imports", "unknown key; did you mean 'import'?")
