"""The documentation: its commands are ones that exist, its links lead somewhere, its Python and YAML can be read."""

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from option_files import ROOT

from kdsr_tools.cli import SUBCOMMANDS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def blocks(language):
    """List (page, code) of all blocks of a language."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [(page, code) for code in re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.M)]
    return found


def commands():
    """List the words of each command of the documentation, without comments; a pipe has several."""
    found = []
    for _, code in blocks("bash"):
        for line in code.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|>&;")
            lexer.whitespace_split = True
            try:
                words = list(lexer)
            except ValueError:
                continue  # part of a script whose quotes go over several lines
            found += [piece for piece in split(words) if piece]
    return found


def split(words):
    """Split a line at pipes, and leave out where its output goes."""
    pieces = [[]]
    for word in words:
        if set(word) <= set("|&;"):
            pieces.append([])
        else:
            pieces[-1].append(word)
    return [piece[: piece.index(">")] if ">" in piece else piece for piece in pieces]


def kdsr_arguments():
    """List the arguments of each `kdsr` command, however it is started."""
    found = []
    for words in commands():
        if words[0] == "kdsr":
            found.append(words[1:])
        elif "kdsr_tools" in words:
            found.append(words[words.index("kdsr_tools") + 1 :])
    return found


def named(words):
    return " ".join(words)


@pytest.mark.parametrize("arguments", kdsr_arguments(), ids=named)
def test_a_kdsr_command_takes_these_arguments(arguments):
    parser = argparse.ArgumentParser()
    import_module(f"kdsr_tools.{SUBCOMMANDS[arguments[0]].module}").add_parser(parser.add_subparsers())
    parser.parse_args(arguments)  # ends the program at an unknown switch


def test_make_has_every_target_that_is_named():
    targets = {word for words in commands() if words[0] == "make" for word in words[1:] if "=" not in word}
    assert {"quickstart", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, flags=re.M), target


def test_every_option_file_that_a_command_names_is_there():
    files = {word for words in commands() for word in words if word.startswith(("options/", "basicsr/"))}
    assert {"basicsr/train.py", "options/train_kdsr_student.yml"} <= files
    for file in files:
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue  # the web
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def anchors(page: Path):
    """List what links to a page's headings end in, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_python_compiles():
    assert blocks("python")
    for page, code in blocks("python"):
        compile(code, str(page), "exec")


def test_the_yaml_can_be_read():
    assert blocks("yaml")
    for _, code in blocks("yaml"):
        assert yaml.compose(code) is not None  # tags are left alone
