"""The workflows and hooks: they run a developer's own commands, on every Python that setup.py calls tested."""

import ast
import re

import pytest
import yaml
from option_files import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def load(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def steps(path):
    """List the steps of all jobs of a workflow."""
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


def pythons_of_setup():
    """The versions between which setup.py says that tests were run."""
    for node in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "(OLDEST, NEWEST_TESTED)":
            (_, oldest), (_, newest) = ast.literal_eval(node.value)
            return [f"3.{minor}" for minor in range(oldest, newest + 1)]
    raise AssertionError("setup.py no longer says which versions are tested")


def test_the_tests_run_on_every_python_that_is_called_tested():
    job = load(".github/workflows/check.yml")["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == pythons_of_setup()
    assert {"make check", "make test"} <= {step.get("run") for step in job["steps"]}


def test_other_systems_import_and_upscale():
    job = load(".github/workflows/check.yml")["jobs"]["elsewhere"]
    assert job["strategy"]["matrix"]["system"] == ["macos-latest", "windows-latest"]
    assert job["steps"][-1]["run"].endswith(".ci/upscale.py")


def test_a_release_is_built_checked_and_tried():
    commands = [step.get("run", "") for step in steps(".github/workflows/release.yml")]
    for part in ("tests/test_setup.py", "-m build", "twine check --strict", "gh release create"):
        assert any(part in command for command in commands), part


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_there(path):
    for command in filter(None, (step.get("run") for step in steps(path))):
        for target in re.findall(r"\bmake ([a-z-]+)", command):
            assert re.search(rf"^{target}:", MAKEFILE, flags=re.MULTILINE), target
        for file in re.findall(r"(?:tests|\.ci)/[\w./]+", command):
            assert (ROOT / file).is_file(), file


def test_the_hooks_are_the_rules_of_make_check():
    (local,) = load(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        rule = re.match(r"\.venv/bin/python (-m ruff \w+)", hook["entry"])[1]
        assert f"$(RUN) {rule}" in MAKEFILE


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.name
)
def test_a_form_asks_at_least_one_thing(path):
    form = load(path)
    assert form["name"] and form["description"]
    assert any(field.get("validations", {}).get("required") for field in form["body"])
