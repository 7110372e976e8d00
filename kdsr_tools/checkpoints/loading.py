"""Networks for restoring, from checkpoint files: KDSR students by the weights alone, others by an option file's
`network_g` or, with the package spandrel, by what spandrel recognises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdsr_arch import KDSRStudent, KDSRTeacher, loading
from kdsr_arch.checkpoint import fill, first_line, read_checkpoint, unwrap
from kdsr_arch.loading import build_student
from kdsr_arch.weights import TEACHER_MESSAGE, UnknownWeights, to_own_names
from kdsr_compat.registries import ARCH_REGISTRY, registered
from kdsr_options.files import read_option_file
from kdsr_options.modules import import_own_modules

# Sides that networks with windows or unshuffling layers ask for a multiple of.
SIZE_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class LoadedNetwork:
    """A network to restore with: on the CPU, in evaluation mode, its weights fixed.

    `network` turns `lq` (1, 3, H, W), RGB in [0, 1], of any size into `sr` (1, 3, sH, sW). `sharpness` is the share of
    the weights in `path` where they were mixed with those of the model that it was made from.
    """

    network: nn.Module
    scale: int
    description: str
    path: Path
    sharpness: float | None = None


def load_network(
    path: str | Path, *, option_file: str | Path | None = None, network_options: Mapping[str, Any] | None = None
) -> LoadedNetwork:
    """Load a network from a checkpoint, `.pth`, `.pt` or `.safetensors`, wrapped or bare.

    Args:
        option_file: a BasicSR option file whose `network_g` builds the network; without, the weights tell.
        network_options: a `network_g` block with its scale, instead of a file.

    Raises:
        OSError: the checkpoint or the option file cannot be read.
        ValueError: the weights are no network's that is known, a teacher's, or do not fit the options.
    """
    content = read_checkpoint(path)
    return restore_network(content, path=Path(path), option_file=option_file, network_options=network_options)


def restore_network(
    content: Any,
    *,
    path: Path,
    option_file: str | Path | None = None,
    network_options: Mapping[str, Any] | None = None,
) -> LoadedNetwork:
    """Load a network from what `read_checkpoint` gave. Arguments and errors as `load_network`."""
    if option_file is not None:
        network_options = _read_network_options(option_file)
    if network_options is not None:
        return _build_by_options(content, path, network_options)
    try:
        student = build_student(content, path=path)
    except UnknownWeights:
        return _build_by_spandrel(content, path)
    return LoadedNetwork(student, student.scale, describe_kdsr(student), path)


def _read_network_options(option_file: str | Path) -> dict[str, Any]:
    """Read the network that an option file describes. Raises as `load_network`."""
    from kdsr_model.options import complete_network  # with BasicSR and all its networks, hence not before it is needed

    options = read_option_file(option_file)
    try:
        import_own_modules(options)
        return complete_network(options.get("network_g"), scale=options.get("scale"), path="network_g")
    except ValueError as error:
        raise ValueError(f"{option_file}: {error}") from error


def load_teacher(path: str | Path) -> LoadedNetwork:
    """Load a KDSR teacher, whose `network` takes `lq` (1, 3, H, W) and `gt` (1, 3, sH, sW).

    Raises:
        OSError: the checkpoint cannot be read.
        ValueError: the weights are not a teacher's.
    """
    teacher = loading.load_teacher(path)
    return LoadedNetwork(teacher, teacher.scale, f"{describe_kdsr(teacher)}, sees the original", Path(path))


def describe_kdsr(network: KDSRStudent | KDSRTeacher) -> str:
    """Say which student or teacher it is, in a few words."""
    kind, sr_network = "teacher" if isinstance(network, KDSRTeacher) else "student", network.sr_network
    size = f"{sr_network.conv_first.out_channels} features, {len(sr_network.blocks)} blocks"
    return f"KDSR {kind} x{network.scale}, {size}"


def _build_by_options(content: Any, path: Path, network_options: Mapping[str, Any]) -> LoadedNetwork:
    """Build any network that BasicSR's registry knows, as a `network_g` block describes it."""
    from kdsr_model.options import complete_network

    block = complete_network(network_options, scale=None, path="network_g")
    name = block.pop("type")
    if name == "KDSRTeacher":
        raise ValueError(f"{path}: {TEACHER_MESSAGE}")
    network = registered(ARCH_REGISTRY)[name](**block)
    fill(network, to_own_names(unwrap(content, path=path)), path=path)
    network.eval().requires_grad_(False)
    if isinstance(network, KDSRStudent):
        return LoadedNetwork(network, network.scale, describe_kdsr(network), path)
    multiple, scale = _probe(network, name)
    if multiple > 1:
        network = SizePaddedNetwork(network, multiple=multiple, scale=scale).eval()
    return LoadedNetwork(network, scale, f"{name} x{scale}", path)


@torch.inference_mode()
def _probe(network: nn.Module, name: str) -> tuple[int, int]:
    """Find by trying which multiple a picture's sides must be of, and the scale."""
    errors = []
    for multiple in SIZE_MULTIPLES:
        side = multiple * -(-8 // multiple)  # at least 8 pixels
        lq = torch.zeros(1, 3, side + multiple, side)
        try:
            sr = network(lq)
            scale = sr.shape[-1] // side
            if sr.shape == (1, 3, lq.shape[2] * scale, side * scale) and scale >= 1:
                return multiple, scale
            errors.append(f"{tuple(lq.shape)} became {tuple(sr.shape)}")
        except Exception as error:  # whatever its layers raise on a size or a call that they do not take
            errors.append(f"{type(error).__name__}: {error}")
    raise ValueError(f"network_g: {name} does not turn one picture (1, 3, H, W) into another ({errors[-1]})")


class SizePaddedNetwork(nn.Module):
    """A network that takes only multiples of some size, made to take any: pictures are mirrored at their edges."""

    def __init__(self, network: nn.Module, *, multiple: int, scale: int):
        super().__init__()
        self.network = network
        self.multiple = multiple
        self.scale = scale

    def forward(self, lq: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 3, sH, sW)."""
        height, width = lq.shape[2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        mode = "reflect" if bottom < height and right < width else "replicate"
        return self.network(F.pad(lq, (0, right, 0, bottom), mode))[..., : height * self.scale, : width * self.scale]


class SpandrelNetwork(nn.Module):
    """A network as spandrel calls it, with what spandrel pads and cuts; one for gray restores R, G and B by itself."""

    def __init__(self, descriptor: Any):
        super().__init__()
        self.model = descriptor.model  # so that `to` reaches the weights
        self.descriptor = descriptor

    def forward(self, lq: Tensor) -> Tensor:
        """(1, 3, H, W) -> (1, 3, sH, sW)."""
        if self.descriptor.input_channels == 3:
            return self.descriptor(lq)
        return torch.cat([self.descriptor(channel) for channel in lq.split(1, dim=1)], dim=1)


def _build_by_spandrel(content: Any, path: Path) -> LoadedNetwork:
    """Build any network that spandrel recognises by its weights."""
    if find_spec("spandrel") is None:
        raise ValueError(
            f"{path}: not the weights of a KDSR student; for a network of BasicSR, name its option file (--opt FILE), "
            "for others, install spandrel (pip install spandrel)"
        )
    import spandrel

    try:
        weights = spandrel.canonicalize_state_dict(content)
        descriptor = spandrel.ModelLoader().load_from_state_dict(weights)
    except Exception as error:  # spandrel's UnsupportedModelError, and whatever its networks say to odd weights
        raise ValueError(
            f"{path}: neither the weights of a KDSR student nor of a network that spandrel knows "
            f"({first_line(error)}); for a network of BasicSR, name its option file (--opt FILE)"
        ) from error
    channels = (descriptor.input_channels, descriptor.output_channels)
    if not isinstance(descriptor, spandrel.ImageModelDescriptor) or channels not in ((3, 3), (1, 1)):
        name = descriptor.architecture.name
        raise ValueError(f"{path}: {name} does not turn one RGB or gray picture into another (channels {channels})")
    description = f"{descriptor.architecture.name} x{descriptor.scale}"
    network = SpandrelNetwork(descriptor).eval().requires_grad_(False)
    return LoadedNetwork(network, descriptor.scale, description, path)
