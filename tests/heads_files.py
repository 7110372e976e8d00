"""Heads for tests: of known answers, and small students in files with them."""

from __future__ import annotations

from pathlib import Path

import torch
from option_files import SMALL_NETWORKS
from safetensors.torch import save_file

from kdsr_arch import KDSRStudent
from kdsr_arch.weights import join_heads
from kdsr_tools.heads.reader import Heads

NUM_FEAT = SMALL_NETWORKS["KDSRStudent"]["num_feat"]


def make_heads(*, num_features: int = 8 * NUM_FEAT, num_idr: int = NUM_FEAT, **changes: torch.Tensor) -> Heads:
    """Make heads that say blur 2, noise 10, JPEG of coarseness 1.5, a shape of (0.8, 0) and 0.1 of clean of everything.

    Expected errors are 1, so `quantiles` are what intervals reach: 0.5 for the small, 0.25 for the large.
    """
    double = {"dtype": torch.float64}
    num_expanded = 2 * num_features
    values = {
        "centre": torch.zeros(num_expanded, **double),
        "spread": torch.ones(num_expanded, **double),
        "bounds": torch.tensor([[-1e6, 1e6]], **double).repeat(num_expanded, 1),
        "weight": torch.zeros(6, num_expanded, **double),
        "bias": torch.tensor([2, 10, 1.5, 0.8, 0, 0.1], **double),
        "error_weight": torch.zeros(4, num_expanded, **double),
        "error_bias": torch.zeros(4, **double),
        "error_limits": torch.tensor([[-9, 9]] * 4, **double),
        "edges": torch.zeros(2, 4, 1, **double),
        "quantiles": torch.stack([torch.full((4, 2), reach, **double) for reach in (0.5, 0.25)]),
        "limits": torch.tensor([[0, 4], [0, 30], [0, 3.5]], **double),
        "usual": torch.tensor([[0, 4], [0, 25], [0, 3]], **double),
        "cleanness": torch.tensor([10, -5], **double),
        "knobs": torch.eye(2, num_idr, **double),
    }
    return Heads(**(values | changes))


def save_student_with_heads(path: Path, heads: Heads | None = None, *, scale: int = 2) -> KDSRStudent:
    """Save a small student with heads; return the student."""
    torch.manual_seed(0)
    student = KDSRStudent(scale, **SMALL_NETWORKS["KDSRStudent"]).eval().requires_grad_(False)
    tensors = (heads or make_heads()).to_tensors()
    save_file(join_heads(student.state_dict(), tensors), path, metadata={"heads": "of a test"})
    return student
