"""Students in folders as the Hugging Face Hub keeps models: `model.safetensors`, `config.json` and a card, `README.md`.

Folders on this machine need nothing but safetensors; for repositories of the Hub, huggingface_hub is imported when one
is asked for. Its `PyTorchModelHubMixin` as a base would make it a package that every network needs, and sizes something
to keep beside weights that tell them. Networks with that mixin read our folders all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from safetensors.torch import save
from torch import Tensor, nn

from kdsr_arch.checkpoint import WEIGHTS_NAME, fill, first_line, read_checkpoint, recognise
from kdsr_arch.model_card import Evidence, write_card
from kdsr_arch.weights import TEACHER_MESSAGE, NetworkSize, join_heads, size_from_weights

CONFIG_NAME = "config.json"
CARD_NAME = "README.md"
FILE_NAMES = (WEIGHTS_NAME, CONFIG_NAME, CARD_NAME)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")

Student = TypeVar("Student", bound="Pretrained")


class Pretrained(nn.Module):
    """The methods by which a student comes from such a folder and goes into one."""

    @classmethod
    def from_pretrained(cls: type[Student], source: str | Path, *, revision: str | None = None) -> Student:
        """Load a student from a folder, or from a repository of the Hugging Face Hub; in evaluation mode.

        The weights tell the sizes; a `config.json` may be missing, but not say otherwise.

        Args:
            source: a folder with `model.safetensors`, or where there is no such folder, a repository: `owner/name`.
            revision: a branch, a tag or a commit of the repository.

        Raises:
            FileNotFoundError: there is neither, or the repository cannot be fetched.
            ModuleNotFoundError: a repository is asked for, and huggingface_hub is not installed.
            ValueError: the weights are a teacher's or another network's, or the config does not fit them.
        """
        folder = find_folder(source, revision=revision)
        path = folder / WEIGHTS_NAME
        weights, size = recognise(read_checkpoint(path), path=path)
        if size.kind == "teacher":
            raise ValueError(f"{path}: {TEACHER_MESSAGE}")
        check_config(folder / CONFIG_NAME, size)
        network = cls(**size.arguments())
        fill(network, weights, path=path)
        return network.eval()

    def save_pretrained(self, folder: str | Path, *, metadata: Mapping[str, str] | None = None) -> None:
        """Write weights, config and, if there is none, a card.

        Args:
            metadata: what the weights' header and the card say, such as `name`, `description`, `data` and `licence`.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in make_files(self.state_dict(), header=metadata or {}).items():
            if name != CARD_NAME or not (folder / name).exists():  # people write on their cards
                (folder / name).write_bytes(content)


def make_files(
    weights: Mapping[str, Tensor],
    *,
    header: Mapping[str, str],
    evidence: Evidence | None = None,
    heads: Mapping[str, Tensor] | None = None,
) -> dict[str, bytes]:
    """Make the files of a folder, by name, of a student's weights under our names.

    Raises:
        UnknownWeights: they are another network's.
        ValueError: they are a teacher's.
    """
    size = size_from_weights(weights)
    if size.kind == "teacher":
        raise ValueError(TEACHER_MESSAGE)
    parameters = sum(value.numel() for value in weights.values())
    tensors = join_heads(weights, heads or {})
    config = {"architectures": ["KDSRStudent"], **size.arguments()}
    return {
        # The Hub's readers ask whose tensors these are.
        WEIGHTS_NAME: save(tensors, metadata={"format": "pt", **size.header(), **header}),
        CONFIG_NAME: f"{json.dumps(config, indent=2)}\n".encode(),
        CARD_NAME: write_card(size, parameters=parameters, header=header, evidence=evidence).encode(),
    }


def find_folder(source: str | Path, *, revision: str | None) -> Path:
    """Find a folder on this machine, or fetch the repository of that name. Raises as `Pretrained.from_pretrained`."""
    if not Path(source).is_dir():
        return _fetch(str(source), revision)
    if revision is not None:
        raise ValueError(f"revision: only repositories have any, and {source} is a folder; leave it out")
    return Path(source)


def _fetch(name: str, revision: str | None) -> Path:
    if not REPOSITORY.fullmatch(name):
        raise FileNotFoundError(f"{name}: there is no such folder, and repositories are called owner/name")
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name}: there is no such folder; to fetch a repository of that name, pip install 'kdsr[hub]'",
            name=error.name,
        ) from error
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(FILE_NAMES)))
    except Exception as error:  # whatever its client raises without a network, a repository, a revision or the right
        which = f"{name} at {revision}" if revision else name
        raise FileNotFoundError(
            f"{which}: there is no such folder, and the repository can neither be fetched nor is it in the cache "
            f"({first_line(error)})"
        ) from error


def check_config(path: Path, size: NetworkSize) -> None:
    """Compare a config, if there is one, with what the weights tell; ValueError names the first difference."""
    if not path.exists():
        return
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not valid JSON ({first_line(error)})") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path}: expected names and values, got {type(config).__name__}")
    for key, value in size.arguments().items():
        if key in config and config[key] not in (value, None):
            raise ValueError(
                f"{path}: {key} is {config[key]!r}, but that of the weights beside it is {value!r}; they belong to "
                "different networks"
            )
