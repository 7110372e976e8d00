"""What the teacher's and the student's training share, on top of BasicSR's `SRModel`."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict

from basicsr.data import build_dataloader
from basicsr.models.sr_model import SRModel
from basicsr.utils import get_root_logger
from torch import Tensor, nn

from kdsr_arch import read_weights
from kdsr_data import BlindSRBenchmarkDataset


class KDSRBaseModel(SRModel):
    """An `SRModel` whose losses are a method, that loads the authors' checkpoints and can report by setting."""

    @abstractmethod
    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Give this step's losses by their names in the log; their sum is minimised."""

    def optimize_parameters(self, current_iter: int) -> None:
        """Make one step of the optimiser on the batch that was fed."""
        self.optimizer_g.zero_grad()
        losses = self.compute_losses(current_iter)
        sum(losses.values()).backward()
        self.optimizer_g.step()
        self.log_dict = self.reduce_loss_dict(losses)
        if self.ema_decay > 0:
            self.model_ema(decay=self.ema_decay)

    def compute_sr_losses(self, sr: Tensor) -> OrderedDict[str, Tensor]:
        """Compare `sr` (B, 3, sH, sW) with GT by the pixel and the perceptual loss, whichever are set."""
        losses = OrderedDict()
        if self.cri_pix:
            losses["l_pix"] = self.cri_pix(sr, self.gt)
        if self.cri_perceptual:
            perceptual, style = self.cri_perceptual(sr, self.gt)
            losses |= {k: v for k, v in (("l_percep", perceptual), ("l_style", style)) if v is not None}
        return losses

    def load_network(self, net: nn.Module, load_path: str, strict: bool = True, param_key: str | None = "params"):
        """Load weights as BasicSR does, from the authors' files too: bare or wrapped, under their names or ours."""
        weights = read_weights(load_path, param_key=param_key)
        bare = self.get_bare_model(net)
        get_root_logger().info(f"Loading {type(bare).__name__} from {load_path}.")
        try:
            mismatch = bare.load_state_dict(weights, strict=strict)
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{load_path}: does not fit {type(bare).__name__}: {error}") from error
        if mismatch.missing_keys or mismatch.unexpected_keys:
            get_root_logger().warning(f"{load_path}: loaded in part: {mismatch}")

    def validation(self, dataloader, current_iter, tb_logger, save_img=False) -> None:
        """Validate as BasicSR does; with `val.per_setting`, a benchmark's settings are reported one by one."""
        data_set = dataloader.dataset
        if not (self.opt["val"].get("per_setting") and isinstance(data_set, BlindSRBenchmarkDataset)):
            super().validation(dataloader, current_iter, tb_logger, save_img)
            return
        for part in data_set.split_by_setting():
            loader = build_dataloader(part, part.opt, num_gpu=self.opt["num_gpu"], dist=self.opt["dist"])
            super().validation(loader, current_iter, tb_logger, save_img)
