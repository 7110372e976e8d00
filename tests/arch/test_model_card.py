"""Cards: what programs read in front, and the page for people."""

import pytest
import yaml

from kdsr_arch.model_card import Evidence, write_card
from kdsr_arch.weights import NetworkSize

SIZE = NetworkSize("student", 4, 32, 16, 2, 16, True)
EVIDENCE = Evidence(
    ["Sun-Hays80"], {"Kodak24, clean": {"bicubic": [26.87, 0.7115], "model": [27.9, 0.753]}}, "docs say how"
)
HEADER = {
    "name": "Größe",
    "description": "any\nphotograph | drawing",
    "train_again": "make",
    "licence": "MIT",
    "default": "yes",
    "scale": "4",
}


def read_card(*, header=HEADER, evidence=EVIDENCE):
    """Write a card; return what its head says, and its text."""
    start, head, text = write_card(SIZE, parameters=388_336, header=header, evidence=evidence).split("---\n", 2)
    assert start == ""
    return yaml.safe_load(head), text


def test_the_head_is_what_programs_ask_for():
    head, _ = read_card()
    assert (head["license"], head["library_name"], head["pipeline_tag"]) == ("mit", "kdsr", "image-to-image")
    assert (head["datasets"], head["metrics"]) == (["Sun-Hays80"], ["psnr", "ssim"])
    assert {"super-resolution", "blind-super-resolution"} <= set(head["tags"])
    (entry,) = head["model-index"]
    (result,) = entry["results"]
    assert entry["name"] == "Größe"
    assert result["dataset"] == {"name": "Kodak24, clean", "type": "kodak24"}
    assert result["metrics"] == [{"type": "psnr", "value": 27.9}, {"type": "ssim", "value": 0.753}]


def test_the_page_tells_people_what_the_header_does():
    _, text = read_card()
    assert "\n# Größe\n" in text
    assert "| for | any photograph \\| drawing |\n" in text
    assert "| train again | make |\n" in text
    assert "x4, 32 features, 16 blocks, estimator of 16 features and 2 blocks, direct upsampler; 388,336" in text
    assert "| default |" not in text and "| scale |" not in text
    assert "| Kodak24, clean | 26.87 / 0.7115 | 27.90 / 0.7530 |\n" in text
    assert "cropped; docs say how." in text
    assert "KDSRStudent.from_pretrained(" in text and "(B, 3, 4H, 4W)" in text


def test_what_is_not_known_is_left_out():
    head, text = read_card(header={}, evidence=None)
    assert head.keys() == {"library_name", "pipeline_tag", "tags"}
    assert "# KDSR student x4\n" in text
    assert "Measured" not in text and "for |" not in text


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("research only", {"license": "other", "license_name": "research only"}),
    ],
)
def test_licences_are_named_as_the_hub_does(licence, expected):
    head, _ = read_card(header={"licence": licence})
    assert {key: value for key, value in head.items() if key.startswith("license")} == expected


def test_the_hubs_own_package_reads_the_head():
    hub = pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    data = hub.ModelCard(write_card(SIZE, parameters=1, header=HEADER, evidence=EVIDENCE)).data
    assert (data.license, data.library_name, data.model_name) == ("mit", "kdsr", "Größe")
    assert [(result.metric_type, result.metric_value) for result in data.eval_results] == [
        ("psnr", 27.9),
        ("ssim", 0.753),
    ]
