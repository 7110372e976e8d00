"""Flicker and PSNR with one IDR a scene and with one a frame.

Films are moving crops of scikit-image's photographs, degraded alike in each frame (noise is drawn anew). Their left
half stands still: what changes there from frame to frame is flicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from kdsr_data.degradations.base import build_degradation
from kdsr_tools.upscale.upscaler import Upscaler
from kdsr_tools.upscale.video.scenes import SAMPLE_STEP

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
SCALE = 4
FILM_SIZE = (64, 96)  # LQ pixels, height and width
STEP = 3  # GT pixels that the moving half goes each frame
BLUR = {"type": "ClassicDegradation", "scale": SCALE, "sigma": 1.8}
DEGRADATIONS: dict[str, dict[str, Any]] = {
    "blur": BLUR,
    "blur, noise 5": {**BLUR, "noise_sigma_255": 5},
    "blur, noise 5, JPEG 60": {**BLUR, "noise_sigma_255": 5, "jpeg_quality": 60},
}
KINDS = FRAME, SCENE = "frame", "scene"


@dataclass(frozen=True)
class Measured:
    """Of a film: PSNR in dB, flicker, and the static half's mean in each frame, in steps of 8 bits.

    Flicker is the variance over time of each value of the static half, averaged.
    """

    psnr: float
    flicker: float
    means: np.ndarray
    seconds: float


def make_gt(photograph: str, *, count: int) -> list[np.ndarray]:
    """Return GT frames, float32 in [0, 1]: a crop that stands still beside one that moves to the right."""
    import skimage.data

    height, width = (SCALE * side for side in FILM_SIZE)
    pixels = np.asarray(getattr(skimage.data, photograph)(), np.float32)[:height] / 255
    still = pixels[:, : width // 2]
    lasts = pixels.shape[1] - width // 2
    return [
        np.concatenate([still, pixels[:, min(STEP * n + 60, lasts) :][:, : width // 2]], axis=1) for n in range(count)
    ]


def degrade(frames: Sequence[np.ndarray], degradation: dict[str, Any]) -> list[np.ndarray]:
    """Degrade all frames alike, to uint8."""
    process, rng = build_degradation(degradation), np.random.default_rng(0)
    return [(process(frame, rng) * 255).round().astype(np.uint8) for frame in frames]


def restore(upscaler: Upscaler, lqs: Sequence[np.ndarray], idr_from: str) -> list[np.ndarray]:
    """Enlarge a film that is one scene, as `kdsr upscale` does it."""
    if idr_from == FRAME:
        return [upscaler(lq) for lq in lqs]
    features = [upscaler.pool_features(lq) for lq in lqs[::SAMPLE_STEP]]
    idr = upscaler.summarise(torch.stack(features).mean(dim=0))
    return [upscaler(lq, idr=idr) for lq in lqs]


def measure(upscaler: Upscaler, gts: Sequence[np.ndarray], lqs: Sequence[np.ndarray], idr_from: str) -> Measured:
    """Restore a film and compare it."""
    start = perf_counter()
    srs = restore(upscaler, lqs, idr_from)
    seconds = perf_counter() - start
    errors = [np.mean((sr / 255.0 - gt) ** 2) for sr, gt in zip(srs, gts, strict=True)]
    # Half of the width less than what the network sees of the moving half.
    still = np.stack([sr[:, : sr.shape[1] // 4] for sr in srs]).astype(np.float64)
    return Measured(
        psnr=float(np.mean([-10 * np.log10(error) for error in errors])),
        flicker=float(still.var(axis=0).mean()),
        means=still.mean(axis=(1, 2, 3)),
        seconds=seconds,
    )


def compare_flicker(model: str, *, count: int) -> dict[str, dict[str, list[Measured]]]:
    """Measure a shipped model on all films: by degradation and kind of IDR, a value for each photograph."""
    upscaler = Upscaler.from_shipped(model, device="cpu")
    upscaler(np.zeros((*FILM_SIZE, 3), np.uint8))  # the first picture prepares
    results: dict[str, dict[str, list[Measured]]] = {}
    for name, degradation in DEGRADATIONS.items():
        kinds = results[name] = {FRAME: [], SCENE: []}
        for photograph in PHOTOGRAPHS:
            gts = make_gt(photograph, count=count)
            lqs = degrade(gts, degradation)
            for idr_from, measured in kinds.items():
                measured.append(measure(upscaler, gts, lqs, idr_from))
    return results


def flicker_rows(model: str, results: dict[str, dict[str, list[Measured]]]) -> list[list[str]]:
    """Return the table's rows of a model."""
    rows = []
    for name, kinds in results.items():
        frame, scene = kinds[FRAME], kinds[SCENE]
        seconds = sum(m.seconds for m in scene) / sum(m.seconds for m in frame)
        cells = [f"{np.mean([m.flicker for m in measured]):.3f}" for measured in (frame, scene)]
        cells += [f"{np.mean([m.means.std() for m in measured]):.4f}" for measured in (frame, scene)]
        cells += [f"{np.mean([m.psnr for m in measured]):.3f}" for measured in (frame, scene)]
        rows.append([model, name, *cells, f"{seconds:.2f}"])
    return rows


def plot(results: dict[str, dict[str, list[Measured]]], path: Path) -> None:
    """Draw the static half's mean over time, of the first photograph."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    for axes, (name, kinds) in zip(figure.subplots(1, len(results), squeeze=False)[0], results.items(), strict=True):
        for idr_from, measured in kinds.items():
            axes.plot(measured[0].means - measured[0].means.mean(), label=f"one IDR a {idr_from}")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("frame", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.axes[0].set_ylabel("mean of what stands still,\nsteps of 8 bits", fontsize=8)
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)
