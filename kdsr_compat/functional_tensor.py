"""The module of torchvision that basicsr 1.4.2 imports and torchvision >= 0.17 no longer has."""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NAME = "torchvision.transforms.functional_tensor"


class _FunctionalTensor(MetaPathFinder, Loader):
    """Finds the module where no other finder does, and fills it when it is imported."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == NAME else None

    def exec_module(self, module: ModuleType) -> None:
        from torchvision.transforms.functional import rgb_to_grayscale

        module.rgb_to_grayscale = rgb_to_grayscale  # type: ignore[attr-defined]


def provide_functional_tensor() -> None:
    """Let basicsr 1.4.2 be imported with torchvision >= 0.17, importing nothing now.

    Its `data/degradations.py` imports `rgb_to_grayscale` from a private module that torchvision removed; the function
    lives on in the public one. Fixed in BasicSR's master.
    """
    if not any(isinstance(finder, _FunctionalTensor) for finder in sys.meta_path):
        sys.meta_path.append(_FunctionalTensor())
