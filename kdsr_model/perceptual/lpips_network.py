"""The network of LPIPS (arXiv 1801.03924): the package `lpips` on convolutions from a file, never by download.

The package brings its own learned weights of the layers; the convolutions are torchvision's AlexNet or VGG16.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from kdsr_arch.checkpoint import read_weights
from kdsr_compat.registries import backbone_weights

# What torchvision calls the networks that LPIPS compares with.
LPIPS_BACKBONES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def find_lpips_weights(net: str, weights: str | Path | None = None) -> Path:
    """Find the file with a network's convolutions: `weights`, or what torchvision left in torch's cache.

    Raises:
        ValueError: LPIPS does not know the network; or `weights` is no path.
        FileNotFoundError: there is no such file; the message says where to get it.
    """
    if net not in LPIPS_BACKBONES:
        raise ValueError(f"expected one of {', '.join(LPIPS_BACKBONES)}, got {net!r}")
    name = LPIPS_BACKBONES[net]
    url, places = backbone_weights(name)
    if weights is not None:
        if not isinstance(weights, str | Path) or not str(weights).strip():
            raise ValueError(f"weights: expected the path of a file with {name}'s convolutions, got {weights!r}")
        if not Path(weights).is_file():
            raise FileNotFoundError(
                f"{weights}, the weights of {name}, does not exist: download {url} and put it there"
            )
        return Path(weights)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        where = " or ".join(map(str, places))
        raise FileNotFoundError(f"the weights of {name} were not found: download {url} and put it at {where}")
    return found


def build_lpips(net: str, weights: str | Path | None = None) -> nn.Module:
    """Build LPIPS, frozen; it compares images (B, 3, H, W) from -1 to 1, or from 0 to 1 with `normalize=True`.

    Raises:
        FileNotFoundError, ValueError: see `find_lpips_weights`; or the file cannot be read, or holds another network.
        ModuleNotFoundError: the package is not installed.
    """
    path = find_lpips_weights(net, weights)
    if find_spec("lpips") is None:
        raise ModuleNotFoundError("LPIPS needs the package lpips: pip install lpips")
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls torchvision in an old way
        network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)  # random at first: it would download
    _fill_convolutions(network.net, read_weights(path), path=path)
    return network.requires_grad_(False).eval()


def _fill_convolutions(slices: nn.Module, found: dict[str, Any], *, path: Path) -> None:
    """Copy torchvision's `features.N.*` to `sliceS.N.*`, as the package cuts them."""
    for name, parameter in slices.named_parameters():
        key = "features." + name.partition(".")[2]
        value = found.get(key)
        if not isinstance(value, Tensor) or value.shape != parameter.shape:
            got = tuple(value.shape) if isinstance(value, Tensor) else "nothing"
            raise ValueError(
                f"{path}: expected {key} of shape {tuple(parameter.shape)}, got {got}; is it another network?"
            )
        parameter.data.copy_(value)
