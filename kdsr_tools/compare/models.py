"""The models of a comparison: built, put on a device, and told apart by what they would compute."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kdsr_model.options import complete_network
from kdsr_tools.checkpoints.experiments import experiment_options, newest_checkpoint
from kdsr_tools.checkpoints.loading import LoadedNetwork, load_network, load_teacher
from kdsr_tools.checkpoints.shipped import find_checkpoint, load_model
from kdsr_tools.compare.settings import ComparedModelSettings, CompareSettings
from kdsr_tools.evaluation import bicubic_restorer
from kdsr_tools.idr.view import load_teacher as load_teacher_of


class NetworkSource(NamedTuple):
    """Where a network comes from: what `load_network` takes."""

    weights: Path
    option_file: Path | None = None
    network_options: dict[str, Any] | None = None
    sharpness: float | None = None

    def load(self) -> LoadedNetwork:
        """Load the network. Raises as `load_network`."""
        if self.sharpness is not None:
            return load_model(str(self.weights), sharpness=self.sharpness)
        return load_network(self.weights, option_file=self.option_file, network_options=self.network_options)


@dataclass(frozen=True)
class ComparedModel:
    """A model ready to restore; `fingerprint` changes with its weights or options, `source` is None for bicubic.

    With `sees_gt`, `restore` takes GT (1, 3, sH, sW) behind `lq`.
    """

    name: str
    description: str
    restore: Callable[..., Tensor]
    fingerprint: str
    network: nn.Module | None = None
    source: NetworkSource | None = None
    teacher: Path | None = None
    sees_gt: bool = False


def open_models(settings: CompareSettings, *, device: torch.device) -> list[ComparedModel]:
    """Build every model. Raises FileNotFoundError or ValueError, with the model's name, for what cannot be loaded."""
    return [open_model(name, block, scale=settings.scale, device=device) for name, block in settings.models.items()]


def open_model(name: str, block: ComparedModelSettings, *, scale: int, device: torch.device) -> ComparedModel:
    """Build one model. Raises as `open_models`."""
    if block.bicubic:
        return ComparedModel(name, "bicubic enlargement", bicubic_restorer(scale), f"bicubic x{scale}")
    try:
        source = find_source(block, scale=scale)
        loaded = load_teacher(source.weights) if block.sees_gt else source.load()
        if loaded.scale != scale:
            raise ValueError(f"{source.weights}: it enlarges x{loaded.scale}, and this comparison has scale: {scale}")
        if block.teacher is not None:
            load_teacher_of(block.teacher, scale=scale)  # so that a wrong one is noticed before hours of work
    except FileNotFoundError as error:
        raise FileNotFoundError(f"models.{name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"models.{name}: {error}") from error
    network = loaded.network.to(device).eval()
    restore = network_runner(network, device=device)
    fingerprint = _fingerprint(source, network)
    return ComparedModel(name, loaded.description, restore, fingerprint, network, source, block.teacher, block.sees_gt)


def network_runner(network: nn.Module, *, device: torch.device) -> Callable[..., Tensor]:
    """Make a restorer of a network that is on its device; it takes what the network takes."""

    def restore(*images: Tensor) -> Tensor:
        with torch.inference_mode():
            return network(*(image.to(device) for image in images))

    return restore


def find_source(block: ComparedModelSettings, *, scale: int) -> NetworkSource:
    """Find a model's files; those of an experiment by what training leaves in its folder.

    Raises:
        FileNotFoundError: the experiment has no option file or no checkpoint, or there are no such weights.
        ValueError: what the experiment's network is cannot be known, or something is wrong in `network`.
    """
    if block.experiment is None:
        network = block.network and complete_network(block.network, scale=scale, path="network")
        return NetworkSource(find_checkpoint(str(block.weights)), block.options, network, block.sharpness)
    return NetworkSource(newest_checkpoint(block.experiment), experiment_options(block.experiment))


def _fingerprint(source: NetworkSource, network: nn.Module) -> str:
    """Hash what the result depends on: weights, options and structure, but neither names nor times."""
    digest = hashlib.sha256(source.weights.read_bytes())
    if source.option_file is not None:
        # BasicSR's copies begin with comments that hold the time.
        lines = source.option_file.read_text(encoding="utf-8").splitlines()
        digest.update("\n".join(line for line in lines if not line.startswith("#")).encode())
    digest.update(repr(source.network_options).encode())
    if source.sharpness is not None:
        for value in network.state_dict().values():
            digest.update(value.cpu().numpy().tobytes())
    digest.update(repr(network).encode())
    return digest.hexdigest()
