"""Models of a comparison: built from what the option file names, and told apart by what they would compute."""

import pytest
import torch
from comparison_files import write_models
from option_files import SMALL_NETWORKS, save_student
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent
from kdsr_tools.checkpoints import shipped
from kdsr_tools.compare.models import open_model
from kdsr_tools.compare.settings import ComparedModelSettings

CPU = torch.device("cpu")


def open_weights(path, **options):
    return open_model("m", ComparedModelSettings(weights=path, **options), scale=4, device=CPU)


def test_an_experiment_is_opened_by_its_folder(tmp_path):
    write_models(tmp_path)
    model = open_model("m", ComparedModelSettings(experiment=tmp_path / "experiment"), scale=4, device=CPU)
    assert isinstance(model.network, KDSRStudent)
    assert model.source.weights.name == "net_g_latest.pth"
    assert model.restore(torch.rand(1, 3, 8, 9)).shape == (1, 3, 32, 36)


def test_the_fingerprint_follows_the_weights_and_not_the_name(tmp_path):
    torch.manual_seed(0)
    one = save_student(tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(one.read_bytes())
    other = save_student(tmp_path / "c.pth")
    prints = [open_weights(path).fingerprint for path in (one, tmp_path / "b.pth", other)]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


def test_the_time_in_an_experiments_option_file_does_not_count(tmp_path):
    write_models(tmp_path)
    block = ComparedModelSettings(experiment=tmp_path / "experiment")
    before = open_model("m", block, scale=4, device=CPU).fingerprint
    file = tmp_path / "experiment/train.yml"
    file.write_text("# GENERATE TIME: today\n" + file.read_text())
    assert open_model("m", block, scale=4, device=CPU).fingerprint == before
    file.write_text(file.read_text() + "name: other\n")
    assert open_model("m", block, scale=4, device=CPU).fingerprint != before


def test_steps_of_sharpness_are_models_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    for seed, (name, header) in enumerate({"old": {"default": "yes"}, "new": {"sharpens": "old"}}.items()):
        torch.manual_seed(seed)
        weights = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"]).state_dict()
        save_file(weights, tmp_path / f"{name}.safetensors", metadata={"name": name, **header})
    models = [open_weights("sharp", sharpness=step) for step in (0, 0.5, 1)]
    lq = torch.rand(1, 3, 8, 8)
    assert torch.equal(models[0].restore(lq), open_weights("faithful").restore(lq))
    assert torch.equal(models[2].restore(lq), open_weights("sharp").restore(lq))
    assert len({model.fingerprint for model in models}) == 3


def test_a_file_that_spandrel_knows_is_opened_by_itself(tmp_path):
    spandrel = pytest.importorskip("spandrel")
    arch = spandrel.architectures.Compact.Compact(num_feat=8, num_conv=2, upscale=4)
    torch.save(arch.state_dict(), tmp_path / "compact.pth")
    model = open_weights(tmp_path / "compact.pth")
    assert model.restore(torch.rand(1, 3, 8, 8)).shape == (1, 3, 32, 32)
    assert not isinstance(model.network, KDSRStudent)


def test_a_teacher_that_cannot_be_used_is_found_before_anything_is_measured(tmp_path):
    weights = save_student(tmp_path / "net.pth")
    for teacher in (tmp_path / "none.pth", weights):
        with pytest.raises((FileNotFoundError, ValueError), match=rf"models\.m: .*{teacher.name}"):
            open_weights(weights, teacher=teacher)
