"""What the tests of upscaling share."""

from collections import Counter
from pathlib import PurePath

import pytest


@pytest.fixture
def path_comparisons(monkeypatch):
    """Count by its name how often paths are compared or hashed."""
    counts = Counter()

    def count(name):
        original = getattr(PurePath, name)

        def counting(path, *others):
            counts[name] += 1
            return original(path, *others)

        monkeypatch.setattr(PurePath, name, counting)

    count("__eq__")
    count("__hash__")
    return counts
