"""Checkpoint files: `.pth` and `.pt`, wrapped as BasicSR writes them or bare, and `.safetensors`.

A file's way to a network: `read_checkpoint` -> `recognise` (`unwrap`, our names, the size) -> the network -> `fill`.

A `.safetensors` file may hold more than its network: heads, which read the network's IDR aloud. `read_checkpoint`
leaves them out, so that nobody who loads a network sees them; `read_heads` gives them alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from kdsr_arch.weights import (
    HEADS_PREFIX,
    NetworkSize,
    UnknownWeights,
    size_from_weights,
    to_own_names,
    without_heads,
)

# In the order in which they are preferred when the caller does not say: the averaged weights restore better.
WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net_g")
# What compiling, parallel training and flat files put before every key. The averaged weights come first here, too.
PREFIXES = ("params_ema.", "params-ema.", "params.", "module.", "_orig_mod.")
SAFETENSORS_SUFFIX = ".safetensors"
# In a folder as the Hugging Face Hub keeps models.
WEIGHTS_NAME = "model.safetensors"
# The entry of a file's header that describes its heads.
HEADS_ENTRY = "heads"
NAMED_KEYS = 5
CUT_OFF_WORDS = (
    "truncated",
    "ran out of input",
    "incompletebuffer",
    "incomplete buffer",
    "not fully covered",
    "unexpected eof",
)


def recognise(
    content: Any, *, path: str | Path, param_key: str | None = None
) -> tuple[OrderedDict[str, Tensor], NetworkSize]:
    """Find a KDSR network's weights, under our names, and its size in what `read_checkpoint` gave.

    Raises:
        UnknownWeights: they are another network's.
        ValueError: they come with another normalisation.
    """
    weights = to_own_names(unwrap(content, path=path, param_key=param_key))
    try:
        return weights, size_from_weights(weights)
    except UnknownWeights as error:
        raise UnknownWeights(f"{path}: {error}") from None


def fill(network: nn.Module, weights: Mapping[str, Tensor], *, path: str | Path) -> None:
    """Load all weights into a network; ValueError names the keys of weights that do not fit."""
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


def _list_keys(what: str, keys: list[str]) -> Iterator[str]:
    if keys:
        more = f" and {len(keys) - NAMED_KEYS} more" if len(keys) > NAMED_KEYS else ""
        yield f"{len(keys)} {what} ({', '.join(keys[:NAMED_KEYS])}{more})"


def read_weights(path: str | Path, *, param_key: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a checkpoint file onto the CPU.

    Args:
        path: a `.safetensors` file, or another with a bare state dict, or with one under a key of `WRAPPERS`; or a
            folder with a `model.safetensors`.
        param_key: the wrapper to prefer, if the file has it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file cannot be read as a checkpoint of tensors.
    """
    return unwrap(read_checkpoint(path), path=path, param_key=param_key)


def read_wrapped_weights(path: str | Path, *, param_key: str | None = None) -> tuple[dict[str, Tensor], str | None]:
    """Read a state dict as `read_weights` does, and give the key under which it stood (None: bare). Raises as it."""
    return _unwrap(read_checkpoint(path), path=path, param_key=param_key)


def unwrap(content: Any, *, path: str | Path, param_key: str | None = None) -> dict[str, Tensor]:
    """Find the state dict in what `read_checkpoint` gave; UnknownWeights if there is none. `param_key` as above."""
    return _unwrap(content, path=path, param_key=param_key)[0]


def _unwrap(content: Any, *, path: str | Path, param_key: str | None) -> tuple[dict[str, Tensor], str | None]:
    wrapper = None
    if isinstance(content, dict):
        wrapper = next((key for key in (param_key, *WRAPPERS) if isinstance(content.get(key), dict)), None)
        content = content[wrapper] if wrapper else content
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise UnknownWeights(f"{path}: expected a state dict, bare or under one of {', '.join(WRAPPERS)}")
    return _strip_prefixes(content), wrapper


def _strip_prefixes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove prefixes that every key has; of flat files with weights and averaged weights, take the latter."""
    for prefix in PREFIXES[:2]:
        if any(key.startswith(prefix) for key in weights):
            weights = {key: value for key, value in weights.items() if key.startswith(prefix)}
    while shared := next((prefix for prefix in PREFIXES if all(key.startswith(prefix) for key in weights)), None):
        weights = {key.removeprefix(shared): value for key, value in weights.items()}
    return weights


def read_checkpoint(path: str | Path) -> Any:
    """Read what a checkpoint file holds but its heads, still wrapped, onto the CPU. Raises as `read_weights`."""
    path = _existing(path)
    try:
        if path.suffix == SAFETENSORS_SUFFIX:
            return without_heads(load_file(path))
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both raise whatever their archive, header and pickle readers do
        raise ValueError(f"{path}: not a readable checkpoint of tensors ({_explain(path, error)})") from error


def _explain(path: Path, error: Exception) -> str:
    """Say what a file is that cannot be read, where that can be told; PyTorch's own advice is to run what it holds."""
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if not start:
        return "the file is empty"
    if start.startswith((b"<!doctype", b"<html", b"<head")):
        return "it is a web page, not weights: download the file itself, by its direct link"
    if start.startswith(b"version https://git-lfs"):
        return "it is Git LFS's pointer to the weights: fetch them by git lfs pull"
    is_cut_zip = start.startswith(b"pk\3\4") and not is_zipfile(path)
    if is_cut_zip or isinstance(error, EOFError) or any(word in str(error).lower() for word in CUT_OFF_WORDS):
        return f"it is cut off after {path.stat().st_size} bytes: download it again"
    if isinstance(error, UnpicklingError):
        return "it holds other things than tensors, or is no checkpoint; what could run code is not loaded"
    return first_line(error)


def read_metadata(path: str | Path) -> dict[str, str]:
    """Read the metadata in a `.safetensors` file's header; other files have none. Raises as `read_weights`."""
    return _read_safely(path, lambda file: file.metadata() or {})


def read_heads(path: str | Path) -> dict[str, Tensor]:
    """Read a file's heads, by their names without `HEADS_PREFIX`; {} where there are none. Raises as above."""

    def read(file: Any) -> dict[str, Tensor]:
        keys = [key for key in file.keys() if key.startswith(HEADS_PREFIX)]  # noqa: SIM118  (no mapping)
        return {key.removeprefix(HEADS_PREFIX): file.get_tensor(key) for key in keys}

    return _read_safely(path, read)


def _read_safely(path: str | Path, read: Callable[[Any], dict]) -> dict:
    """Read a part of a `.safetensors` file; {} of other files."""
    path = _existing(path)
    if path.suffix != SAFETENSORS_SUFFIX:
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return read(file)
    except Exception as error:
        raise ValueError(f"{path}: not a readable checkpoint of tensors ({first_line(error)})") from error


def find_weights(path: str | Path) -> Path:
    """Return the checkpoint file that `path` means, which need not be there: itself, or the weights in a folder."""
    return Path(path, WEIGHTS_NAME) if Path(path).is_dir() else Path(path)


def _existing(path: str | Path) -> Path:
    path = find_weights(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such checkpoint file")
    return path


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind if there is no message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
