"""A page holds everything inside itself, and what is not its own is escaped."""

import re

import jinja2
import pytest

from kdsr_tools.pages.page import render, write_page

VALUES = {"plots": [], "experiments": [{"name": "<mine>", "values": {"q": (1000, 0.5)}}], "quantities": {"q": "loss"}}


def test_style_and_script_are_inside_and_names_are_escaped():
    page = render("curves.html.j2", **VALUES)
    assert "&lt;mine&gt;" in page and "<mine>" not in page
    assert '<td data-sort="0.5">0.5<small>iteration 1,000</small></td>' in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "{" in page.split("<style>")[1].split("</style>")[0]


def test_a_value_that_is_missing_is_an_error_and_writes_nothing(tmp_path):
    with pytest.raises(jinja2.UndefinedError, match="plots"):
        write_page(tmp_path / "index.html", "curves.html.j2", experiments=[], quantities={})
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_written_as_it_is_rendered(tmp_path):
    write_page(tmp_path / "new" / "index.html", "curves.html.j2", **VALUES)
    assert (tmp_path / "new" / "index.html").read_text(encoding="utf-8") == render("curves.html.j2", **VALUES)
