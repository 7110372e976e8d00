"""Degraded crops with known degradations."""

import numpy as np
import pytest
import torch

from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_data.degradations import bicubic_resize
from kdsr_tools.idr.samples import (
    collect_samples,
    degrade,
    distance_cases,
    draw_parameters,
    make_estimators,
    measure_distances,
)

SMALL = {"num_feat": 8, "num_block": 1, "num_estimator_block": 1}


def test_only_what_varies_is_drawn_and_in_the_papers_ranges():
    rng = np.random.default_rng(0)
    drawn = [draw_parameters(["blur", "jpeg"], scale=4, rng=rng) for _ in range(200)]
    assert {tuple(parameters) for parameters in drawn} == {("blur", "noise", "jpeg")}
    blur = [parameters["blur"] for parameters in drawn]
    assert 0.2 <= min(blur) < 0.4 < 3.8 < max(blur) <= 4
    assert {parameters["noise"] for parameters in drawn} == {0}
    assert {parameters["jpeg"] for parameters in drawn} <= set(range(30, 96))
    assert draw_parameters(["noise"], scale=4, rng=rng)["blur"] == 2


def test_degradations_do_what_their_parameters_say(gt):
    def make(**parameters):
        return degrade(gt, {"blur": 0.2, **parameters}, scale=4, rng=np.random.default_rng(0))

    plain = make()
    np.testing.assert_allclose(plain, np.clip(bicubic_resize(gt, 1 / 4), 0, 1), atol=0.004)
    assert make(blur=4).std() < plain.std()
    assert np.abs(make(noise=25) - plain).std() == pytest.approx(25 / 255 * 0.6, abs=0.02)  # of an absolute value
    assert 0 < np.abs(make(jpeg=95) - plain).mean() < np.abs(make(jpeg=30) - plain).mean()
    elongated = make(blur=2, angle=0), make(blur=2, angle=90)
    across, along = (np.abs(np.diff(image, axis=1)).mean() for image in elongated)
    assert across < along  # a kernel that lies along the row smooths the row


def test_samples_repeat_and_come_from_every_image(gt):
    torch.manual_seed(0)
    student, teacher = KDSRStudent(4, **SMALL).eval(), KDSRTeacher(4, **SMALL).eval()
    estimators = make_estimators(student, teacher, student)
    options = {"scale": 4, "vary": ["blur", "angle", "noise"], "number": 6}
    one, other = (collect_samples(estimators, [gt, gt[:50, :60]], **options) for _ in range(2))
    assert one.image.tolist() == [0, 1, 0, 1, 0, 1]
    assert list(one.parameters) == ["blur", "angle", "noise"]
    for name in ("student", "teacher", "untrained"):
        assert one.idr_prime[name].shape == (6, 32)
        np.testing.assert_array_equal(one.idr_prime[name], other.idr_prime[name])


def test_distances_are_mean_absolute_differences_by_setting(gt):
    values = {"student": 1.0, "teacher": 3.0, "untrained": 2.5}
    estimators = {name: lambda lq, gt, v=value: torch.full((1, 4), v) for name, value in values.items()}
    cases = distance_cases(["blur"], scale=4)
    distances = measure_distances(estimators, [gt], cases, scale=4)
    assert len(cases) == 8
    assert set(distances) == {"student", "untrained"}
    assert set(distances["student"].values()) == {2.0}
    assert set(distances["untrained"].values()) == {0.5}
    assert len(distance_cases(["angle", "noise"], scale=4)) == 27
