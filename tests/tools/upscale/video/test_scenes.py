"""Cuts are found where the picture changes at once; a scene's IDR is that of its frames together."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
import torch

from kdsr_tools.upscale.video.scenes import CutDetector, FeatureMean


def moving(source, count, step=2):
    photograph = getattr(skimage.data, source)()
    return [photograph[60:][:96, 60 + step * shift :][:, :128] for shift in range(count)]


def find_cuts(frames):
    detector = CutDetector()
    return [number for number, frame in enumerate(frames) if detector.is_cut(frame)]


@pytest.mark.parametrize("deep", [False, True])
def test_scenes_begin_where_the_picture_changes(deep):
    frames = moving("astronaut", 20) + moving("coffee", 20) + moving("chelsea", 20)
    if deep:
        frames = [frame.astype(np.uint16) * 257 for frame in frames]
    assert find_cuts(frames) == [0, 20, 40]


def test_motion_fades_and_noise_are_no_cuts():
    fade = [(frame * (1 - number / 20)).astype(np.uint8) for number, frame in enumerate(moving("astronaut", 20))]
    noise = np.random.default_rng(0)
    noisy = [np.clip(f + noise.normal(0, 25, f.shape), 0, 255).astype(np.uint8) for f in moving("coffee", 20, step=6)]
    assert find_cuts(fade) == [0]
    assert find_cuts(noisy) == [0]


def test_a_flash_is_one_cut_at_most():
    frames = moving("astronaut", 30)
    frames[15] = np.full_like(frames[15], 255)
    assert len(find_cuts(frames)) <= 2


def test_the_mean_of_features_begins_anew_when_it_is_taken():
    mean = FeatureMean()
    assert mean.take() is None
    mean.add(torch.tensor([[1.0, 3.0]]))
    mean.add(torch.tensor([[3.0, 5.0]]))
    assert mean.take().tolist() == [[2.0, 4.0]]
    assert mean.take() is None
