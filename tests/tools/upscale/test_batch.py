"""Many pictures one by one: what is kept, what fails by itself, and what ends the work."""

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kdsr_tools.upscale import batch
from kdsr_tools.upscale.batch import Outcome, Settings, split_existing, upscale_pictures
from kdsr_tools.upscale.picture_paths import STREAM, Job


class Doubling:
    """Stands in for an upscaler of x2."""

    warn = print

    def __call__(self, pixels):
        return pixels.repeat(2, axis=0).repeat(2, axis=1)

    def result_size(self, height, width):
        return 2 * height, 2 * width


@pytest.fixture
def jobs(tmp_path, photograph):
    """Three pictures, of which the second is torn."""
    made = []
    for name in ("a", "b", "c"):
        Image.fromarray(photograph[:4, :6]).save(tmp_path / f"{name}.png")
        made.append(Job(tmp_path / f"{name}.png", tmp_path / f"{name}_x2.png"))
    (tmp_path / "b.png").write_bytes(b"torn")
    return made


def test_results_that_exist_are_kept_unless_told_otherwise(jobs):
    jobs[0].target.touch()
    left, kept = split_existing([*jobs, Job(jobs[0].source, STREAM)], overwrite=False)
    assert left == [*jobs[1:], Job(jobs[0].source, STREAM)]
    assert kept == [Outcome("kept", str(jobs[0].source), str(jobs[0].target))]
    assert split_existing(jobs, overwrite=True) == (jobs, [])


def test_the_work_of_splitting_grows_with_the_jobs_alone(tmp_path, path_comparisons):
    jobs = [Job(tmp_path / f"{number}.png", tmp_path / f"{number}_x2.png") for number in range(300)]
    left, kept = split_existing(jobs, overwrite=False)
    assert sum(path_comparisons.values()) < 300 * 30  # each with each would be 90,000
    assert (left, kept) == (jobs, [])


def test_a_picture_that_fails_stops_no_other(jobs, photograph):
    outcomes = list(upscale_pictures(jobs, Doubling(), Settings(), report=print, show_bar=False))
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert [(outcome.width, outcome.height) for outcome in outcomes] == [(12, 8), (0, 0), (12, 8)]
    assert outcomes[1].describe_failure().startswith(f"{jobs[1].source}: not a picture of a known format")
    expected = Doubling()(photograph[:4, :6])
    np.testing.assert_array_equal(np.asarray(Image.open(jobs[2].target)), expected)


def test_what_the_upscaler_warns_of_is_noted_and_reported(jobs):
    class Warning(Doubling):
        def __call__(self, pixels):
            self.warn("computed again")
            return super().__call__(pixels)

    reported = []
    (outcome,) = upscale_pictures(jobs[:1], Warning(), Settings(), report=reported.append, show_bar=False)
    assert outcome.notes == ["computed again"]
    assert reported == [f"{jobs[0].source}: computed again"]


def test_after_a_full_disk_nothing_is_started(jobs, monkeypatch):
    def write(path, *args, **options):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(batch, "write_picture", write)
    first, *others = upscale_pictures(jobs, Doubling(), Settings(), report=print, show_bar=False)
    assert "No space left on device" in first.reason
    assert [outcome.reason for outcome in others] == ["not started: No space left on device"] * 2


@pytest.mark.parametrize(
    ("reason", "expected"), [("x.png: damaged", "x.png: damaged"), ("no memory", "x.png: no memory")]
)
def test_a_failure_names_its_picture_once(reason, expected):
    assert Outcome("failed", str(Path("x.png")), "y.png", reason=reason).describe_failure() == expected
