"""`kdsr convert`: KDSR checkpoints under our names or the authors', in `.pth`, `.pt` or `.safetensors` files, or in
folders as the Hugging Face Hub keeps models.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from kdsr_arch.checkpoint import HEADS_ENTRY, SAFETENSORS_SUFFIX, read_heads, read_metadata, read_weights
from kdsr_arch.pretrained import FILE_NAMES, make_files
from kdsr_arch.weights import NetworkSize, join_heads, size_from_weights, to_official_names, to_own_names
from kdsr_tools.checkpoints.cards import find_evidence
from kdsr_tools.checkpoints.shipped import find_checkpoint
from kdsr_tools.files import write_then_rename

NAMES = {"own": to_own_names, "official": to_official_names}
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
PICKLE_SUFFIXES = (".pth", ".pt")


def convert(
    checkpoint: Path,
    *,
    to: Path,
    names: str = "own",
    param_key: str | None = None,
    precision: str | None = None,
    metadata: Mapping[str, str] | None = None,
    heads: Mapping[str, Tensor] | None = None,
) -> NetworkSize:
    """Write a KDSR checkpoint anew; return what network it is.

    Args:
        to: a `.pth` or `.pt` file holds our names under `params`, as BasicSR does, and the authors' bare, as they do; a
            `.safetensors` file has a header with the network's size, what an old header says, and `metadata`; under
            our names, it keeps the heads of `kdsr diagnose`, too. A name without a suffix is a folder's, for students
            under our names: such a file, its config and its card.
        names: 'own' or 'official'.
        param_key: 'params' or 'params_ema', where there are both; None prefers the latter.
        precision: 'fp32', 'fp16' or 'bf16'; None keeps that of the numbers.
        heads: in the place of those that the checkpoint has.

    Raises:
        ValueError: not a KDSR checkpoint, one that has no official names, an unknown suffix, or a folder for a teacher.
        OSError: a file cannot be read or written.
    """
    if to.suffix not in (*PICKLE_SUFFIXES, SAFETENSORS_SUFFIX, ""):
        raise ValueError(f"{to}: expected a name that ends in .pth, .pt or .safetensors, or, for a folder, in none")
    if not to.suffix and names != "own":
        raise ValueError(f"{to}: a folder holds weights under our names; leave --names {names} out")
    weights = read_weights(checkpoint, param_key=param_key)
    try:
        weights = to_own_names(weights)
        size = size_from_weights(weights)
        weights = NAMES[names](weights)
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from error
    if precision is not None:
        weights = OrderedDict((key, value.to(PRECISIONS[precision])) for key, value in weights.items())
    header = {**size.header(), **read_metadata(checkpoint), **(metadata or {})}
    heads = (heads or read_heads(checkpoint)) if names == "own" else {}
    if not heads:
        header.pop(HEADS_ENTRY, None)
    if not to.suffix:
        _write_folder(to, weights, header, checkpoint, heads=heads)
        return size
    with write_then_rename(to) as temporary:
        if to.suffix == SAFETENSORS_SUFFIX:
            # Not `save_file`, whose files nobody but their owner may read.
            temporary.write_bytes(save(join_heads(weights, heads), metadata=header))
        else:
            torch.save(dict(weights) if names == "official" else {"params": dict(weights)}, temporary)
    return size


def _write_folder(
    folder: Path,
    weights: Mapping[str, Tensor],
    header: Mapping[str, str],
    checkpoint: Path,
    *,
    heads: Mapping[str, Tensor],
) -> None:
    try:
        files = make_files(weights, header=header, evidence=find_evidence(checkpoint), heads=heads)
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from error
    for name, content in files.items():
        with write_then_rename(folder / name) as temporary:
            temporary.write_bytes(content)


def add_parser(subparsers) -> None:
    """Add `kdsr convert`."""
    parser = subparsers.add_parser(
        "convert",
        description="Write a KDSR checkpoint under other names or in another kind of file: .pth, .pt, .safetensors, or "
        "a folder as the Hugging Face Hub keeps models.",
    )
    parser.add_argument("checkpoint", help="a file, or a shipped model's name")
    parser.add_argument("new_file", type=Path, help="the suffix tells the kind of file; without one, it is a folder")
    parser.add_argument("--names", choices=NAMES, default="own", help="ours (default), or the authors'")
    parser.add_argument("--param-key", choices=("params", "params_ema"), help="which, where there are both: params_ema")
    parser.add_argument("--precision", choices=PRECISIONS, help="of the numbers in the file; default: as they are")
    parser.add_argument(
        "--set",
        dest="metadata",
        action="append",
        default=[],
        type=_parse_entry,
        metavar="KEY=TEXT",
        help="an entry of a .safetensors file's header, such as name=... or licence=...; may be repeated",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def _parse_entry(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"expected KEY=TEXT, got {text!r}")
    return key, value


def run(args: argparse.Namespace) -> int:
    """Write the new file and say what is in it."""
    written = [args.new_file] if args.new_file.suffix else [args.new_file / name for name in FILE_NAMES]
    if (existing := next(filter(Path.exists, written), None)) and not args.overwrite:
        raise FileExistsError(f"{existing} exists already; --overwrite replaces it")
    if args.metadata and args.new_file.suffix in PICKLE_SUFFIXES:
        raise ValueError(f"--set: only .safetensors files have a header, {args.new_file} has none")
    size = convert(
        find_checkpoint(args.checkpoint),
        to=args.new_file,
        names=args.names,
        param_key=args.param_key,
        precision=args.precision,
        metadata=dict(args.metadata),
    )
    whose = "our" if args.names == "own" else "the authors'"
    print(f"{args.new_file}: KDSR {size.kind} x{size.scale} under {whose} names")
    return 0
