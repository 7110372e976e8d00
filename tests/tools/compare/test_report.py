"""The files of a comparison for other programs, and how figures are written."""

import csv
import json
import math

import pytest
from comparison_files import make_report

from kdsr_tools.compare.report import format_difference, format_mean, format_score, to_json, to_markdown, write_files
from kdsr_tools.compare.summary import Difference, Mean


def test_the_tables_have_means_and_paired_differences():
    assert to_markdown(make_report()).splitlines()[2:8] == [
        "## Set5",
        "",
        "| x4 | PSNR (dB) ↑ |",
        "|---|---|",
        "| base | 27.50 |",
        "| ours | 29.33 (1 of 4 missing) (+1.00, +1.00 to +1.00) |",
    ]


def test_json_has_every_item_and_no_number_that_is_none(tmp_path):
    report = make_report()
    report.sets[0].scores.items[0].scores["psnr"] = math.inf  # of equal images
    write_files(report, tmp_path)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found == to_json(report)
    items = found["sets"]["Set5"]["items"]
    first = {"model": "base", "image_set": "Set5", "setting": "sigma-1.8_noise-0", "image": "a"}
    assert items[0] == {**first, "scores": {"psnr": None}, "error": None}
    assert items[-1]["error"] == "broken"
    assert found["models"]["ours"]["cost"]["parameters"] == 5_795_075
    assert found["sets"]["Set5"]["differences_against_baseline"]["ours"]["psnr"]["num"] == 2


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (math.inf, "∞"), (31.4159, "31.42")])
def test_a_score_has_its_metrics_digits(value, text):
    assert format_score("psnr", value) == text
    assert format_score("ssim", 0.87654) == "0.8765"


def test_a_mean_says_what_is_missing_and_a_difference_its_interval():
    assert format_mean("psnr", Mean(30.0, 3, 0)) == "30.00"
    assert format_mean("psnr", Mean(None, 0, 2)) == "– (2 of 2 missing)"
    assert format_difference("psnr", Difference(-0.5, None, None, 1)) == "-0.50"
    assert format_difference("psnr", Difference(0.5, -0.1, 1.1, 9)) == "+0.50, -0.10 to +1.10"


def test_csv_has_a_row_an_item(comparison, results):
    with (comparison / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * (3 * 8 + 3 + 1)
    item = results["sets"]["noisy"]["items"][0]
    row = next(row for row in rows if row["image_set"] == "noisy")
    assert float(row["psnr"]) == pytest.approx(item["scores"]["psnr"])
