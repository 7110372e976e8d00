"""Published numbers: shown for what they were published for, marked, and kept apart."""

import pytest

from kdsr_tools.compare.published import find_published
from kdsr_tools.compare.settings import ImagesSettings

BLOCK = {"dataroot_gt": "x", "preset": "gaussian8"}


def test_they_belong_to_a_set_by_its_name():
    found = {row.method: row.scores for row in find_published("Set5", ImagesSettings(**BLOCK), scale=4)}
    assert found["KDSRs-M"] == {"psnr": 32.02, "ssim": 0.8892}
    assert find_published("my photographs", ImagesSettings(**BLOCK), scale=4) == []


@pytest.mark.parametrize(
    "change",
    [{"preset": "aniso9"}, {"noise_levels": [0, 10]}, {"sigma_range": [0.9, 1.6]}],
)
def test_another_degradation_has_none(change):
    assert find_published("Set5", ImagesSettings(**BLOCK | change), scale=4) == []


def test_another_scale_or_ones_own_lq_images_have_none():
    assert find_published("Set5", ImagesSettings(**BLOCK), scale=2) == []
    assert find_published("Set5", ImagesSettings(dataroot_gt="x", dataroot_lq="y"), scale=4) == []


def test_published_numbers_are_marked_and_kept_apart(comparison, results):
    published = {row["method"]: row["scores"] for row in results["sets"]["Set5"]["published"]}
    assert published["KDSRs-M"] == {"psnr": 32.02, "ssim": 0.8892}
    assert results["sets"]["noisy"]["published"] == []
    assert (
        "| KDSRs-M (published, Xia et al., ICLR 2023, arXiv 2211.16928) | 32.02 |"
        in (comparison / "results.md").read_text()
    )


def test_published_numbers_by_another_rule_say_so(comparison, results):
    rules = {row["method"]: row["other_rule"] for row in results["sets"]["Set5"]["published"]}
    assert {method for method, rule in rules.items() if rule} == {"bicubic"}
    rule = "PSNR on full-range luma (0.299 R + 0.587 G + 0.114 B), no borders cut off. By the rules of the other rows"
    assert rules["bicubic"].startswith(f"{rule}, bicubic has 25.87 dB on Set5")
    page, tables = ((comparison / name).read_text() for name in ("index.html", "results.md"))
    assert '<th scope="row">bicubic <span class="tag">published, by another rule</span></th>' in page
    assert page.count(f"<strong>bicubic, published, by another rule:</strong> {rule}") == 1  # not where none is shown
    assert '<th scope="row">KDSRs-M <span class="tag">published</span></th>' in page
    assert "| bicubic (published, by another rule, Xia et al., ICLR 2023, arXiv 2211.16928) | 24.57 |" in tables
    assert f"\n\nbicubic, published, by another rule: {rule}" in tables
