"""Mistakes as people make them in option files: in a value, in a key, in the place of either, in a line of text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from basicsr.losses import basic_loss
from basicsr.utils.registry import LOSS_REGISTRY
from hypothesis import strategies as st

from kdsr_model.checks.training import _Features

# A value's way through nested blocks and lists: keys and positions.
Place = tuple[str | int, ...]

NAMES = [
    *("Adam", "AdamW", "SGD", "LBFGS", "Rprop", "SparseAdam", "Muon", "Adafactor"),
    *("MultiStepLR", "MultiStepRestartLR", "CosineAnnealingRestartLR", "StepLR"),
    *sorted(name.removesuffix("_basicsr") for name, _ in LOSS_REGISTRY),
    *("EDSR", "RCAN", "KDSRStudent", "KDSRTeacher", "UNetDiscriminatorSN", "VGGStyleDiscriminator"),
    *("calculate_psnr", "calculate_ssim", "calculate_niqe"),
    *("DegradedImageDataset", "BlindSRBenchmarkDataset", "PairedImageDataset", "SingleImageDataset"),
    *("ClassicDegradation", "SecondOrderDegradation", "MixedDegradation"),
    *("KDSRTeacherModel", "KDSRStudentModel", "KDSRStudentGANModel", "SRModel", "SRGANModel", "ESRGANModel"),
    *("RealESRNetModel", "SwinIRModel", "HiFaceGANModel"),
    *("mean", "sum", "none", "average", "scale", "auto", "cpu", "cuda", "bf16", "l1", "l2", "fro", "hinge", "lsgan"),
    *("disk", "lmdb", "gaussian8", "aniso9", "params", "params_ema", "debug"),
]
TEXTS = st.sampled_from(
    [*NAMES, "", " ", "x", "1e-4", "0.5", "4", "1,000", "0,5", "../x", "~/x", "/nowhere/at/all", "no.pth", "README.md"]
    + ["docs", "true", "~", "None", "größe", "超解像", "🙂", "a b", "[1, 2]", "{}", "%s", "*"]
)
# Small enough to run, or so large that it cannot: what lies between is a matter of patience.
NUMBERS = st.sampled_from([-3, -1, 0, 1, 2, 3, 4, 5, 8, 12, 16, 32, 33, 10**9, 10**20]) | st.sampled_from(
    [-1.0, 0.0, 1e-9, 1e-4, 0.5, 0.999, 1.0, 2.5, 8.0, 1e9, 1e39, float("nan"), float("inf"), float("-inf")]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
EXTRA_KEYS = st.sampled_from(
    ["eps", "momentum", "nesterov", "weight_decay", "reduction", "restarts", "restart_weights", "eta_min", "periods"]
    + ["milestones", "temperature", "warmup_iter", "tile_size", "better", "import", "lq_size", "phase", "loss_weight"]
    + ["type", "scale", "name", "label", "probability", "degraded_size", "meta_info", "gt_size", "größe"]
)
VALUES = (
    SCALARS
    | st.lists(SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
    | st.dictionaries(EXTRA_KEYS, SCALARS, max_size=2)
)


def places(options: Any, path: Place = ()) -> Iterator[Place]:
    """List the way to every value in nested blocks and lists."""
    pairs = options.items() if isinstance(options, dict) else enumerate(options) if isinstance(options, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from places(value, (*path, key))


def get(options: Any, path: Place) -> Any:
    """Return what stands at a place."""
    for key in path:
        options = options[key]
    return options


def relatives(value: Any) -> list[Any]:
    """List what people write in the place of a value: another kind of it, or too much, or too little."""
    common = [None, [value], {"type": value}, str(value)]
    if isinstance(value, bool):
        return [*common, int(value), "yes", "ture", [value, value]]
    if isinstance(value, int | float):
        return [*common, -value, 0, value * 10, value * 10**9, value / 2, value + 1, bool(value), f"{value}px"]
    if isinstance(value, list):
        parts = [value[0], value[:-1], [str(value[0]), *value[1:]], [None, *value[1:]]] if value else []
        return [*common, [], value[::-1], value + value, dict(enumerate(value)), *parts]
    if isinstance(value, dict):
        return [*common, {}, [{key: part} for key, part in value.items()], list(value), value.get("type")]
    if isinstance(value, str):
        return [*common, "", value.upper(), value[1:], f"{value} ", f"{value}é", value.split("/"), 1, True]
    return [*common, 0, "", [], {}]


def misspelt(key: str) -> list[str]:
    """List a key with a slip in it."""
    return [
        f"{key}s",
        key[1:],
        key[:-1],
        key.upper(),
        key.replace("_", "-"),
        key.replace("_", ""),
        f"{key} ",
        f"{key}é",
    ]


def spoil(draw: Callable[..., Any], options: dict[str, Any]) -> None:
    """Make one mistake in options.

    Args:
        draw: draws from a strategy, with a label.
    """
    path = draw(st.sampled_from(list(places(options))), label="path")
    block, last = get(options, path[:-1]), path[-1]
    kind = draw(
        st.sampled_from(["value", "relative", "relative", "drop", "rename", "add", "move", "copy"]), label="kind"
    )
    if kind == "value":
        block[last] = draw(VALUES, label="value")
    elif kind == "relative":
        block[last] = draw(st.sampled_from(relatives(block[last])), label="value")
    elif kind == "drop":
        del block[last]
    elif kind in ("move", "copy"):
        _displace(draw, options, path, is_kept=kind == "copy")
    elif isinstance(block, dict):
        name, value = draw(EXTRA_KEYS, label="key"), draw(VALUES, label="value")
        if kind == "rename":
            name, value = draw(st.sampled_from(misspelt(str(last))), label="key"), block.pop(last)
        block[name] = value


def _displace(draw: Callable[..., Any], options: dict[str, Any], path: Place, *, is_kept: bool) -> None:
    """Put what stands at a place into another block, or under another key."""
    value = copy.deepcopy(get(options, path))
    if not is_kept:
        del get(options, path[:-1])[path[-1]]
    others = [(), *(place for place in places(options) if isinstance(get(options, place), dict))]
    block = get(options, draw(st.sampled_from(others), label="to"))
    keys = [str(path[-1]), *map(str, block)]
    block[draw(st.sampled_from(keys), label="as")] = value


def spoil_text(draw: Callable[..., Any], text: str) -> str:
    """Make one slip in a line of an option file."""
    lines = text.splitlines()
    number = draw(st.integers(0, len(lines) - 1), label="line")
    line = lines[number]
    slips = [
        f"{line}\n{line}",  # twice
        f"  {line}",
        line.removeprefix("  "),
        f"\t{line.strip()}",
        "",
        line.replace(":", "", 1),
        line.replace(": ", ":", 1),
        line.replace("- ", "-", 1),
        f"{line} {line.strip()}",
        f"{line}: 1",
        f"{line}]",
        line.replace(": ", ": '", 1),
        line.replace(": ", ": @", 1),
        line.replace(": ", ": *", 1),
        f"#{line}",
        line.replace(" ", "\N{NO-BREAK SPACE}"),
        line[: len(line) // 2],
        f"{line}\n---",
    ]
    lines[number] = draw(st.sampled_from(slips), label="slip")
    return "\n".join(lines) + "\n"


def do_without_vgg() -> None:
    """Have the perceptual loss compare images themselves, as the option check does: the weights are not everywhere."""
    basic_loss.VGGFeatureExtractor = _Features
