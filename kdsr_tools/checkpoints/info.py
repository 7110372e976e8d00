"""`kdsr info`: what a checkpoint holds, how large its network is, and what a picture costs."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import nn

from kdsr_arch import KDSRTeacher
from kdsr_arch.checkpoint import read_checkpoint, read_metadata, unwrap
from kdsr_arch.loading import build_network
from kdsr_arch.weights import UnknownWeights, is_official, strip_module_prefix
from kdsr_tools.arguments import parse_size
from kdsr_tools.benchmark.counting import count_macs, count_parameters
from kdsr_tools.checkpoints.loading import describe_kdsr, restore_network
from kdsr_tools.checkpoints.shipped import find_checkpoint

LQ_SIZE = (180, 320)  # that of the figures in the paper


def describe(path: Path, *, option_file: Path | None = None, lq_size: tuple[int, int] = LQ_SIZE) -> dict[str, Any]:
    """Return what a checkpoint holds, by what each entry is called.

    Args:
        option_file: describes the network where the weights alone do not.
        lq_size: height and width in pixels of the LQ picture that MACs are counted for.

    Raises:
        OSError, ValueError: as `load_network`; but a teacher is described, too.
    """
    content = read_checkpoint(path)
    network, description = _build(content, path, option_file)
    facts: dict[str, Any] = {"network": description, "file": f"{path}, {path.stat().st_size / 1e6:.1f} MB"}
    facts["parameters"] = count_parameters(network)
    height, width = lq_size
    facts[f"MACs for LQ {height}x{width}"] = _try_to_count(network, lq_size)
    return (
        facts
        | _describe_weights(content, path)
        | {f"metadata {key}": text for key, text in sorted(read_metadata(path).items())}
    )


def _build(content: Any, path: Path, option_file: Path | None) -> tuple[nn.Module, str]:
    if option_file is None:
        with suppress(UnknownWeights):
            network = build_network(content, path=path)
            purpose = " (for training: it needs the original)" if isinstance(network, KDSRTeacher) else ""
            return network, f"{describe_kdsr(network)}{purpose}"
    loaded = restore_network(content, path=path, option_file=option_file)
    return loaded.network, loaded.description


def _describe_weights(content: Any, path: Path) -> dict[str, Any]:
    try:
        weights = unwrap(content, path=path)
    except ValueError:  # in a wrapper that spandrel knows
        return {}
    types = Counter(str(value.dtype).removeprefix("torch.") for value in weights.values())
    return {
        "numbers": ", ".join(types),
        "names": "the authors'" if is_official(strip_module_prefix(weights)) else "its own",
    }


def _try_to_count(network: nn.Module, lq_size: tuple[int, int]) -> int | str:
    try:
        return count_macs(network, lq_size)
    except ValueError as error:
        return f"cannot be counted ({error})"


def add_parser(subparsers) -> None:
    """Add `kdsr info`."""
    parser = subparsers.add_parser(
        "info", description="Tell what a checkpoint holds, how large its network is, and what a picture costs."
    )
    parser.add_argument("checkpoint", help="a file, or a shipped model's name")
    parser.add_argument("--opt", type=Path, metavar="FILE", help="an option file whose network_g describes the network")
    parser.add_argument("--lq-size", type=parse_size, default=LQ_SIZE, metavar="HxW", help="default: 180x320")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the entries, one a line."""
    for name, value in describe(find_checkpoint(args.checkpoint), option_file=args.opt, lq_size=args.lq_size).items():
        print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
    return 0
