"""What the teacher's and the students' training share, on top of BasicSR's `SRModel`."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, cast

import torch
from basicsr.losses import build_loss
from basicsr.models.sr_model import SRModel
from basicsr.utils import get_root_logger
from torch import Tensor, nn

from kdsr_arch.checkpoint import read_wrapped_weights
from kdsr_arch.inference import tiling
from kdsr_arch.kdsr import KDSRNetwork
from kdsr_arch.weights import to_own_names
from kdsr_model.experiment_settings import KDSRExperimentSettings, KDSRValSettings, read_experiment
from kdsr_model.optimisation import Stepper
from kdsr_model.run.loading import WeightsMisfit, describe_misfit


class KDSRBaseModel(SRModel):
    """An `SRModel` with safe, fast steps, that loads the authors' checkpoints.

    Attributes:
        experiment: the options as frozen settings, read once; `opt`, BasicSR's dict of the same, is BasicSR's alone.
    """

    lq: Tensor
    gt: Tensor

    def __init__(self, opt: dict[str, Any]):
        self.experiment = cast(KDSRExperimentSettings, read_experiment(opt))
        super().__init__(opt)

    @property
    def settings(self) -> Any:
        """Return the settings of `train`."""
        return self.experiment.train

    def init_training_settings(self) -> None:
        """Set up memory format, compilation and recomputation before BasicSR does the rest."""
        self.stepper = Stepper(self.settings, self.device, what="network")
        network = self.get_bare_model(self.net_g)
        network.sr_network.recompute = self.settings.recompute
        self.arrange_estimator(network.estimator)
        if self.settings.channels_last:
            network.to(memory_format=torch.channels_last)
        if self.settings.compile:
            network.compile()  # in place: names of weights and DDP stay as they are
        lpips_opt = self.settings.lpips_opt
        self.cri_lpips = build_loss(lpips_opt).to(self.device) if lpips_opt else None
        super().init_training_settings()

    def steppers(self) -> dict[str, Stepper]:
        """Return what makes the steps, by the name of the network."""
        return {"g": self.stepper}

    def extra_state(self) -> dict[str, Any]:
        """Return what a training state must hold beside BasicSR's optimisers and schedulers."""
        return {name: stepper.state() for name, stepper in self.steppers().items()}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `extra_state` gave."""
        for name, stepper in self.steppers().items():
            stepper.load_state(state[name])

    def arrange_estimator(self, estimator: nn.Module) -> None:
        """Put an estimator's weights into the memory order in which its convolutions run fastest."""
        if self.device.type == "cpu":  # `kdsr benchmark training`; the SR network's are fastest as they are
            estimator.to(memory_format=torch.channels_last)

    def feed_data(self, data) -> None:
        """Take a batch of `lq` and, where there is one, `gt`."""
        super().feed_data(data)
        if self.is_train and self.settings.channels_last:
            self.lq = self.lq.contiguous(memory_format=torch.channels_last)

    @abstractmethod
    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Return this step's losses by their names in the log; their sum is minimised."""

    def optimize_parameters(self, current_iter: int) -> None:
        """Make one step of the optimiser on the batch that was fed, unless its losses are no numbers."""
        self.optimizer_g.zero_grad()
        losses = self.compute_losses(current_iter)
        has_gradients = self.stepper.backward(losses, self.optimizer_g)
        is_done = has_gradients and self.stepper.step(self.optimizer_g, self.net_g.parameters())
        if is_done and self.ema_decay > 0:
            self.model_ema(decay=self.ema_decay)
        self.log_dict = self.reduce_loss_dict(losses)

    def compute_sr_losses(self, sr: Tensor, *, pixel_gt: Tensor, perceptual_gt: Tensor) -> OrderedDict[str, Tensor]:
        """Compare `sr` (B, 3, sH, sW) with GT by the pixel and the perceptual losses, whichever are set."""
        losses = OrderedDict()
        if self.cri_pix:
            losses["l_pix"] = self.cri_pix(sr, pixel_gt)
        if self.cri_perceptual:
            perceptual, style = self.cri_perceptual(sr, perceptual_gt)
            losses |= {k: v for k, v in (("l_percep", perceptual), ("l_style", style)) if v is not None}
        if self.cri_lpips:
            losses["l_lpips"] = self.cri_lpips(sr, perceptual_gt)
        return losses

    def load_network(self, net: nn.Module, load_path: str, strict: bool = True, param_key: str | None = "params"):
        """Load weights as BasicSR does, from the authors' files too: bare or wrapped, under their names or ours.

        Raises:
            WeightsMisfit: with `strict`, they are not this network's; else nothing of them is.
        """
        weights, found_key = read_wrapped_weights(load_path, param_key=param_key)
        bare = self.get_bare_model(net)
        get_root_logger().info(f"Loading {type(bare).__name__} from {load_path} ({found_key or 'bare'}).")
        if param_key != found_key:
            wanted, taken = param_key or "bare weights", found_key or "its bare weights"
            get_root_logger().warning(f"{load_path} has no {wanted}: {taken} were taken.")
        try:
            fitting = weights if strict else _fitting(to_own_names(weights), bare)
            bare.load_state_dict(fitting, strict=strict)
        except (RuntimeError, ValueError) as error:
            raise WeightsMisfit(f"{load_path}: {describe_misfit(error)}") from error

    def estimate_idr(self, network: KDSRNetwork, tile_size: int | None) -> Tensor:
        """Return the IDR (B, C) of the batch that was fed."""
        return tiling.estimate_idr(network.estimator, self.lq, tile_size=tile_size)

    def test(self) -> None:
        """Restore the image that was fed, in tiles if `val.tile_size` says so."""
        val = self.experiment.val or KDSRValSettings()
        network = self.get_bare_model(getattr(self, "net_g_ema", self.net_g))
        with torch.no_grad():
            idr = self.estimate_idr(network, val.tile_size)
            self.output = tiling.super_resolve(network, self.lq, idr, tile_size=val.tile_size, overlap=val.tile_overlap)


def _fitting(weights: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Return the weights that a network has a place for, and say in the log what it goes without."""
    places = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in places and places[name].shape == value.shape}
    what = f"{len(fitting)} of the {len(places)} tensors of {type(network).__name__}"
    if not fitting:
        raise ValueError(f"none of the weights has a place in {type(network).__name__}")
    if left := [name for name in places if name not in fitting]:
        get_root_logger().warning(f"The checkpoint has {what}; as they were stay {', '.join(left)}.")
    return fitting
