"""Option files: reading them without running anything, and finding the project's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SOURCE_TREE = Path(__file__).resolve().parent.parent / "options"
# In an experiment's folder: what file and command line said together, written by training, read by the `kdsr` command.
RUN_OPTIONS = "options_as_run.yml"
INSTALLED = Path(__file__).resolve().parent / "shipped"


class _SafeLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which takes what the plugin line `!!python/name:...` names for nothing."""


_SafeLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


def read_option_file(path: str | Path) -> dict[str, Any]:
    """Read an option file as plain blocks; unlike BasicSR's reader, this runs nothing that the file names.

    Raises:
        ValueError: the file is not YAML, or not an option file.
        OSError: it cannot be read.
    """
    try:
        options = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(options, dict):
        raise ValueError(f"{path}: not an option file: expected keys such as network_g")
    return options


def packaged_options() -> Path:
    """Give the folder with the project's option files, in a clone or where pip installed them."""
    return SOURCE_TREE if SOURCE_TREE.is_dir() else INSTALLED


def list_options() -> list[str]:
    """List the option files by their path inside the folder."""
    root = packaged_options()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.yml"))
