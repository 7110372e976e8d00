"""`kdsr export`: a network as an ONNX file, for one size or any, checked against PyTorch before it is kept.

Input `lq` (1, 3, H, W), RGB in [0, 1]; output `sr` (1, 3, sH, sW), not clamped.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from kdsr_arch.checkpoint import first_line
from kdsr_tools.arguments import parse_size
from kdsr_tools.checkpoints.loading import LoadedNetwork, SizePaddedNetwork, SpandrelNetwork, load_network
from kdsr_tools.checkpoints.shipped import find_checkpoint
from kdsr_tools.files import write_then_rename

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
# Heights and widths in pixels. The second differs from the first in all that an export could have taken for fixed.
TRACED_SIZE = (24, 32)
CHECKED_SIZE = (45, 71)
LARGEST_SIDE = 2**16
TOLERANCE = 1e-4  # of values in [0, 1]; larger ones may differ by so much of themselves


def export(loaded: LoadedNetwork, *, to: Path, size: tuple[int, int] | None = None) -> float:
    """Write a network as an ONNX file; return the largest difference from PyTorch in the check.

    The check runs another picture than the export, of another size unless the size is fixed. Only a file that passes
    takes its name.

    Args:
        size: height and width that the file is made for; None makes it for any.

    Raises:
        ValueError: packages are missing, or the network cannot be exported, or the file gives other results.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ValueError(f"export needs {', '.join(missing)}: pip install {' '.join(missing)}")
    network = loaded.network
    if isinstance(network, SpandrelNetwork):
        raise ValueError(f"{loaded.path}: only KDSR students and BasicSR's networks (--opt FILE) can be exported")
    if isinstance(network, SizePaddedNetwork):
        network = _without_padding(network, size)
    with write_then_rename(to) as temporary:
        _write(network, temporary, size)
        return _check(network, temporary, size or CHECKED_SIZE)


def _without_padding(network: SizePaddedNetwork, size: tuple[int, int] | None) -> nn.Module:
    multiple = network.multiple
    if size is None or size[0] % multiple or size[1] % multiple:
        raise ValueError(f"this network takes only heights and widths that are multiples of {multiple}: --size HxW")
    return network.network


def _write(network: nn.Module, path: Path, size: tuple[int, int] | None) -> None:
    lq = torch.rand(1, 3, *(size or TRACED_SIZE))
    sides = {2: torch.export.Dim("height", max=LARGEST_SIDE), 3: torch.export.Dim("width", max=LARGEST_SIDE)}
    try:
        torch.onnx.export(
            network,
            (lq,),
            str(path),
            input_names=["lq"],
            output_names=["sr"],
            dynamic_shapes=None if size else (sides,),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    except Exception as error:  # PyTorch's exporter raises errors of many kinds
        hint = "" if size else "; perhaps it can be for a fixed size: --size HxW"
        raise ValueError(f"PyTorch cannot export this network ({first_line(error)}){hint}") from error


def _check(network: nn.Module, path: Path, size: tuple[int, int]) -> float:
    lq = torch.rand(1, 3, *size)
    with torch.no_grad():
        expected = network(lq)
    result = _run(path, lq)
    if result.shape != expected.shape:
        raise ValueError(f"the exported file gives {tuple(result.shape)} instead of {tuple(expected.shape)}; not kept")
    difference = (result - expected).abs()
    if not bool((difference <= TOLERANCE * expected.abs().clamp(min=1)).all()):
        raise ValueError(f"the exported file gives other results, by up to {float(difference.max()):.2g}; not kept")
    return float(difference.max())


def _run(path: Path, lq: Tensor) -> Tensor:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"lq": lq.numpy()})[0])


def add_parser(subparsers) -> None:
    """Add `kdsr export`."""
    parser = subparsers.add_parser(
        "export", description="Write a network as an ONNX file, checked with onnxruntime before it is kept."
    )
    parser.add_argument("checkpoint", help="a file, or a shipped model's name")
    parser.add_argument("onnx_file", type=Path, metavar="NAME.onnx")
    parser.add_argument("--opt", type=Path, metavar="FILE", help="an option file whose network_g describes the network")
    parser.add_argument("--size", type=parse_size, metavar="HxW", help="height and width of LQ; default: any")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export, check and say so."""
    if args.onnx_file.suffix != ".onnx":
        raise ValueError(f"{args.onnx_file}: expected a name that ends in .onnx")
    if args.onnx_file.exists() and not args.overwrite:
        raise FileExistsError(f"{args.onnx_file} exists already; --overwrite replaces it")
    loaded = load_network(find_checkpoint(args.checkpoint), option_file=args.opt)
    difference = export(loaded, to=args.onnx_file, size=args.size)
    height, width = args.size or CHECKED_SIZE
    kind = f"LQ {height}x{width}" if args.size else "LQ of any height and width"
    print(
        f"{args.onnx_file}: {loaded.description}, {kind}; checked with onnxruntime at {height}x{width}, "
        f"largest difference {difference:.1g}"
    )
    return 0
