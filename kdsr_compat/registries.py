"""What BasicSR registers, and where its losses look for weights.

`ARCH_REGISTRY` is BasicSR's own, or a stand-in where BasicSR is not installed: then nothing trains, but KDSR's networks
restore pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kdsr_compat.registry_module import load_registry_module


class Registry:
    """Classes and functions by name, used as BasicSR's registries are."""

    def __init__(self, name: str):
        self.name = name
        self.entries: dict[str, Any] = {}

    def register(self, entry: Any = None) -> Any:
        """Add a class or a function under its name; without one, give a decorator that does."""
        if entry is None:
            return self._add
        return self._add(entry)

    def _add(self, entry: Callable[..., Any]) -> Callable[..., Any]:
        if entry.__name__ in self.entries:
            raise ValueError(f"the registry {self.name} has {entry.__name__!r} already")
        self.entries[entry.__name__] = entry
        return entry

    def get(self, name: str) -> Any:
        """Return what has this name; KeyError if nothing has."""
        if name not in self.entries:
            raise KeyError(f"the registry {self.name} has no {name!r}")
        return self.entries[name]

    def keys(self) -> KeysView[str]:
        """List the names."""
        return self.entries.keys()

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.entries.items())


_registries = load_registry_module()
ARCH_REGISTRY: Any = Registry("arch") if _registries is None else _registries.ARCH_REGISTRY


def registered(registry: Any) -> dict[str, Any]:
    """List what a BasicSR registry gives, by name.

    basicsr 1.4.2 and master register some of their classes with the suffix `_basicsr`, which `get` adds where needed.
    """
    return {name.removesuffix("_basicsr"): found for name, found in registry}


def backbone_weights(name: str) -> tuple[str, list[Path]]:
    """Return where the weights of a torchvision network are published, and where BasicSR's losses look for them.

    basicsr 1.4.2 and master: weights in the perceptual loss's own place are taken for whichever type is asked for, so
    that place only serves the type in its name; torchvision looks in its cache and otherwise downloads.

    Raises:
        ValueError: torchvision has no such network.
    """
    from basicsr.archs import vgg_arch
    from torch import hub
    from torchvision.models import get_model_weights

    url = get_model_weights(name).DEFAULT.url
    file_name = url.rsplit("/", 1)[-1]
    cache = Path(hub.get_dir()) / "checkpoints" / file_name
    own_place = Path(vgg_arch.VGG_PRETRAIN_PATH)
    return url, [own_place, cache] if own_place.name == file_name else [cache]


@contextmanager
def vgg_weights_at(path: str | None) -> Iterator[None]:
    """Within this context, BasicSR's perceptual loss reads its weights from a path.

    basicsr 1.4.2 and master have a constant for their place.
    """
    from basicsr.archs import vgg_arch

    own_place = vgg_arch.VGG_PRETRAIN_PATH
    vgg_arch.VGG_PRETRAIN_PATH = path or own_place
    try:
        yield
    finally:
        vgg_arch.VGG_PRETRAIN_PATH = own_place
