"""What knobs do is measured on pictures whose original is known."""

import cv2
import numpy as np
import pytest
import torch
from heads_files import make_heads, save_student_with_heads
from PIL import Image

from kdsr_data.image_source import ImageSource
from kdsr_tools.idr.knobs import DAMAGES, make_judge, measure_knobs


@pytest.fixture
def gt():
    """Bright squares on one side of a dark ground."""
    picture = np.full((96, 96, 3), 0.3, np.float32)
    for top in (6, 36, 66):
        for left in (6, 36):
            picture[top : top + 22, left : left + 22] = 0.7
    return picture


def test_the_original_is_as_sharp_as_itself(gt):
    effect = make_judge(gt)(gt)
    assert (effect.noise, effect.overshoot) == pytest.approx((0, 0), abs=1e-3)
    assert effect.sharpness == pytest.approx(1)
    assert effect.psnr > 90


def test_noise_blur_and_overshoot_are_told_apart(gt):
    judge, rng = make_judge(gt), np.random.default_rng(0)
    noisy = judge(gt + np.float32(5 / 255) * rng.standard_normal((96, 96, 1), dtype=np.float32))
    blurred = judge(cv2.GaussianBlur(gt, (0, 0), 2))
    ringing = judge(gt + 1.5 * (gt - cv2.GaussianBlur(gt, (0, 0), 2)))
    assert noisy.noise == pytest.approx(5 * 219 / 255, rel=0.15)  # on Y
    assert blurred.noise < 0.1 and blurred.sharpness < 0.6
    assert ringing.sharpness > 1.5 and ringing.overshoot > 5 * blurred.overshoot


def test_a_table_a_knob_has_every_damage_and_the_same_middle(tmp_path, photograph):
    for number in range(2):
        Image.fromarray(photograph[10 * number :][:80, :100]).save(tmp_path / f"{number}.png")
    heads = make_heads()
    student = save_student_with_heads(tmp_path / "net.safetensors", heads)
    torch.manual_seed(0)
    text = measure_knobs(student, heads, ImageSource(tmp_path, io_backend={"type": "disk"}))
    tables = [table.splitlines() for table in text.split("\n\n")]
    assert [table[0].split(" |")[0] for table in tables] == [
        "| --denoise -1 / -0.5 / 0 / 0.5 / 1",
        "| --deblur -1 / -0.5 / 0 / 0.5 / 1",
    ]
    for table in tables:
        assert [row.split(" | ")[0][2:] for row in table[2:]] == list(DAMAGES)
        assert all(row.endswith(" of 2 |") for row in table[2:])
    middles = [[row.split(" | ")[4].split(" / ")[2] for row in table[2:]] for table in tables]
    assert middles[0] == middles[1]  # PSNR with both knobs at zero
