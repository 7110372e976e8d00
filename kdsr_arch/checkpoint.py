"""Reading network weights from checkpoint files, wrapped as BasicSR writes them or bare."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

# In the order in which they are preferred when the caller does not say: the averaged weights restore better.
WRAPPERS = ("params_ema", "params")


def read_weights(path: str | Path, *, param_key: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a `.pth` or `.pt` file onto the CPU.

    Args:
        path: a file with a bare state dict, or with one under `params` and/or `params_ema`.
        param_key: the wrapper to prefer, if the file has it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file cannot be read as a checkpoint of tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such checkpoint file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its archive and pickle readers do
        raise ValueError(f"{path}: not a readable checkpoint of tensors ({_first_line(error)})") from error
    if isinstance(content, dict):
        wrapper = next((key for key in (param_key, *WRAPPERS) if isinstance(content.get(key), dict)), None)
        content = content[wrapper] if wrapper else content
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ValueError(f"{path}: expected a state dict, bare or under one of {', '.join(WRAPPERS)}")
    return content


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
