"""Tiny networks at x2, which every test of this folder may change."""

import pytest

from kdsr_arch import KDSRStudent, KDSRTeacher


@pytest.fixture
def small() -> dict[str, int]:
    """Return the arguments of the smallest network in which every part of it is present."""
    return {"num_feat": 8, "num_block": 2, "num_estimator_block": 1}


@pytest.fixture
def student(small) -> KDSRStudent:
    return KDSRStudent(2, **small)


@pytest.fixture
def teacher(small) -> KDSRTeacher:
    return KDSRTeacher(2, **small)
