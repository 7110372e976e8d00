"""What is said of a diagnosis, in words and for programs."""

import json
from dataclasses import replace

from kdsr_tools.heads.diagnosis import Diagnosis, Reading

UNKNOWN = Reading(1, 0, 9, is_known=False)
NOISY = Diagnosis(
    blur=Reading(2.04, 1.5, 2.5),
    elongation=UNKNOWN,
    direction=UNKNOWN,
    noise=Reading(11.6, 9.7, 13),
    jpeg=Reading(60, 50, 71),
    clean_probability=0.012,
    is_clean=False,
)


def test_numbers_come_with_their_interval():
    assert NOISY.describe() == [
        "damaged",
        "blur: 2.0 pixels (1.5 to 2.5)",
        "noise: 12 of 255 (10 to 13)",
        "JPEG: 60 of 100 (50 to 71)",
    ]


def test_what_cannot_be_told_is_not_said():
    lines = replace(NOISY, blur=UNKNOWN, jpeg=UNKNOWN, is_clean=None).describe()
    assert lines[:2] == ["clean or nearly so: cannot tell", "blur: cannot tell"]
    assert lines[3] == "JPEG: cannot tell"


def test_a_direction_is_said_where_it_is_known():
    seen = replace(NOISY, elongation=Reading(2.5, 1.2, 5), direction=Reading(30, 20, 40))
    assert seen.describe()[1] == "blur: 2.0 pixels (1.5 to 2.5), 2.5 times as long as wide at 30° (± 10°)"


def test_no_jpeg_is_none():
    seen = replace(NOISY, jpeg=Reading(100, 98.4, 100), is_clean=True)
    assert seen.describe()[::3] == ["clean", "JPEG: none, or of quality 98 and more"]


def test_programs_get_numbers():
    found = json.loads(json.dumps(NOISY.as_dict()))
    assert found["clean"] is False and found["clean_probability"] == 0.01
    assert found["blur"] == {"value": 2.04, "low": 1.5, "high": 2.5, "known": True}
    assert list(found) == ["clean", "clean_probability", "blur", "elongation", "direction", "noise", "jpeg"]


def test_a_summary_leaves_out_what_nobody_sees():
    assert NOISY.summarise() == "blur 2.0, noise 12, JPEG 60"
    little = replace(NOISY, blur=Reading(0.5, 0, 1), noise=Reading(1, 0, 2), jpeg=Reading(98, 97, 100))
    assert little.summarise() == "hardly any damage"
    assert replace(NOISY, is_clean=True).summarise() == "clean"
    assert replace(little, noise=UNKNOWN, blur=replace(UNKNOWN, value=2)).summarise() == "blur ?"
