"""What knobs do to pictures whose original is known: to noise in flat parts, to edges, and at which price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass

import cv2
import numpy as np
import torch

from kdsr_arch import KDSRStudent
from kdsr_arch.inference.restorer import ImageRestorer
from kdsr_data.image_source import ImageSource
from kdsr_data.random_state import rng_for_name
from kdsr_tools.heads.reader import Heads
from kdsr_tools.idr.damages import Damage, apply_damage
from kdsr_tools.markdown import format_table
from kdsr_tools.pages.pictures import spread

POSITIONS = (-1.0, -0.5, 0.0, 0.5, 1.0)
MOST_PICTURES = 8
GT_SIDE = 320
BORDER = 4  # pixels that PSNR leaves out
DAMAGES = {
    "none": Damage(),
    "noise 10": Damage(noise=10.0),
    "noise 20": Damage(noise=20.0),
    "blur 1.8": Damage((1.8, 1.8)),
    "blur 3.2": Damage((3.2, 3.2)),
    "JPEG 50": Damage(quality=50),
}
LUMA = np.array([65.481, 128.553, 24.966], np.float32) / 255
# The calmest fifth of a picture, and its strongest twentieth, by the original's gradients.
FLAT_SHARE, EDGE_SHARE = 0.2, 0.05


@dataclass(frozen=True)
class Effect:
    """What one result is like.

    Args:
        noise: standard deviation of what is finer than 3 pixels in flat parts, of 255.
        sharpness: gradients at edges, as a share of the original's there.
        overshoot: how far values near edges leave the original's range within 7 pixels, of 255.
        psnr: on Y, in dB.
    """

    noise: float
    sharpness: float
    overshoot: float
    psnr: float


COLUMNS = ("noise in flat parts", "sharpness of edges", "overshoot", "PSNR")
FORMATS = ("{:.2f}", "{:.3f}", "{:.3f}", "{:.2f}")
# What each knob claims: the position in `COLUMNS`, and whether it grows.
CLAIMS = {"denoise": (0, -1), "deblur": (1, 1)}


def measure_knobs(
    student: KDSRStudent, heads: Heads, source: ImageSource, *, progress: Callable[[], object] = lambda: None
) -> str:
    """Turn each knob through its positions on some of a source's pictures; return a Markdown table a knob."""
    restorer = ImageRestorer(student)
    chosen = spread(len(source), MOST_PICTURES)
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for number in chosen:
        gt = _cut_middle(source.read(number), student.scale)
        judge = make_judge(gt)
        for name, damage in DAMAGES.items():
            rng = rng_for_name("kdsr knobs", str(number), name)
            lq = torch.from_numpy(apply_damage(gt, damage, scale=student.scale, rng=rng).transpose(2, 0, 1).copy())[
                None
            ]
            idr = restorer.estimate_idr(lq)
            for knob in CLAIMS:
                turned = (heads.steer(idr, **{"denoise": 0.0, "deblur": 0.0, knob: where}) for where in POSITIONS)
                effects = [astuple(judge(_to_array(restorer.super_resolve(lq, moved)))) for moved in turned]
                found.setdefault((knob, name), []).append(np.array(effects))
        progress()
    return "\n\n".join(_format(knob, {name: found[knob, name] for name in DAMAGES}) for knob in CLAIMS)


def _cut_middle(gt: np.ndarray, scale: int) -> np.ndarray:
    height, width = (min(GT_SIDE, side // scale * scale) for side in gt.shape[:2])
    top, left = (gt.shape[0] - height) // 2, (gt.shape[1] - width) // 2
    return np.ascontiguousarray(gt[top : top + height, left : left + width])


def _to_array(sr: torch.Tensor) -> np.ndarray:
    return sr.clamp(0, 1)[0].permute(1, 2, 0).numpy()


def make_judge(gt: np.ndarray) -> Callable[[np.ndarray], Effect]:
    """Make what judges a result by its original, both (H, W, 3), RGB float32 in [0, 1]."""
    original = gt @ LUMA
    gradients = _gradients(original)
    calm = cv2.GaussianBlur(gradients, (0, 0), 4)
    is_flat, is_edge = calm <= np.quantile(calm, FLAT_SHARE), gradients >= np.quantile(gradients, 1 - EDGE_SHARE)
    is_near_edge = cv2.dilate(is_edge.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    window = np.ones((7, 7), np.uint8)
    low, high = cv2.erode(original, window), cv2.dilate(original, window)
    inner = (slice(BORDER, -BORDER),) * 2

    def judge(sr: np.ndarray) -> Effect:
        luma = sr @ LUMA
        fine = luma - cv2.GaussianBlur(luma, (0, 0), 3)
        beyond = np.maximum(np.maximum(luma - high, low - luma), 0)
        error = float(np.square((luma - original)[inner]).mean())
        return Effect(
            noise=255 * float(fine[is_flat].std()),
            sharpness=float(_gradients(luma)[is_edge].mean() / max(gradients[is_edge].mean(), 1e-6)),
            overshoot=255 * float(beyond[is_near_edge].mean()),
            psnr=float(-10 * np.log10(max(error, 1e-10))),
        )

    return judge


def _gradients(luma: np.ndarray) -> np.ndarray:
    across, along = (cv2.Sobel(luma, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.hypot(across, along)


def _format(knob: str, found: dict[str, list[np.ndarray]]) -> str:
    column, sign = CLAIMS[knob]
    rows = []
    for name, pictures in found.items():
        values = np.mean(pictures, axis=0)  # (positions, columns)
        cells = [
            " / ".join(form.format(value) for value in series) for form, series in zip(FORMATS, values.T, strict=True)
        ]
        monotone = sum(bool((np.diff(picture[:, column]) * sign > 0).all()) for picture in pictures)
        rows.append([name, *cells, f"{monotone} of {len(pictures)}"])
    positions = " / ".join(f"{where:g}" for where in POSITIONS)
    return format_table([f"--{knob} {positions}", *COLUMNS, "monotone as claimed"], rows)
