"""Whole images through a student: exact, within a memory limit, and fast on a CPU."""

from kdsr_arch.inference.restorer import ImageRestorer

__all__ = ["ImageRestorer"]
