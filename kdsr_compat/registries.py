"""What BasicSR registers, and where its losses look for weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basicsr.utils.registry import Registry


def registered(registry: Registry) -> dict[str, Any]:
    """List what a BasicSR registry gives, by name.

    basicsr 1.4.2 and master register some of their classes with the suffix `_basicsr`, which `get` adds where needed.
    """
    return {name.removesuffix("_basicsr"): found for name, found in registry}


def backbone_weights(name: str) -> tuple[str, list[Path]]:
    """Tell where the weights of one of torchvision's networks are published, and where BasicSR's losses look for them.

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
