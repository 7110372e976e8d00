"""The tables of what heads are worth, on crops whose truth is made up."""

import numpy as np
import torch
from heads_files import make_heads

from kdsr_tools.heads.reader import LARGE_PIXELS
from kdsr_tools.idr.crops import Crops
from kdsr_tools.idr.scoring import score_cleanness, score_heads


def make_crops(targets, *, content, num_pixels):
    number = len(targets)
    features, idr = torch.zeros(number, 64, dtype=torch.float64), torch.zeros(number, 8, dtype=torch.float64)
    return Crops(features, idr, targets, np.zeros(number, int), np.array(num_pixels), np.array(content))


def test_tables_have_a_column_for_each_size_and_content():
    # The heads say blur 2, give or take 0.5 for tiles and 0.25 for pictures.
    truth = torch.tensor([2, 10, 1.5, 0.8, 0, 0], dtype=torch.float64).repeat(80, 1)
    truth[:20, 0] = 2.4
    truth[40:60, 0] = 2.4
    crops = make_crops(truth, content=[0] * 40 + [1] * 40, num_pixels=[48**2] * 40 + [LARGE_PIXELS] * 40)
    r2, held, unknown = (table.splitlines() for table in score_heads(make_heads(), crops).split("\n\n")[:3])
    assert r2[0] == "| R² | all | tiles | pictures | flat | texture | edges |"
    assert r2[2].startswith("| blur width | -1.00 | -1.00 | -1.00 | -1.00 | -1.00 |")
    assert r2[-1] == "| crops | 80 | 40 | 40 | 40 | 40 | 0 |"
    assert held[2] == "| blur width | 75.0% | 100.0% | 50.0% | 100.0% | 50.0% | |"
    assert unknown[2] == "| blur width | 0.0% | 0.0% | 0.0% | 0.0% | 0.0% | |"
    assert unknown[-1] == "| blur's elongation and direction | 0.0% | 0.0% | 0.0% | 0.0% | 0.0% | |"


def test_verdicts_are_counted_for_the_clean_and_the_damaged():
    score = torch.tensor([0.6, 0.4, 0.1, 0.1]).double()
    sentence = score_cleanness(make_heads(), score, torch.tensor([1, 1, 0, 0]).double())
    assert sentence == (
        "Verdict: of 2 clean crops, 50% are called so and 0% the opposite; "
        "of 2 damaged crops, 100% are called so and 0% the opposite."
    )
