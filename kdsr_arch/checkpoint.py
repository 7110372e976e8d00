"""Reading network weights from checkpoint files: `.pth` and `.pt`, wrapped as BasicSR writes them or bare, and
`.safetensors`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

# In the order in which they are preferred when the caller does not say: the averaged weights restore better.
WRAPPERS = ("params_ema", "params")
SAFETENSORS_SUFFIX = ".safetensors"


def read_weights(path: str | Path, *, param_key: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a checkpoint file onto the CPU.

    Args:
        path: a `.safetensors` file, or another with a bare state dict, or with one under `params` and/or `params_ema`.
        param_key: the wrapper to prefer, if the file has it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file cannot be read as a checkpoint of tensors.
    """
    return read_wrapped_weights(path, param_key=param_key)[0]


def read_wrapped_weights(path: str | Path, *, param_key: str | None = None) -> tuple[dict[str, Tensor], str | None]:
    """Read a state dict as `read_weights` does, and give the key under which it stood (None: bare). Raises as it."""
    content, wrapper = read_checkpoint(path), None
    if isinstance(content, dict):
        wrapper = next((key for key in (param_key, *WRAPPERS) if isinstance(content.get(key), dict)), None)
        content = content[wrapper] if wrapper else content
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ValueError(f"{path}: expected a state dict, bare or under one of {', '.join(WRAPPERS)}")
    return content, wrapper


def read_checkpoint(path: str | Path) -> Any:
    """Read what a checkpoint file holds, still wrapped, onto the CPU. Raises as `read_weights`."""
    path = _existing(path)
    try:
        if path.suffix == SAFETENSORS_SUFFIX:
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both raise whatever their archive, header and pickle readers do
        raise ValueError(f"{path}: not a readable checkpoint of tensors ({first_line(error)})") from error


def read_metadata(path: str | Path) -> dict[str, str]:
    """Read the metadata in a `.safetensors` file's header; other files have none. Raises as `read_weights`."""
    path = _existing(path)
    if path.suffix != SAFETENSORS_SUFFIX:
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except Exception as error:
        raise ValueError(f"{path}: not a readable checkpoint of tensors ({first_line(error)})") from error


def _existing(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such checkpoint file")
    return Path(path)


def first_line(error: Exception) -> str:
    """Give the first line of an error's message, or its kind if there is no message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
