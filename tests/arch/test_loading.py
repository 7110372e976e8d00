"""Networks from checkpoint files: what the weights tell, and what is said about those of other networks."""

import pytest
import torch

from kdsr_arch import KDSRStudent, KDSRTeacher, load_student, load_teacher, weights
from kdsr_arch.weights import UnknownWeights, to_official_names


@pytest.mark.parametrize(("kind", "load"), [(KDSRStudent, load_student), (KDSRTeacher, load_teacher)])
@pytest.mark.parametrize("rename", [dict, to_official_names])
def test_a_network_is_told_by_its_weights(tmp_path, small, kind, load, rename):
    network = kind(2, **small)
    torch.save({"params": rename(network.state_dict())}, tmp_path / "net.pth")
    loaded = load(tmp_path / "net.pth")
    assert type(loaded) is kind
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for key, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[key])


def test_which_of_two_sets_of_weights_is_chosen(tmp_path, student):
    zeros = {key: torch.zeros_like(value) for key, value in student.state_dict().items()}
    torch.save({"params": zeros, "params_ema": student.state_dict()}, tmp_path / "net.pth")
    assert float(load_student(tmp_path / "net.pth", param_key="params").estimator.conv_first.weight.sum()) == 0
    assert float(load_student(tmp_path / "net.pth").estimator.conv_first.weight.sum()) != 0


def test_a_file_is_read_and_its_names_translated_once(monkeypatch, tmp_path, student):
    torch.save(to_official_names(student.state_dict()), tmp_path / "net.pth")
    calls = []
    read, find_wide_convs = torch.load, weights._find_wide_convs
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: (calls.append("read"), read(*args, **kwargs))[1])
    monkeypatch.setattr(weights, "_find_wide_convs", lambda dict_: (calls.append("named"), find_wide_convs(dict_))[1])
    load_student(tmp_path / "net.pth")
    assert calls == ["read", "named"]


def test_networks_of_another_kind_are_refused(tmp_path, student, teacher):
    torch.save(student.state_dict(), tmp_path / "student.pth")
    torch.save(teacher.state_dict(), tmp_path / "teacher.pth")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"teacher\.pth: this is a teacher's checkpoint; .* name the student"):
        load_student(tmp_path / "teacher.pth")
    with pytest.raises(ValueError, match=r"student\.pth: the weights are a student's; only a KDSR teacher takes"):
        load_teacher(tmp_path / "student.pth")
    for load in (load_student, load_teacher):
        with pytest.raises(UnknownWeights, match=r"other\.pth: not the weights of a KDSR student or teacher"):
            load(tmp_path / "other.pth")


def test_weights_that_are_not_complete_are_named(tmp_path, student):
    state = student.state_dict()
    del state["estimator.linear2.bias"]
    torch.save(state, tmp_path / "net.pth")
    message = r"net\.pth: the weights do not fit KDSRStudent: 1 are missing \(estimator\.linear2\.bias\)$"
    with pytest.raises(ValueError, match=message) as error_info:
        load_student(tmp_path / "net.pth")
    assert not isinstance(error_info.value, UnknownWeights)
