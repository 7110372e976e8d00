"""The file of BasicSR that holds its registries, without BasicSR's package around it.

basicsr 1.4.2 and master: importing any file of BasicSR imports all of it, with torchvision and SciPy, which takes
longer than PyTorch does. The file `utils/registry.py` imports nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "basicsr.utils.registry"


class _LoadedAlready(MetaPathFinder, Loader):
    """Gives BasicSR, when it is imported later on, the module that others use already."""

    def __init__(self, module: ModuleType):
        self.module = module

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == NAME else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        pass


def load_registry_module() -> ModuleType | None:
    """Load BasicSR's registries alone; None where BasicSR is not installed.

    They are the same objects whether BasicSR has been imported, will be, or never is.
    """
    if sys.modules.get("basicsr") is not None:
        return import_module(NAME)
    spec = find_spec("basicsr")
    folders = spec.submodule_search_locations if spec else None
    # The folder basicsr/ of this project's launchers passes for a package without a file.
    file = next((path for folder in folders or () if (path := Path(folder, "utils/registry.py")).is_file()), None)
    file_spec = spec_from_file_location(NAME, file) if file else None
    if file_spec is None or file_spec.loader is None:
        return None
    module = module_from_spec(file_spec)
    file_spec.loader.exec_module(module)
    sys.meta_path.insert(0, _LoadedAlready(module))
    return module
