"""The KDSR networks; importing registers them in BasicSR's `ARCH_REGISTRY`, without importing BasicSR."""

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)
from kdsr_arch.checkpoint import read_weights
from kdsr_arch.kdsr import KDSRNoEstimator, KDSRStudent, KDSRTeacher
from kdsr_arch.loading import load_student, load_teacher
from kdsr_arch.weights import NetworkSize, size_from_weights

__all__ = [
    "KDSRNoEstimator",
    "KDSRStudent",
    "KDSRTeacher",
    "NetworkSize",
    "load_student",
    "load_teacher",
    "read_weights",
    "size_from_weights",
]
