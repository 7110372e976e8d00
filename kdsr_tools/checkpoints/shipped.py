"""The models that ship with the package: the `.safetensors` files of `weights/`, which describe themselves.

Each file's header has `name`, `description`, `scale`, `degradations` and `licence`, one file's `default: yes`, where it
took the place of others, `replaces` with their names, and where it was made from another to be sharper, `sharpens` with
that one's name. The default also goes by the name `faithful`, the one that sharpens it by `sharp`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from kdsr_arch.checkpoint import SAFETENSORS_SUFFIX, find_weights, read_metadata
from kdsr_tools.checkpoints.loading import LoadedNetwork, load_network
from kdsr_tools.checkpoints.mixing import check_sharpness, mix

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
    sharpens: str


def list_models() -> list[ShippedModel]:
    """List the shipped models by name."""
    return sorted(map(_describe, WEIGHTS.glob(f"*{SAFETENSORS_SUFFIX}")), key=lambda model: model.name)


def _describe(path: Path) -> ShippedModel:
    header = read_metadata(path)
    keys = ("description", "scale", "degradations", "licence", "sharpens")
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


def short_names() -> dict[str, ShippedModel]:
    """Return the shipped models that have short names: `faithful`, the default, and `sharp`, made from it."""
    models = list_models()
    if not models:
        return {}
    default = default_model()
    sharp = next((model for model in models if model.sharpens == default.name), None)
    return {"faithful": default} | ({"sharp": sharp} if sharp else {})


def find_checkpoint(name: str) -> Path:
    """Find the checkpoint that `name` means: a shipped model's name or short name, or the path of a file or folder.

    Raises:
        FileNotFoundError: it is neither, or a model that shipped once; the message says which takes its place.
    """
    models = list_models()
    for model in models:
        if model.name.lower() == name.lower():
            return model.path
    if find_weights(name).is_file():
        return find_weights(name)
    if name.lower() in (short := short_names()):
        return short[name.lower()].path
    for model in models:
        if name.lower() in map(str.lower, model.replaces):
            raise FileNotFoundError(f"{name}: this model ships no longer; {model.name} takes its place")
    known = f"known models: {', '.join([model.name for model in models] + list(short))}" if models else NO_MODEL
    raise FileNotFoundError(f"{name}: there is no such checkpoint file, and no shipped model of that name ({known})")


def find_pair(name: str | None) -> tuple[Path, Path]:
    """Find a faithful model and the sharp one made from it, of which `name` is either; None: the default.

    Raises:
        OSError, ValueError: see `find_checkpoint` and `default_model`; or none of the two is known to be made from
            the other.
    """
    path = find_checkpoint(name) if name else default_model().path
    header = read_metadata(path)
    if base := header.get("sharpens"):
        return find_checkpoint(base), path
    own_name = header.get("name")
    for model in list_models():
        if own_name and model.sharpens == own_name:
            return path, model.path
    raise ValueError(
        f"sharpness: {name or path} is no pair's model: expected a shipped one that has a sharp one made from it, or a "
        ".safetensors file whose header says `sharpens` and the name of the model that its training went on from"
    )


def load_model(
    name: str | None = None, *, option_file: str | Path | None = None, sharpness: float | None = None
) -> LoadedNetwork:
    """Load a shipped model or a checkpoint, or, without a name, the default; its description says which it is.

    Args:
        sharpness: the share of the sharp model's weights, mixed with those of the faithful one; see `find_pair`.

    Raises:
        OSError, ValueError: see `find_checkpoint`, `default_model`, `load_network`, `find_pair` and `mix`.
    """
    if sharpness is not None:
        check_sharpness(sharpness)
        if option_file is not None:
            raise ValueError("sharpness: belongs to KDSR's own pairs of models, which need no option file")
        return _load_mixture(*find_pair(name), sharpness=sharpness)
    path = find_checkpoint(name) if name else default_model().path
    loaded = load_network(path, option_file=option_file)
    shipped = {model.path: model for model in list_models()}.get(path)
    if shipped is None:
        return loaded
    choice = "" if name else ", the default"
    return replace(loaded, description=f"{shipped.name}{choice}: {loaded.description}")


def _load_mixture(faithful: Path, sharp: Path, *, sharpness: float) -> LoadedNetwork:
    mixed = mix(load_network(faithful), load_network(sharp), sharpness=sharpness)
    return replace(mixed, description=f"{faithful.stem} to {sharp.stem}, sharpness {sharpness:g}: {mixed.description}")
