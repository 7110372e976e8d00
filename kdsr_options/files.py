"""Option files: reading them without running anything, and finding the project's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kdsr_options.numbers import NUMBER, to_number
from kdsr_options.schema import OptionError, Problem, join_path

SOURCE_TREE = Path(__file__).resolve().parent.parent / "options"
# In an experiment's folder: what file and command line said together, written by training, read by the `kdsr` command.
RUN_OPTIONS = "options_as_run.yml"
INSTALLED = Path(__file__).resolve().parent / "shipped"
NUMBER_TAG = "!number"
KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")  # of keys: a name, and `<<`


class _SafeLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the numbers of YAML 1.2.

    What the plugin line `!!python/name:...` names it takes for nothing.
    """


_SafeLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)
# What YAML 1.1 takes for a number comes first.
_SafeLoader.add_implicit_resolver(NUMBER_TAG, re.compile(f"{NUMBER.pattern}$"), list("-+.0123456789"))
_SafeLoader.add_constructor(NUMBER_TAG, lambda loader, node: to_number(node.value))


def read_option_file(path: str | Path) -> dict[str, Any]:
    """Read an option file as plain blocks; unlike BasicSR's reader, this runs nothing that the file names.

    Raises:
        OptionError: a key stands twice in a block, of which YAML would silently take the last, or is not text.
        ValueError: the file is not YAML, or not an option file.
        OSError: it cannot be read.
    """
    loader = None
    try:
        loader = _SafeLoader(Path(path).read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if problems := list(_find_wrong_keys(node, "")):
            raise OptionError(problems)
        options = loader.construct_document(node) if node else None
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from error
    finally:
        if loader:
            loader.dispose()
    if not isinstance(options, dict):
        raise ValueError(f"{path}: not an option file: expected keys such as network_g")
    return options


def _find_wrong_keys(node: yaml.Node | None, path: str) -> Iterator[Problem]:
    if isinstance(node, yaml.SequenceNode):
        for index, inner in enumerate(node.value):
            yield from _find_wrong_keys(inner, join_path(path, index))
    if not isinstance(node, yaml.MappingNode):
        return
    yield from _find_doubled_keys(node, path)
    for key, inner in node.value:
        where = join_path(path, key.value if isinstance(key, yaml.ScalarNode) else "?")
        if key.tag not in KEY_TAGS:
            line = key.start_mark.line + 1
            yield Problem(where, f"expected a name as the key in line {line}; if this is one, put it in quotes")
        yield from _find_wrong_keys(inner, where)


def _find_doubled_keys(node: yaml.MappingNode, path: str) -> Iterator[Problem]:
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    for name in (name for name, count in Counter(names).items() if count > 1 and name != "<<"):
        lines = [str(key.start_mark.line + 1) for key, _ in node.value if key.value == name]
        yield Problem(
            join_path(path, name), f"stands {len(lines)} times, in lines {', '.join(lines)}; keep one of them"
        )


def packaged_options() -> Path:
    """Return the folder with the project's option files, in a clone or where pip installed them."""
    return SOURCE_TREE if SOURCE_TREE.is_dir() else INSTALLED


def list_options() -> list[str]:
    """List the option files by their path inside the folder."""
    root = packaged_options()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.yml"))
