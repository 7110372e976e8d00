"""KDSR networks from checkpoint files, of which nothing else is needed: the weights tell kind and size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kdsr_arch.checkpoint import fill, read_checkpoint, recognise
from kdsr_arch.kdsr import KDSRStudent, KDSRTeacher
from kdsr_arch.weights import TEACHER_MESSAGE


def load_student(path: str | Path, *, param_key: str | None = None) -> KDSRStudent:
    """Load a KDSR student, its size told by its weights: on the CPU, in evaluation mode, without gradients.

    Args:
        param_key: see `read_weights`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or holds a teacher's or another network's weights.
    """
    return build_student(read_checkpoint(path), path=path, param_key=param_key)


def load_teacher(path: str | Path, *, param_key: str | None = None) -> KDSRTeacher:
    """Load a KDSR teacher. As `load_student`."""
    network = build_network(read_checkpoint(path), path=path, param_key=param_key)
    if not isinstance(network, KDSRTeacher):
        raise ValueError(f"{path}: the weights are a student's; only a KDSR teacher takes the original (GT)")
    return network


def build_student(content: Any, *, path: str | Path, param_key: str | None = None) -> KDSRStudent:
    """Build the student of which `read_checkpoint` gave the weights. Raises as `build_network`, and for a teacher."""
    network = build_network(content, path=path, param_key=param_key)
    if not isinstance(network, KDSRStudent):
        raise ValueError(f"{path}: {TEACHER_MESSAGE}")
    return network


def build_network(content: Any, *, path: str | Path, param_key: str | None = None) -> KDSRStudent | KDSRTeacher:
    """Build the KDSR network of which `read_checkpoint` gave the weights.

    Raises:
        UnknownWeights: they are another network's.
        ValueError: they are not complete, or come with another normalisation.
    """
    weights, size = recognise(content, path=path, param_key=param_key)
    network = (KDSRTeacher if size.kind == "teacher" else KDSRStudent)(**size.arguments())
    fill(network, weights, path=path)
    return network.eval().requires_grad_(False)
