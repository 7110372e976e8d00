"""What works around BasicSR, each with its reason and the version: nothing else in this project does.

The packages import this module before they import BasicSR. Checked against basicsr 1.4.2 (the newest release);
where BasicSR's master differs, it is said.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from basicsr.utils.registry import Registry


def provide_functional_tensor() -> None:
    """Let basicsr 1.4.2 be imported with torchvision >= 0.17.

    Its `data/degradations.py` imports `rgb_to_grayscale` from a private module that torchvision removed; the function
    lives on in the public one. Fixed in BasicSR's master.
    """
    name = "torchvision.transforms.functional_tensor"
    try:
        __import__(name)
    except ModuleNotFoundError:
        from torchvision.transforms.functional import rgb_to_grayscale

        module = types.ModuleType(name)
        module.rgb_to_grayscale = rgb_to_grayscale
        sys.modules[name] = module


provide_functional_tensor()


def support_cpu_training() -> None:
    """Let distributed training run without CUDA.

    basicsr 1.4.2 and master: `init_dist` takes NCCL and a CUDA device for granted, `model_to_device` puts networks on
    `torch.cuda.current_device()`. Without CUDA, gloo and the CPU take their places; with CUDA nothing changes.
    """
    from basicsr.models.base_model import BaseModel
    from basicsr.utils import options

    if not getattr(options.init_dist, "is_from_kdsr", False):
        options.init_dist = _with_gloo_on_cpu(options.init_dist)
        BaseModel.model_to_device = _with_ddp_on_cpu(BaseModel.model_to_device)


def _with_gloo_on_cpu(init_dist: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init_dist)
    def init_dist_anywhere(launcher: str, backend: str = "nccl", **kwargs: Any) -> None:
        if torch.cuda.is_available():
            init_dist(launcher, backend, **kwargs)
        elif launcher == "pytorch":
            torch.distributed.init_process_group("gloo")
        else:
            raise SystemExit(f"--launcher {launcher} needs CUDA; without it, start with torchrun --launcher pytorch")

    init_dist_anywhere.is_from_kdsr = True
    return init_dist_anywhere


def _with_ddp_on_cpu(model_to_device: Callable) -> Callable:
    @functools.wraps(model_to_device)
    def model_to_any_device(self, net):
        if self.opt["dist"] and not torch.cuda.is_available():
            unused = self.opt.get("find_unused_parameters", False)
            return torch.nn.parallel.DistributedDataParallel(net, find_unused_parameters=unused)
        return model_to_device(self, net)

    return model_to_any_device


def support_cpu_degradation() -> None:
    """Let `RealESRGANModel.feed_data` run on the CPU.

    basicsr 1.4.2 and master: its `filter2D` views the padded image, which torch 2.14 on the CPU leaves in another
    memory order than a view needs.
    """
    from basicsr.models import realesrgan_model

    filter2d = realesrgan_model.filter2D
    realesrgan_model.filter2D = lambda img, kernel: filter2d(img.contiguous(), kernel)


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
    from torchvision.models import get_model_weights

    url = get_model_weights(name).DEFAULT.url
    file_name = url.rsplit("/", 1)[-1]
    cache = Path(torch.hub.get_dir()) / "checkpoints" / file_name
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


def hook_launchers(prepare_options: Callable[[dict[str, Any]], None]) -> None:
    """Have BasicSR's running `train.py` or `test.py` call `prepare_options(opt)` first, and resume without CUDA.

    BasicSR has no entry point for plugins. An option file can load one while BasicSR parses it (its `kdsr_version`
    line), and right after parsing, `train_pipeline` looks up `load_resume_state` in its own module, `test_pipeline`
    `make_exp_dirs`: these two names are replaced there.
    """
    for launcher in _running_launchers():
        if getattr(launcher, "is_hooked_by_kdsr", False):
            continue
        if hasattr(launcher, "train_pipeline"):
            launcher.load_resume_state = _after(prepare_options, functools.partial(load_resume_state, launcher))
            launcher.create_train_val_dataloader = _with_all_epochs(launcher.create_train_val_dataloader)
        else:
            launcher.make_exp_dirs = _after(prepare_options, launcher.make_exp_dirs)
        launcher.is_hooked_by_kdsr = True


def _running_launchers() -> Iterator[types.ModuleType]:
    for name in ("basicsr.train", "basicsr.test", "__main__"):
        module = sys.modules.get(name)
        if hasattr(module, "train_pipeline") or hasattr(module, "test_pipeline"):
            yield module


def _after(prepare: Callable[[dict], None], go_on: Callable[[dict], Any]) -> Callable[[dict], Any]:
    def prepare_and_go_on(opt: dict[str, Any]) -> Any:
        prepare(opt)
        return go_on(opt)

    return prepare_and_go_on


def _with_all_epochs(create_dataloaders: Callable) -> Callable:
    """Let training reach `total_iter`.

    basicsr 1.4.2 and master count a last, incomplete batch in every epoch, which its loader then drops: with few
    batches an epoch, training runs out of epochs and ends early without a word, and with less than one it never begins.
    """

    @functools.wraps(create_dataloaders)
    def create_dataloaders_and_count(opt: dict[str, Any], logger: logging.Logger) -> tuple:
        train_loader, sampler, val_loaders, _, total_iters = create_dataloaders(opt, logger)
        if len(train_loader) == 0:
            raise SystemExit(
                f"datasets.train: {len(train_loader.dataset)} images are fewer than one batch; "
                "raise dataset_enlarge_ratio or lower batch_size_per_gpu"
            )
        return train_loader, sampler, val_loaders, math.ceil(total_iters / len(train_loader)), total_iters

    return create_dataloaders_and_count


def load_resume_state(launcher: types.ModuleType, opt: dict[str, Any]) -> dict[str, Any] | None:
    """Give the training state to go on from, or None to start afresh; stands in for BasicSR's function.

    basicsr 1.4.2 and master load it onto `torch.cuda.current_device()`, which fails without CUDA. 1.4.2 also looks for
    `experiments/` in the current folder instead of the root's, and with `--auto_resume` both take the newest file even
    when the process was killed while writing it.
    """
    if opt["auto_resume"]:
        path, state = _newest_complete_state(Path(opt["path"]["training_states"]), Path(opt["path"]["models"]), opt)
        if state is None:
            return None
        opt["path"]["resume_state"] = str(path)
    elif opt["path"].get("resume_state"):
        path = Path(opt["path"]["resume_state"])
        state = read_training_state(path)
        if state is None:
            raise SystemExit(f"path.resume_state: {path} is not a complete training state; take an earlier one")
    else:
        return None
    launcher.check_resume(opt, state["iter"])
    return state


def _newest_complete_state(states: Path, models: Path, opt: dict) -> tuple[Path | None, dict | None]:
    found = [path for path in states.glob("*.state") if re.fullmatch(r"\d+", path.stem)]
    for path in sorted(found, key=lambda path: -int(path.stem)):
        state = read_training_state(path)
        networks = [
            models / f"net_{key.removeprefix('network_')}_{path.stem}.pth" for key in opt if _is_saved(key, opt)
        ]
        broken = next((network for network in networks if not _is_readable(network)), None)
        if state is not None and broken is None:
            return path, state
        _warn(f"{broken or path} is missing or incomplete (was training stopped while saving?): trying an earlier one")
    return None, None


def _is_saved(key: str, opt: dict[str, Any]) -> bool:
    ignored = opt["path"].get("ignore_resume_networks") or []
    return key.startswith("network_") and key not in ignored


def read_training_state(path: Path) -> dict[str, Any] | None:
    """Read BasicSR's training state onto the CPU, from where optimisers move it; None if it is not complete."""
    state = _load_or_none(path)
    complete = isinstance(state, dict) and {"epoch", "iter", "optimizers", "schedulers"} <= state.keys()
    return state if complete else None


def _is_readable(path: Path) -> bool:
    return _load_or_none(path) is not None


def _load_or_none(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a torn file fails in any of the archive's, pickle's and torch's readers
        return None


def _warn(message: str) -> None:
    # BasicSR's own logger must not be set up yet: its log file is not known at this point.
    if int(os.environ.get("RANK", 0)) == 0:
        logging.getLogger("kdsr").warning(message)
