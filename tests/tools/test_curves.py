"""`kdsr curves`: one page and one picture of several experiments."""

import numpy as np
import pytest
from PIL import Image

from kdsr_tools.cli import main
from kdsr_tools.curves import average_bins, describe_quantity, list_quantities


@pytest.fixture
def experiments(tmp_path):
    """Write two experiments' logs, the second without an IDR loss."""
    for name, losses in (("student <1>", "l_pix: 5.0e-02 l_idr: 2.0e-01"), ("plain", "l_pix: 6.0e-02")):
        lines = [
            f"2026 INFO: [x..][epoch:  0, iter: {step:7,d}, lr:(1e-4,)] [eta: 0, time (data): 1 (1)] {losses}"
            for step in (1000, 2000)
        ]
        (tmp_path / name).mkdir()
        text = "\n".join([*lines, "2026 INFO: Validation Set5", "\t # psnr: 27.5\tBest: 27.5 @ 2000 iter"])
        (tmp_path / name / "train_x.log").write_text(text)
    return [tmp_path / "student <1>", tmp_path / "plain"]


def test_the_page_and_the_picture_show_every_quantity(experiments, tmp_path, capsys):
    assert main(["curves", *map(str, experiments), "--to", str(tmp_path / "out")]) == 0
    assert "3 quantities of 2 experiments" in capsys.readouterr().out
    page = (tmp_path / "out/index.html").read_text()
    assert page.count("<svg role=") == 3
    assert "PSNR on Set5" in page and "student &lt;1&gt;" in page and "<1>" not in page
    assert '<td data-sort="27.5">27.5<small>iteration 2,000</small></td>' in page
    picture = np.asarray(Image.open(tmp_path / "out/curves.png"))
    assert picture.shape[1] > 1500
    assert picture[..., :3].std() > 5


def test_long_lines_are_averaged_in_bins_without_what_is_no_number():
    x, y = average_bins({step: float(step) for step in range(1000)} | {5000: float("nan")})
    assert len(x) == 200
    np.testing.assert_allclose(x, y)
    assert x[0] == 2  # the mean of 0 to 4
    assert average_bins({2: 1.0, 1: 3.0})[1].tolist() == [3.0, 1.0]


def test_quantities_are_named_for_people_and_metrics_come_first():
    assert describe_quantity("metrics/Set5/psnr") == "PSNR on Set5"
    assert describe_quantity("losses/l_idr") == "IDR loss"
    assert describe_quantity("losses/l_new") == "l_new"
    curves = {"a": {"losses/l_pix": {1: 1.0}}, "b": {"metrics/Set5/psnr": {1: 1.0}}}
    assert list_quantities(curves) == ["metrics/Set5/psnr", "losses/l_pix"]


def test_a_missing_experiment_is_one_sentence(tmp_path, capsys):
    assert main(["curves", str(tmp_path / "nowhere")]) == 1
    assert "nowhere: there is no such experiment folder" in capsys.readouterr().err
