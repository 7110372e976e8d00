"""What heads say of features, how far their intervals reach, and how they move an IDR."""

import numpy as np
import pytest
import torch
from heads_files import make_heads, save_student_with_heads
from option_files import save_student
from safetensors.torch import load_file, save_file

from kdsr_tools.heads.quality import to_coarseness
from kdsr_tools.heads.reader import LARGE_PIXELS, Heads, join_features, load_heads

FEATURES = torch.zeros(1, 64, dtype=torch.float64)


def read(heads, *, num_pixels=1):
    return heads.read(FEATURES, num_pixels=num_pixels)[0]


def test_intervals_are_those_of_the_size():
    heads = make_heads()
    small, large = read(heads), read(heads, num_pixels=LARGE_PIXELS)
    assert (small.blur.value, small.blur.low, small.blur.high) == (2, 1.5, 2.5)
    assert (large.noise.value, large.noise.low, large.noise.high) == (10, 9.75, 10.25)
    assert to_coarseness(np.array([small.jpeg.low, small.jpeg.high])) == pytest.approx([2.0, 1.0])


def test_intervals_are_those_of_what_is_said():
    quantiles = make_heads().quantiles.clone()
    quantiles[0, 0] = torch.tensor([0.1, 0.7])
    edges = torch.full((2, 4, 1), 1.9, dtype=torch.float64)
    assert read(make_heads(quantiles=quantiles, edges=edges)).blur.high == pytest.approx(2.7)
    assert read(make_heads(quantiles=quantiles, edges=edges + 1)).blur.high == pytest.approx(2.1)


def test_intervals_stay_within_what_was_learned_and_wide_ones_tell_nothing():
    wide = make_heads(quantiles=torch.full((2, 4, 2), 2.5, dtype=torch.float64))
    seen = read(wide).blur
    assert (seen.low, seen.high, seen.is_known) == (0, 4, False)
    assert read(wide).noise.is_known


def test_a_picture_unlike_all_others_tells_nothing():
    bias = make_heads().bias.clone()
    bias[1] = 500
    seen = read(make_heads(bias=bias)).noise
    assert (seen.value, seen.low, seen.high, seen.is_known) == (30, 0, 30, False)


def test_features_beyond_the_learned_ones_count_as_the_nearest():
    heads = make_heads()
    weight, bounds = heads.weight.clone(), heads.bounds.clone()
    weight[0, 0], bounds[0] = 1, torch.tensor([-1, 1])
    said, _ = make_heads(weight=weight, bounds=bounds).score(FEATURES + 100)
    assert said[0, 0] == 3


def test_a_direction_is_known_where_the_disc_leaves_the_origin_out():
    bias = make_heads().bias.clone()
    bias[3:5] = torch.tensor([0, 0.8])  # twice 45 degrees
    seen = read(make_heads(bias=bias))
    half = np.rad2deg(np.arcsin(0.5 / 0.8)) / 2
    assert seen.direction.value == pytest.approx(45)
    assert (seen.direction.low, seen.direction.high) == pytest.approx((45 - half, 45 + half))
    assert (seen.elongation.value, seen.elongation.low) == pytest.approx((np.exp(0.8), np.exp(0.3)))
    unknown = read(make_heads(bias=bias * 0.5))
    assert not unknown.direction.is_known and not unknown.elongation.is_known


@pytest.mark.parametrize(("score", "verdict"), [(0.1, False), (0.4, None), (0.6, True)])
def test_the_verdict_follows_the_probability(score, verdict):
    bias = make_heads().bias.clone()
    bias[5] = score
    seen = read(make_heads(bias=bias))
    assert seen.is_clean is verdict
    assert seen.clean_probability == pytest.approx(1 / (1 + np.exp(5 - 10 * score)))


def test_knobs_move_an_idr_by_steps_and_zero_leaves_it_alone():
    heads, idr = make_heads(), torch.rand(1, 8)
    assert heads.steer(idr, denoise=0, deblur=0) is idr
    moved = heads.steer(idr, denoise=0.5, deblur=-1) - idr
    assert moved.dtype == torch.float32
    assert moved[0, :3].tolist() == pytest.approx([0.5, -1, 0], abs=1e-6)


def test_features_are_pooled_ones_and_idr_prime():
    joined = join_features(torch.ones(2, 3, dtype=torch.float64), torch.zeros(2, 3))
    assert joined.tolist() == [[1, 1, 1, 0, 0, 0]] * 2


def test_heads_survive_a_file(tmp_path):
    heads = make_heads()
    save_student_with_heads(tmp_path / "net.safetensors", heads)
    for name, value in load_heads(tmp_path / "net.safetensors").to_tensors().items():
        assert torch.equal(value, getattr(heads, name).float()), name


def test_a_model_without_heads_says_how_to_make_them(tmp_path):
    save_student(tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"net\.pth: this model has no heads .* kdsr inspect .*net\.pth"):
        load_heads(tmp_path / "net.pth")


def test_heads_of_another_version_are_named(tmp_path):
    path = tmp_path / "net.safetensors"
    save_student_with_heads(path)
    save_file({key: value for key, value in load_file(path).items() if key != "heads.knobs"}, path)
    with pytest.raises(ValueError, match=r"net\.safetensors: the heads lack knobs; .* make them again"):
        load_heads(path)
    assert len(Heads.__dataclass_fields__) == len(make_heads().to_tensors())
