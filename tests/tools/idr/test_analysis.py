"""The linear probe and the maps, on features whose content is known."""

import numpy as np
import pytest

from kdsr_tools.idr.analysis import make_maps, probe
from kdsr_tools.idr.samples import Samples

RNG = np.random.default_rng(0)


@pytest.fixture
def samples():
    """IDRs that hold blur and angle linearly, and nothing of the noise; `untrained` holds only which image it is."""
    number, image = 120, np.arange(120) % 6
    blur, angle, noise = RNG.uniform(0.2, 4, number), RNG.uniform(0, 180, number), RNG.uniform(0, 25, number)
    double = 2 * np.deg2rad(angle)
    known = np.stack([blur, np.cos(double), np.sin(double)], axis=1)
    mixed = known @ RNG.normal(size=(3, 10)) + 0.01 * RNG.normal(size=(number, 10))
    marks = np.eye(6)[image] + 0.01 * RNG.normal(size=(number, 6))
    parameters = {"blur": blur, "angle": angle, "noise": noise}
    return Samples({"student": mixed, "untrained": marks}, parameters, image)


def test_the_probe_reads_what_is_there_and_nothing_else(samples):
    found = probe(samples)
    assert found.r2["student"]["blur"] > 0.99
    assert found.r2["student"]["angle"] > 0.99
    assert abs(found.r2["student"]["noise"]) < 0.2
    assert all(abs(score) < 0.2 for score in found.r2["untrained"].values())
    assert found.protocol == "5-fold cross-validation; no image is both learned from and predicted"


def test_one_image_is_split_by_crops_and_says_so(samples):
    alone = Samples(samples.idr_prime, samples.parameters, np.zeros(120, int))
    found = probe(alone)
    assert found.r2["student"]["blur"] > 0.99
    assert found.protocol == "5-fold cross-validation; all crops are from one image"


def test_maps_have_two_dimensions_and_keep_what_varies_most(samples):
    features = np.concatenate([50 * samples.parameters["blur"][:, None], RNG.normal(size=(120, 3))], axis=1)
    features[:, 1] = features[:, 0]
    maps = make_maps(features)
    assert {name: points.shape for name, points in maps.items()} == {"PCA": (120, 2), "t-SNE": (120, 2)}
    assert abs(np.corrcoef(maps["PCA"][:, 0], samples.parameters["blur"])[0, 1]) > 0.95
