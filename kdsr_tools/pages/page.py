"""A page: one HTML file that holds everything it shows and opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from kdsr_model import __version__
from kdsr_tools.files import write_then_rename

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """Fill a template; the style sheet and scripts are put inside it as they are."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"inline": _inline, "version": __version__}
    return environment.get_template(template).render(**values)


def _inline(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def write_page(path: Path, template: str, **values: Any) -> None:
    """Fill a template and write the page."""
    html = render(template, **values)
    with write_then_rename(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
