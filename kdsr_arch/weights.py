"""State dicts: the authors' parameter names against ours, and what a state dict tells about its network.

The layouts are facts of the authors' released checkpoints (their code has no licence and is not used here).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from kdsr_arch.sr_network import DIV2K_MEAN

# The one place where the authors' names live: (theirs, ours). {i} counts blocks or steps. Their estimator is one
# nn.Sequential, in which the position of the last three convolutions depends on the number of blocks: see below.
RENAMES = (
    ("G.head.0", "sr_network.conv_first"),
    ("G.body.0.body.{i}.da_conv1.kernel.0", "sr_network.blocks.{i}.depthwise.linear1"),
    ("G.body.0.body.{i}.da_conv1.kernel.2", "sr_network.blocks.{i}.depthwise.linear2"),
    ("G.body.0.body.{i}.conv1", "sr_network.blocks.{i}.conv"),
    ("G.body.1", "sr_network.conv_body"),
    ("G.tail.0.{2i}", "sr_network.upsampler.convs.{i}"),
    ("G.tail.1", "sr_network.conv_last"),
    ("E.E.0", "estimator.conv_first"),
    ("E.E.{i+2}.body.0", "estimator.blocks.{i}.conv1"),
    ("E.E.{i+2}.body.2", "estimator.blocks.{i}.conv2"),
    ("E.mlp.0", "estimator.linear1"),
    ("E.mlp.2", "estimator.linear2"),
    ("E.compress.0", "estimator.to_idr"),
)
WIDE_CONVS = ("estimator.conv_wide1", "estimator.conv_wide2", "estimator.conv_wide3")
MEAN_SHIFTS = {"G.sub_mean": -1.0, "G.add_mean": 1.0}
# The block's number from the number in the authors' key, and the other way round.
COUNTERS = {
    "{i}": (lambda theirs: theirs, lambda ours: ours),
    "{2i}": (lambda theirs: theirs // 2, lambda ours: 2 * ours),
    "{i+2}": (lambda theirs: theirs - 2, lambda ours: ours + 2),
}
# Of tensors beside a network's own, in files that say what the network's IDR knows (`kdsr diagnose`).
HEADS_PREFIX = "heads."
PLACEHOLDER = re.compile(r"\{.+?\}")
# What every student and teacher has, of any size.
SIGNATURE = tuple(
    f"{layer}.weight"
    for layer in (
        "sr_network.conv_first",
        "sr_network.blocks.0.depthwise.linear1",
        "sr_network.blocks.0.depthwise.linear2",
        "sr_network.conv_body",
        "sr_network.upsampler.convs.0",
        "estimator.conv_first",
        "estimator.linear1",
        "estimator.to_idr",
    )
)
TEACHER_MESSAGE = (
    "this is a teacher's checkpoint; a teacher needs the original (GT) beside the picture, so it cannot restore "
    "pictures; name the student that was trained from it"
)


class UnknownWeights(ValueError):
    """Weights that are not a KDSR student's or teacher's."""


Rule = tuple[re.Pattern, Callable[[re.Match], str]]


def _make_rule(source: str, target: str, *, convert: Callable[[int], int]) -> Rule:
    """Make the pattern of keys under one name, and what turns a match of it into the key under the other."""
    pattern = r"(\d+)".join(map(re.escape, PLACEHOLDER.split(source))) + r"\.(weight|bias)"

    def rename(found: re.Match) -> str:
        layer = PLACEHOLDER.sub(lambda _: str(convert(int(found[1]))), target)
        return f"{layer}.{found.groups()[-1]}"

    return re.compile(pattern), rename


def _make_rules() -> tuple[list[Rule], list[Rule]]:
    to_ours, to_theirs = [], []
    for theirs, ours in RENAMES:
        counter = PLACEHOLDER.search(theirs)
        number_of_ours, number_of_theirs = COUNTERS[counter[0] if counter else "{i}"]
        to_ours.append(_make_rule(theirs, ours, convert=number_of_ours))
        to_theirs.append(_make_rule(ours, theirs, convert=number_of_theirs))
    return to_ours, to_theirs


TO_OURS, TO_THEIRS = _make_rules()


def is_official(state_dict: Mapping[str, Tensor]) -> bool:
    """Return whether a state dict, without `module.` prefixes, carries the authors' key names."""
    return "G.head.0.weight" in state_dict


def list_signatures() -> tuple[tuple[str, ...], ...]:
    """List the keys that tell KDSR's weights from other networks', in each spelling: ours, and the authors' two."""
    theirs = tuple(_rename(key, TO_THEIRS) for key in SIGNATURE)
    return SIGNATURE, theirs, tuple(map(_spell_as_student, theirs))


def without_heads(state_dict: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
    """Leave out the heads that a file may hold beside its network, and that no network knows."""
    return OrderedDict((key, value) for key, value in state_dict.items() if not key.startswith(HEADS_PREFIX))


def join_heads(weights: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put heads beside a network's weights, as a file holds them."""
    joined = {**weights, **{f"{HEADS_PREFIX}{name}": value for name, value in heads.items()}}
    return {key: value.contiguous() for key, value in joined.items()}


def strip_module_prefix(state_dict: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
    """Remove the `module.` that DataParallel and DistributedDataParallel put before every key."""
    return OrderedDict((key.removeprefix("module."), value) for key, value in state_dict.items())


def to_own_names(state_dict: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
    """Return a state dict under our names, whether it came under ours or the authors', without heads.

    Unknown keys stay as they are.

    Raises:
        ValueError: the authors' mean shift, which our networks apply as a constant, has other values.
    """
    state_dict = without_heads(strip_module_prefix(state_dict))
    if not is_official(state_dict):
        return state_dict
    student_spelling = OrderedDict((re.sub(r"^E_st\.", "E.", key), value) for key, value in state_dict.items())
    wide_convs = _find_wide_convs(student_spelling)
    renamed = OrderedDict()
    for key, value in student_spelling.items():
        layer, _, kind = key.rpartition(".")
        if layer in MEAN_SHIFTS:
            _check_mean_shift(layer, kind, value)
        elif layer in wide_convs:
            renamed[f"{wide_convs[layer]}.{kind}"] = value
        else:
            renamed[_rename(key, TO_OURS)] = value
    return renamed


def to_official_names(state_dict: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
    """Return a state dict under the authors' names, with their mean shift, whether it came under ours or theirs.

    Raises:
        ValueError: these are not the weights of a KDSR student or teacher, or of one that the authors' code cannot
            build: with a light upsampler, or an estimator of another width.
    """
    weights = to_own_names(state_dict)
    size = size_from_weights(weights)
    if size.direct_upsampler or size.num_estimator_feat != size.num_feat:
        raise ValueError("the authors' networks have neither a direct_upsampler nor a num_estimator_feat of their own")
    renamed = OrderedDict()
    for key, value in weights.items():
        layer, _, kind = key.rpartition(".")
        if layer in WIDE_CONVS:
            # Behind the first convolution, an activation and the blocks; an activation follows each.
            theirs = f"E.E.{2 + size.num_estimator_block + 2 * WIDE_CONVS.index(layer)}.{kind}"
        else:
            theirs = _rename(key, TO_THEIRS)
        renamed[_spell_as_student(theirs) if size.kind == "student" else theirs] = value
    for layer in MEAN_SHIFTS:
        for kind in ("weight", "bias"):
            renamed[f"{layer}.{kind}"] = _mean_shift(layer, kind)
    return renamed


def _spell_as_student(theirs: str) -> str:
    """Name an estimator's key as the authors' students do; their teachers' begin otherwise."""
    return re.sub(r"^E\.", "E_st.", theirs)


def _find_wide_convs(state_dict: Mapping[str, Tensor]) -> dict[str, str]:
    """Map the estimator's last three convolutions: after entry 0, they are its only entries without a `body`."""
    positions = {int(found[1]) for key in state_dict if (found := re.fullmatch(r"E\.E\.(\d+)\.weight", key))}
    theirs = [f"E.E.{position}" for position in sorted(positions - {0})]
    return dict(zip(theirs, WIDE_CONVS, strict=False))


def _rename(key: str, rules: Iterable[Rule]) -> str:
    for pattern, rename in rules:
        if found := pattern.fullmatch(key):
            return rename(found)
    return key


def _mean_shift(layer: str, kind: str) -> Tensor:
    return torch.eye(3).reshape(3, 3, 1, 1) if kind == "weight" else MEAN_SHIFTS[layer] * torch.tensor(DIV2K_MEAN)


def _check_mean_shift(layer: str, kind: str, value: Tensor) -> None:
    expected = _mean_shift(layer, kind)
    if value.shape != expected.shape or not torch.allclose(value.float().cpu(), expected, atol=1e-4):
        raise ValueError(
            f"{layer}.{kind}: expected the shift by the DIV2K mean {DIV2K_MEAN}, got {value.flatten().tolist()}; "
            "these weights belong to a network with another normalisation"
        )


@dataclass(frozen=True)
class NetworkSize:
    """What a state dict tells about its network; `kind` is 'student' or 'teacher'."""

    kind: str
    scale: int
    num_feat: int
    num_block: int
    num_estimator_block: int
    num_estimator_feat: int
    direct_upsampler: bool

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `KDSRStudent` or `KDSRTeacher`."""
        return {key: value for key, value in asdict(self).items() if key != "kind"}

    def header(self) -> dict[str, str]:
        """Return what the header of a `.safetensors` file says about it."""
        return {key: str(value) for key, value in asdict(self).items()}


def size_from_weights(state_dict: Mapping[str, Tensor]) -> NetworkSize:
    """Read a KDSR network's size off its weights, under our names or the authors'.

    Raises:
        UnknownWeights: the weights are not those of a KDSR student or teacher.
    """
    weights = to_own_names(state_dict)
    try:
        num_estimator_feat, in_channels = weights["estimator.conv_first.weight"].shape[:2]
        num_feat = weights["sr_network.conv_first.weight"].shape[0]
        direct_upsampler = "sr_network.conv_last.weight" not in weights
        new_pixels = weights["sr_network.upsampler.convs.0.weight"].shape[0] / (3 if direct_upsampler else num_feat)
        step = round(new_pixels**0.5)
        scale = step ** _count(weights, r"sr_network\.upsampler\.convs\.(\d+)\.weight")
        kind = {3: "student", 3 + 3 * scale**2: "teacher"}[in_channels]
    except KeyError as error:
        raise UnknownWeights(f"not the weights of a KDSR student or teacher: {_describe(state_dict, error)}") from None
    return NetworkSize(
        kind=kind,
        scale=scale,
        num_feat=num_feat,
        num_block=_count(weights, r"sr_network\.blocks\.(\d+)\.conv\.weight"),
        num_estimator_block=_count(weights, r"estimator\.blocks\.(\d+)\.conv1\.weight"),
        num_estimator_feat=num_estimator_feat,
        direct_upsampler=direct_upsampler,
    )


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    return sum(re.fullmatch(pattern, key) is not None for key in weights)


def _describe(state_dict: Mapping[str, Tensor], error: KeyError) -> str:
    if isinstance(error.args[0], int):
        return f"the estimator takes {error.args[0]} channels, which fits neither"
    first_keys = ", ".join(list(state_dict)[:3]) or "nothing"
    return f"{error.args[0]!r} is missing (it holds {first_keys}, ...)"
