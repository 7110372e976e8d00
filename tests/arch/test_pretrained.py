"""Students in folders as the Hugging Face Hub keeps them: there and back, misfits, repositories offline."""

import json
import sys

import pytest
import torch
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent, load_student
from kdsr_arch.checkpoint import read_metadata
from kdsr_arch.pretrained import make_files
from kdsr_arch.weights import UnknownWeights, to_official_names

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path, student):
    student.save_pretrained(tmp_path / "net")
    return tmp_path / "net"


def assert_same(network, expected):
    assert type(network) is KDSRStudent
    assert not network.training
    weights = network.state_dict()
    assert weights.keys() == expected.state_dict().keys()
    assert all(torch.equal(value, weights[key]) for key, value in expected.state_dict().items())


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("light", [{}, {"num_estimator_feat": 4, "direct_upsampler": True}])
def test_a_student_comes_back_as_it_was_saved(tmp_path, small, scale, light):
    student = KDSRStudent(scale, **small, **light)
    student.save_pretrained(tmp_path / "new" / "net")
    names = sorted(path.name for path in (tmp_path / "new" / "net").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors"]
    loaded = KDSRStudent.from_pretrained(str(tmp_path / "new" / "net"))
    assert_same(loaded, student)
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    lq = torch.rand(1, 3, 9, 7)
    assert torch.equal(loaded(lq), student(lq))


def test_the_config_and_the_header_tell_scale_and_sizes(folder, student, small):
    config = json.loads((folder / "config.json").read_text())
    full = {"num_estimator_feat": small["num_feat"], "direct_upsampler": False}
    assert config == {"architectures": ["KDSRStudent"], "scale": 2, **small, **full}
    header = {key: str(value) for key, value in config.items() if key != "architectures"}
    assert read_metadata(folder) == {"format": "pt", "kind": "student", **header}


def test_metadata_go_into_header_and_card(tmp_path, student):
    student.save_pretrained(tmp_path, metadata={"name": "mine", "licence": "MIT"})
    assert read_metadata(tmp_path)["name"] == "mine"
    assert 'license: "mit"' in (tmp_path / "README.md").read_text()


def test_a_card_that_somebody_wrote_is_kept(folder, student):
    (folder / "README.md").write_text("mine")
    student.save_pretrained(folder)
    assert (folder / "README.md").read_text() == "mine"


def test_a_folder_without_config_is_told_by_its_weights(folder, student):
    (folder / "config.json").unlink()
    assert_same(KDSRStudent.from_pretrained(folder), student)
    assert_same(load_student(folder), student)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"num_feat": 16}', r"config\.json: num_feat is 16, but that of the weights beside it is 8; .* different"),
        ("{", r"config\.json: not valid JSON"),
        ("[]", r"config\.json: expected names and values, got list"),
    ],
)
def test_a_config_that_does_not_fit_is_named(folder, config, message):
    (folder / "config.json").write_text(config)
    with pytest.raises(ValueError, match=message):
        KDSRStudent.from_pretrained(folder)


def test_weights_that_are_no_students_are_refused(tmp_path, teacher, student):
    save_file(teacher.state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors: this is a teacher's checkpoint"):
        KDSRStudent.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="this is a teacher's checkpoint"):
        make_files(teacher.state_dict(), header={})
    save_file({"w": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(UnknownWeights, match=r"model\.safetensors: not the weights of a KDSR student"):
        KDSRStudent.from_pretrained(tmp_path)
    save_file({**student.state_dict(), "more": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors: the weights do not fit KDSRStudent"):
        KDSRStudent.from_pretrained(tmp_path)


def test_the_authors_names_are_taken_too(tmp_path, student):
    save_file(to_official_names(student.state_dict()), tmp_path / "model.safetensors")
    assert_same(KDSRStudent.from_pretrained(tmp_path), student)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors: there is no such checkpoint file"):
        KDSRStudent.from_pretrained(tmp_path)
    for name in (tmp_path / "none", "none", "a/b/c"):
        with pytest.raises(FileNotFoundError, match="none|a/b/c: there is no such folder, and repositories are called"):
            KDSRStudent.from_pretrained(name)


def test_a_pointer_in_the_place_of_the_weights_is_called_that(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ValueError, match="it is Git LFS's pointer to the weights: fetch them by git lfs pull"):
        KDSRStudent.from_pretrained(folder)


def test_a_folder_has_no_revisions(folder):
    with pytest.raises(ValueError, match=r"revision: only repositories have any, and .*net is a folder"):
        KDSRStudent.from_pretrained(folder, revision="v1")


def test_without_huggingface_hub_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModuleNotFoundError, match=r"owner/net: there is no such folder; .*'kdsr\[hub\]'") as caught:
        KDSRStudent.from_pretrained("owner/net")
    assert caught.value.name == "huggingface_hub"


@pytest.fixture
def cache(monkeypatch, tmp_path, student):
    """The cache of huggingface_hub, with one repository of two revisions in it; there is no network."""
    constants = pytest.importorskip("huggingface_hub.constants", reason="the extra hub is not installed")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--owner--net"
    student.save_pretrained(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    for revision in ("main", "v1"):
        (repository / "refs" / revision).write_text(COMMIT)


@pytest.mark.parametrize("revision", [None, "v1", COMMIT])
def test_a_repository_is_taken_from_the_cache_where_there_is_no_network(cache, student, revision):
    assert_same(KDSRStudent.from_pretrained("owner/net", revision=revision), student)


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [("owner/other", None, "owner/other: there is no such"), ("owner/net", "v2", "owner/net at v2: there is no such")],
)
def test_a_repository_that_cannot_be_fetched_is_named(cache, name, revision, message):
    with pytest.raises(FileNotFoundError, match=f"{message} folder, and the repository can neither be fetched nor"):
        KDSRStudent.from_pretrained(name, revision=revision)


def test_networks_with_the_hubs_own_mixin_read_our_folders(folder, student):
    hub = pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")

    class WithMixin(hub.PyTorchModelHubMixin, KDSRStudent):
        """A student with the methods of the Hub's own package."""

    loaded = WithMixin.from_pretrained(str(folder))
    assert loaded.scale == 2
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in student.state_dict().items())
