"""Networks for restoring, from checkpoint files: KDSR students by the weights alone, others by an option file's
`network_g` or, with the package spandrel, by what spandrel recognises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdsr_arch import KDSRStudent, KDSRTeacher, read_weights, size_from_weights
from kdsr_arch.checkpoint import first_line, read_checkpoint
from kdsr_arch.weights import to_own_names
from kdsr_compat.registries import ARCH_REGISTRY, registered
from kdsr_options.files import read_option_file
from kdsr_options.modules import import_own_modules

TEACHER_MESSAGE = (
    "this is a teacher's checkpoint; a teacher needs the original (GT) beside the picture, so it cannot restore "
    "pictures; name the student that was trained from it"
)
# Sides that networks with windows or unshuffling layers ask for a multiple of.
SIZE_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
NAMED_KEYS = 5


@dataclass(frozen=True)
class LoadedNetwork:
    """A network to restore with: on the CPU, in evaluation mode, its weights fixed.

    `network` turns `lq` (1, 3, H, W), RGB in [0, 1], of any size into `sr` (1, 3, sH, sW).
    """

    network: nn.Module
    scale: int
    description: str
    path: Path


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
    path = Path(path)
    if option_file is not None:
        network_options = _read_network_options(option_file)
    if network_options is not None:
        loaded = _load_by_options(path, network_options)
    else:
        loaded = _load_student(path) or _load_by_spandrel(path)
    loaded.network.eval().requires_grad_(False)
    return loaded


def _read_network_options(option_file: str | Path) -> dict[str, Any]:
    """Read the network that an option file describes. Raises as `load_network`."""
    from kdsr_model.options import complete_network  # with BasicSR and all its networks, hence not before it is needed

    options = read_option_file(option_file)
    try:
        import_own_modules(options)
        return complete_network(options.get("network_g"), scale=options.get("scale"), path="network_g")
    except ValueError as error:
        raise ValueError(f"{option_file}: {error}") from error


def _load_student(path: Path) -> LoadedNetwork | None:
    """Load a KDSR student; None if the weights are another network's."""
    try:
        weights = read_weights(path)
        size = size_from_weights(weights)
    except ValueError:
        read_checkpoint(path)  # A file that cannot be read is an error in any case.
        return None
    if size.kind == "teacher":
        raise ValueError(f"{path}: {TEACHER_MESSAGE}")
    student = KDSRStudent(**size.arguments())
    fill(student, weights, path=path)
    return LoadedNetwork(student, student.scale, describe_student(student), path)


def load_teacher(path: str | Path) -> LoadedNetwork:
    """Load a KDSR teacher, whose `network` takes `lq` (1, 3, H, W) and `gt` (1, 3, sH, sW).

    Raises:
        OSError: the checkpoint cannot be read.
        ValueError: the weights are not a teacher's.
    """
    path = Path(path)
    weights = read_weights(path)
    size = size_from_weights(weights)
    if size.kind != "teacher":
        raise ValueError(f"{path}: the weights are a {size.kind}'s; only a KDSR teacher takes the original (GT)")
    teacher = KDSRTeacher(**size.arguments())
    fill(teacher, weights, path=path)
    description = f"KDSR teacher x{size.scale}, {size.num_feat} features, {size.num_block} blocks, sees the original"
    return LoadedNetwork(teacher.eval().requires_grad_(False), size.scale, description, path)


def describe_student(student: KDSRStudent) -> str:
    """Say which student it is, in a few words."""
    network = student.sr_network
    return f"KDSR student x{student.scale}, {network.conv_first.out_channels} features, {len(network.blocks)} blocks"


def fill(network: nn.Module, weights: Mapping[str, Tensor], *, path: Path) -> None:
    """Load all weights into a network; ValueError names the keys of weights that do not fit."""
    weights = to_own_names(weights)
    expected = network.state_dict()
    shared = expected.keys() & weights.keys()
    differing = [
        f"{key} is {_size(weights[key])} instead of {_size(expected[key])}"
        for key in expected
        if key in shared and weights[key].shape != expected[key].shape
    ]
    problems = [
        *_list_keys("are missing", [key for key in expected if key not in shared]),
        *_list_keys("are unknown to it", [key for key in weights if key not in shared]),
        *_list_keys("have other sizes", differing),
    ]
    if problems:
        raise ValueError(f"{path}: the weights do not fit {type(network).__name__}: {'; '.join(problems)}")
    network.load_state_dict(weights)


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def _list_keys(what: str, keys: list[str]) -> Iterable[str]:
    if keys:
        more = f" and {len(keys) - NAMED_KEYS} more" if len(keys) > NAMED_KEYS else ""
        yield f"{len(keys)} {what} ({', '.join(keys[:NAMED_KEYS])}{more})"


def _load_by_options(path: Path, network_options: Mapping[str, Any]) -> LoadedNetwork:
    """Load any network that BasicSR's registry knows, as a `network_g` block describes it."""
    from kdsr_model.options import complete_network

    block = complete_network(network_options, scale=None, path="network_g")
    name = block.pop("type")
    if name == "KDSRTeacher":
        raise ValueError(f"{path}: {TEACHER_MESSAGE}")
    network = registered(ARCH_REGISTRY)[name](**block)
    fill(network, read_weights(path), path=path)
    network.eval()
    if isinstance(network, KDSRStudent):
        return LoadedNetwork(network, network.scale, describe_student(network), path)
    multiple, scale = _probe(network, name)
    if multiple > 1:
        network = SizePaddedNetwork(network, multiple=multiple, scale=scale)
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


def _load_by_spandrel(path: Path) -> LoadedNetwork:
    """Load any network that spandrel recognises by its weights."""
    if find_spec("spandrel") is None:
        raise ValueError(
            f"{path}: not the weights of a KDSR student; for a network of BasicSR, name its option file (--opt FILE), "
            "for others, install spandrel (pip install spandrel)"
        )
    import spandrel

    try:
        weights = spandrel.canonicalize_state_dict(read_checkpoint(path))
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
    return LoadedNetwork(SpandrelNetwork(descriptor), descriptor.scale, description, path)
