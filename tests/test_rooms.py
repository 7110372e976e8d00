"""The rooms: which may import which, that no way runs in a circle, and that each says what it is."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from option_files import ROOT

# What a package may import besides itself and the standard library.
ALLOWED = {
    "kdsr_options": {"numpy", "pydantic", "pydantic_core", "yaml"},
    "kdsr_compat": {"basicsr", "torch", "torchvision"},  # inside functions only
    "kdsr_arch": {"kdsr_compat", "basicsr", "llvmlite", "numpy", "safetensors", "torch"}
    | {"huggingface_hub", "spandrel"},  # for who asks
    "kdsr_data": {"kdsr_compat", "kdsr_options", "basicsr", "torch", "pydantic"}
    | {"PIL", "cv2", "lmdb", "numpy", "scipy", "tifffile"},
}
STAGES = (("kdsr_options", "kdsr_compat"), ("kdsr_arch",), ("kdsr_data",), ("kdsr_model",), ("kdsr_tools",))
FLOOR = {package: floor for floor, stage in enumerate(STAGES) for package in stage}
MOST_FILES = 15
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in FLOOR
    for path in (ROOT / package).rglob("*.py")
}
# Modules without a test file at their mirror, and what tests them; the list may only shrink.
UNMIRRORED = {
    "kdsr_tools.benchmark.films.command": "the benchmark's other parts, which it puts together",
    "kdsr_tools.upscale.video.colours": "test_film, by films of every kind of colours",
    "kdsr_tools.upscale.video.joining": "test_film, by whole films",
    "kdsr_tools.upscale.video.parts": "test_jobs, by work that is stopped, shared and gone on with",
    "kdsr_tools.upscale.video.plan": "test_film_python, by the IDRs of scenes",
    "kdsr_tools.upscale.video.settings": "test_jobs, by the switches that they come from",
    "kdsr_tools.upscale.work": "test_command, by the command itself",
}
FOLDERS = sorted({path.parent for path in FILES.values()})


def list_imports(tree: ast.AST) -> Iterator[str]:
    """List what a file imports, inside functions too; what only type checkers see is left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from list_imports(node)


def find_room(name: str) -> str:
    """Return the room of an imported name: a folder, or a file of its own where folders lie beside it."""
    while name not in FILES:
        name = name.rpartition(".")[0]
    folder = FILES[name].parent
    has_folders = any(other.parent == folder for other in FOLDERS)
    return name if has_folders else ".".join(folder.relative_to(ROOT).parts)


def draw_arrows() -> dict[str, set[str]]:
    """Draw the imports between our rooms: from each to those that it imports."""
    arrows: dict[str, set[str]] = {}
    for name, path in FILES.items():
        room = find_room(name)
        ours = {imported for imported in list_imports(ast.parse(path.read_text())) if imported.split(".")[0] in FLOOR}
        arrows.setdefault(room, set()).update({find_room(imported) for imported in ours} - {room})
    return arrows


def test_no_way_between_rooms_runs_in_a_circle():
    try:
        TopologicalSorter(draw_arrows()).prepare()
    except CycleError as error:
        pytest.fail(f"these rooms import one another: {' <- '.join(error.args[1])}")


def test_no_arrow_points_up():
    pairs = ((a.split(".")[0], b.split(".")[0]) for a, others in draw_arrows().items() for b in others)
    crossing = sorted({(a, b) for a, b in pairs if a != b})
    assert [(a, b) for a, b in crossing if FLOOR[b] >= FLOOR[a]] == []
    assert ("kdsr_data", "kdsr_arch") not in crossing  # a data set never sees a network


def test_commands_borrow_nothing_from_a_comparison_but_the_quickstart_that_runs_one():
    arrows = draw_arrows()
    rooms = {room for room, others in arrows.items() if any(map(is_comparison, others))}
    assert {room for room in rooms if not is_comparison(room)} == {"kdsr_tools.quickstart"}


def is_comparison(room: str) -> bool:
    """Return whether a room belongs to `kdsr compare`."""
    return f"{room}.".startswith("kdsr_tools.compare.")


@pytest.mark.parametrize("package", ALLOWED)
def test_a_lower_room_imports_no_more_than_it_says(package):
    paths = [path for name, path in FILES.items() if name.split(".")[0] == package]
    found = {name.split(".")[0] for path in paths for name in list_imports(ast.parse(path.read_text()))}
    assert found - sys.stdlib_module_names - {package} <= ALLOWED[package]


def test_importing_the_ground_costs_nothing():
    for path in (ROOT / "kdsr_compat").rglob("*.py"):
        tops = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        found = {name.split(".")[0] for node in tops for name in list_imports(ast.Module([node], []))}
        assert found <= sys.stdlib_module_names | {"kdsr_compat"}, path


def find_mirror(path: Path) -> Path:
    """Return where a module's tests are: `kdsr_data/pictures/png.py` has `tests/data/pictures/test_png.py`."""
    package, *folders, name = path.relative_to(ROOT).parts
    return ROOT.joinpath("tests", package.removeprefix("kdsr_"), *folders, f"test_{name}")


def test_every_module_has_its_tests_at_the_mirror():
    modules = {name: path for name, path in FILES.items() if path.name not in ("__init__.py", "__main__.py")}
    missing = {name for name, path in modules.items() if not find_mirror(path).exists()}
    assert missing - UNMIRRORED.keys() == set(), "give these modules a test file at their mirror"
    assert UNMIRRORED.keys() - missing == set(), "these have one (or are gone): take them off the list"


def test_no_folder_needs_scrolling():
    sizes = {folder.relative_to(ROOT).as_posix(): len(list(folder.glob("*.py"))) for folder in FOLDERS}
    assert {folder: size for folder, size in sizes.items() if size > MOST_FILES} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_every_folder_says_what_it_is(folder: Path):
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    first = (docstring or "").split("\n\n")[0]
    assert first.endswith((".", "`")) and 20 < len(first) < 250


def test_drawing_sees_imports_inside_functions_and_not_those_of_type_checkers():
    text = "import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    from c.d import e\n"
    assert list(list_imports(ast.parse(text))) == ["a", "c.d.e"]


def test_the_design_names_files_and_folders_that_are_there():
    names = re.findall(r"`((?:kdsr_\w+|tests)/[\w/.]+)`", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    assert len(names) > 20
    assert [name for name in names if not (ROOT / name).exists()] == []
