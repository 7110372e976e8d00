"""The page: one HTML file that holds everything it shows and opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from kdsr_model import __version__
from kdsr_tools.compare.page.data import Crop, PageData
from kdsr_tools.compare.page.tables import cost_table, failures, set_table
from kdsr_tools.compare.report import Report
from kdsr_tools.files import write_then_rename
from kdsr_tools.pages.pictures import as_data_uri, encode_webp

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


def write_page(path: Path, report: Report, data: PageData, *, idr_views: list[dict[str, Any]], date: str) -> None:
    """Write the page of a comparison; `date` is the day of the measurement, as it is shown."""
    html = render(
        "page.html.j2",
        report=report,
        settings=report.settings,
        date=date,
        sets=[set_table(report, results) for results in report.sets],
        costs=cost_table(report),
        failures=failures(report),
        crops=[_crop_values(crop) for crop in data.crops],
        views=data.views,
        # One after the other, so that the memory of encoded pictures is not held twice.
        blocks=(block.result() for block in data.blocks),
        encoding=data.encoding,
        idr_views=idr_views,
    )
    with write_then_rename(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _crop_values(crop: Crop) -> dict[str, Any]:
    panels = [
        {"name": name, "uri": as_data_uri(encode_webp(pixels)), "caption": caption}
        for name, pixels, caption in crop.panels
    ]
    return {
        "title": crop.title,
        "disagreement": crop.place.disagreement,
        "size": crop.place.size,
        "set": crop.set_number,
        "image": crop.image_number,
        "setting": crop.setting_number,
        "panels": panels,
    }
