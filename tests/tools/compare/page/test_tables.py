"""The page's tables and sentences, from a comparison whose figures are known."""

import pytest
from comparison_files import make_report

from kdsr_tools.compare.page.tables import cost_table, failures, main_metric, set_table


@pytest.fixture
def table():
    report = make_report()
    return set_table(report, report.sets[0])


def test_a_row_has_mean_difference_and_what_is_missing(table):
    base, ours = table["rows"]
    assert (base["is_baseline"], base["cells"][0]["text"], base["cells"][0]["is_best"]) == (True, "27.50", False)
    cell = ours["cells"][0]
    assert (cell["text"], cell["is_best"], cell["missing"]) == ("29.33", True, "1 of 4 missing")
    assert (cell["difference"], cell["is_clear"]) == ("+1.00, +1.00 to +1.00", True)


def test_the_sentence_names_the_best_and_its_lead(table):
    sentence = table["sentence"]
    assert (sentence["best"], sentence["claim"], sentence["second"]) == ("ours", "comes closest", "base")
    assert (sentence["value"], sentence["lead"]) == ("29.33 dB", "1.83 dB")
    assert sentence["detail"] == "95 % interval 1.00 to 1.00"


def test_each_degradation_has_a_row_and_varying_blur_a_plot(table):
    assert [row["name"] for row in table["by_setting"]["rows"]] == ["blur 1.8", "blur 3.2"]
    assert [cell["text"] for cell in table["by_setting"]["rows"][1]["cells"]] == ["27.50", "31.00"]
    assert [plot["title"] for plot in table["plots"]] == ["PSNR against blur width"]


def test_costs_are_written_in_units_and_a_dash_stands_for_none():
    rows = {row["name"]: [cell["text"] for cell in row["cells"]] for row in cost_table(make_report())}
    assert rows == {"base": ["–", "–", "50.0 ms", "–"], "ours": ["5.80 M", "24.50 G", "1.25 s", "300 MB"]}


def test_failures_are_told_once_a_reason_with_the_first_place():
    expected = {"model": "ours", "set": "Set5", "error": "broken", "count": 1, "first": "b, sigma-3.2_noise-0"}
    assert failures(make_report()) == [expected]


def test_without_metrics_there_is_no_main_one():
    results = make_report().sets[0]
    results.plan.metrics.clear()
    assert main_metric(results) is None
