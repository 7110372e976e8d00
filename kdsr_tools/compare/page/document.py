"""The page of a comparison: its figures, pictures and crops put into one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kdsr_tools.compare.page.data import Crop, PageData
from kdsr_tools.compare.page.tables import cost_table, failures, set_table
from kdsr_tools.compare.report import Report
from kdsr_tools.pages.page import write_page
from kdsr_tools.pages.pictures import as_data_uri, encode_webp


def write_comparison(path: Path, report: Report, data: PageData, *, idr_views: list[dict[str, Any]], date: str) -> None:
    """Write the page of a comparison; `date` is the day of the measurement, as it is shown."""
    write_page(
        path,
        "comparison.html.j2",
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
        "setting": crop.case_number,
        "panels": panels,
    }
