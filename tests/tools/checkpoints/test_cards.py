"""What stands behind the shipped models: the same figures as in the documentation, for every one."""

import re

import pytest
from option_files import ROOT

from kdsr_tools.checkpoints.cards import find_evidence
from kdsr_tools.checkpoints.shipped import list_models

MODELS = {model.name: model for model in list_models()}


def read_rows(page: str) -> list[dict[str, str]]:
    """List the rows of a page's tables: by the heading of each column its figures, the rows' names under ''."""
    rows, headings = [], []
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            headings = []
        elif not headings:
            headings = cells
        else:
            rows.append(dict(zip(headings, cells, strict=False)))
    return [row for row in rows if "" in row]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_figures_are_those_of_the_documentation(page, name):
    evidence = find_evidence(MODELS[name].path)
    assert evidence is not None, f"give {name} an entry in kdsr_tools/checkpoints/cards.yml"
    compared = set()
    for row in read_rows(page):
        who = {"bicubic": "bicubic", name: "model"}.get(row[""].partition(" ")[0].strip("*"))
        for case in evidence.measured.keys() & row.keys() if who else ():
            psnr, ssim = evidence.measured[case][who]
            assert re.match(r"[\d.]+ / [\d.]+", row[case])[0] == f"{psnr:.2f} / {ssim:.4f}", (case, who)
            compared.add((case, who))
    assert page == "README.md" or len(compared) == 2 * len(evidence.measured)


def test_of_other_files_nothing_is_known(tmp_path):
    assert find_evidence(tmp_path / "net.safetensors") is None
