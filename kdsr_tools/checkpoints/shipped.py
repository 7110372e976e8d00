"""The models that ship with the package: the `.safetensors` files of `weights/`, which describe themselves.

Each file's header has `name`, `description`, `scale`, `degradations` and `licence`, one file's `default: yes`, and
where it took the place of others, `replaces` with their names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from kdsr_arch.checkpoint import SAFETENSORS_SUFFIX, find_weights, read_metadata
from kdsr_tools.checkpoints.loading import LoadedNetwork, load_network

WEIGHTS = Path(__file__).resolve().parent / "weights"
NO_MODEL = "no model ships with this installation"


@dataclass(frozen=True)
class ShippedModel:
    """What a shipped file's header says about it."""

    name: str
    path: Path
    description: str
    scale: str
    degradations: str
    licence: str
    is_default: bool
    replaces: tuple[str, ...]


def list_models() -> list[ShippedModel]:
    """List the shipped models by name."""
    return sorted(map(_describe, WEIGHTS.glob(f"*{SAFETENSORS_SUFFIX}")), key=lambda model: model.name)


def _describe(path: Path) -> ShippedModel:
    header = read_metadata(path)
    keys = ("description", "scale", "degradations", "licence")
    known = {key: header.get(key, "") for key in keys}
    return ShippedModel(
        header.get("name", path.stem),
        path,
        is_default=header.get("default") == "yes",
        replaces=tuple(header.get("replaces", "").replace(",", " ").split()),
        **known,
    )


def default_model() -> ShippedModel:
    """Return the model to use when none is named.

    Raises:
        ValueError: this installation comes without models.
    """
    models = list_models()
    if not models:
        raise ValueError(f"{NO_MODEL}; name a checkpoint (--model FILE)")
    return next((model for model in models if model.is_default), models[0])


def find_checkpoint(name: str) -> Path:
    """Find the checkpoint that `name` means: a shipped model's name, or the path of a file or of a folder with one.

    Raises:
        FileNotFoundError: it is neither, or a model that shipped once; the message says which takes its place.
    """
    models = list_models()
    for model in models:
        if model.name.lower() == name.lower():
            return model.path
    if find_weights(name).is_file():
        return find_weights(name)
    for model in models:
        if name.lower() in map(str.lower, model.replaces):
            raise FileNotFoundError(f"{name}: this model ships no longer; {model.name} takes its place")
    known = f"known models: {', '.join(model.name for model in models)}" if models else NO_MODEL
    raise FileNotFoundError(f"{name}: there is no such checkpoint file, and no shipped model of that name ({known})")


def load_model(name: str | None = None, *, option_file: str | Path | None = None) -> LoadedNetwork:
    """Load a shipped model or a checkpoint, or, without a name, the default; its description says which it is.

    Raises:
        OSError, ValueError: see `find_checkpoint`, `default_model` and `load_network`.
    """
    path = find_checkpoint(name) if name else default_model().path
    loaded = load_network(path, option_file=option_file)
    shipped = {model.path: model for model in list_models()}.get(path)
    if shipped is None:
        return loaded
    choice = "" if name else ", the default"
    return replace(loaded, description=f"{shipped.name}{choice}: {loaded.description}")
