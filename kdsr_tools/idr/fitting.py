"""Heads from damaged crops: ridge regression, and intervals from pictures that they did not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdsr_tools.heads.reader import LARGE_PIXELS, TARGETS, UNCERTAIN, Heads, expand, find_levels
from kdsr_tools.idr.crops import Crops

COVERAGE = 0.9
NUM_FOLDS = 4
# A third of the pictures is kept to find out how wide intervals must be.
CALIBRATED_SHARE = 3
NUM_GROUPS = 4  # by what is said
FEWEST_CROPS = 300
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
ERROR_PENALTY = 100.0
# Errors smaller than this share of a target's spread are as good as none; larger ones than all of it, no error's fault.
SMALLEST_ERROR, LARGEST_ERROR = 0.05, 1.0
# One step of the knobs: noise of 255, and pixels of GT. Twice the noise breaks what `docs/diagnose.md` claims.
KNOB_STEPS = {"noise": 5.0, "blur": 2.0}


@dataclass(frozen=True)
class Line:
    """A linear map of features: `features @ weight + bias`."""

    weight: Tensor
    bias: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """(N, E) -> (N, K)."""
        return features @ self.weight + self.bias


def fit_heads(crops: Crops) -> Heads:
    """Fit heads on damaged crops.

    Raises:
        ValueError: there are too few for intervals that mean something.
    """
    if len(crops.image) < FEWEST_CROPS or len(np.unique(crops.image)) < 2 * CALIBRATED_SHARE:
        raise ValueError(
            f"heads need at least {FEWEST_CROPS} crops of {2 * CALIBRATED_SHARE} pictures, "
            f"got {len(crops.image)} of {len(np.unique(crops.image))}"
        )
    seen = expand(crops.features)
    centre, spread = seen.mean(dim=0), seen.std(dim=0).clamp(min=1e-6)
    seen = (seen - centre) / spread
    is_kept = torch.from_numpy(_rank(crops.image) % CALIBRATED_SHARE == 0)
    learned, fold = ~is_kept, torch.from_numpy(_rank(crops.image) // CALIBRATED_SHARE % NUM_FOLDS)
    line, foreseen = _fit_cross_validated(seen[learned], crops.targets[learned], fold[learned])
    heights = crops.targets[:, :3].std(dim=0)
    scales = torch.cat([heights, crops.targets[:, 3:5].norm(dim=1).std()[None]])
    errors = find_errors(foreseen, crops.targets[learned])
    error_line = fit_ridge(seen[learned], (errors + SMALLEST_ERROR * scales).log(), penalty=ERROR_PENALTY)
    limits = torch.stack([(SMALLEST_ERROR * scales).log(), (LARGEST_ERROR * scales).log()], dim=1)
    expected = error_line(seen).clamp(*limits.T).exp()
    said = line(seen)
    relative = find_errors(said, crops.targets) / expected
    sizes = torch.from_numpy(crops.num_pixels >= LARGE_PIXELS).long()
    edges, quantiles = _calibrate(find_levels(said)[is_kept], relative[is_kept], sizes[is_kept])
    return Heads(
        centre=centre,
        spread=spread,
        bounds=torch.stack([seen.amin(dim=0), seen.amax(dim=0)], dim=1),
        weight=line.weight.T.contiguous(),
        bias=line.bias,
        error_weight=error_line.weight.T.contiguous(),
        error_bias=error_line.bias,
        error_limits=limits,
        edges=edges,
        quantiles=quantiles,
        limits=torch.stack([crops.targets[:, :3].amin(dim=0), crops.targets[:, :3].amax(dim=0)], dim=1),
        usual=crops.targets[:, :3].quantile(torch.tensor([0.05, 0.95], dtype=torch.float64), dim=0).T.contiguous(),
        cleanness=_calibrate_cleanness(said[is_kept, 5], crops.targets[is_kept, 5]),
        knobs=find_knobs(crops),
    )


def _rank(image: np.ndarray) -> np.ndarray:
    """Number pictures 0, 1, 2 and so on."""
    return np.unique(image, return_inverse=True)[1]


def fit_ridge(features: Tensor, targets: Tensor, *, penalty: float) -> Line:
    """Fit `targets` (N, K) by ridge regression on `features` (N, E); the offset is not penalised."""
    return _fit_ridges(features, targets, [penalty])[0]


def _fit_ridges(features: Tensor, targets: Tensor, penalties: list[float] | tuple[float, ...]) -> list[Line]:
    """Fit with several penalties for the price of one."""
    centre, offset = features.mean(dim=0), targets.mean(dim=0)
    values, vectors = torch.linalg.eigh((features - centre).T @ (features - centre))
    projected = vectors.T @ ((features - centre).T @ (targets - offset))
    weights = [vectors @ (projected / (values.clamp(min=0) + penalty)[:, None]) for penalty in penalties]
    return [Line(weight, offset - centre @ weight) for weight in weights]


def _fit_cross_validated(features: Tensor, targets: Tensor, fold: Tensor) -> tuple[Line, Tensor]:
    """Fit each target with the penalty that is best on pictures left out; return what is said of those, too."""
    said = torch.stack([torch.zeros_like(targets)] * len(PENALTIES))
    for number in range(NUM_FOLDS):
        left_out = fold == number
        for k, line in enumerate(_fit_ridges(features[~left_out], targets[~left_out], PENALTIES)):
            said[k, left_out] = line(features[left_out])
    best = (said - targets).square().mean(dim=1).argmin(dim=0)  # (K,)
    lines = _fit_ridges(features, targets, PENALTIES)
    columns = range(targets.shape[1])
    weight = torch.stack([lines[best[k]].weight[:, k] for k in columns], dim=1)
    bias = torch.stack([lines[best[k]].bias[k] for k in columns])
    return Line(weight, bias), torch.stack([said[best[k], :, k] for k in columns], dim=1)


def find_errors(said: Tensor, targets: Tensor) -> Tensor:
    """Return how far off is what is said (N, T): (N, U), for the shape the distance of both vectors."""
    off = (said - targets).abs()
    return torch.cat([off[:, :3], off[:, 3:5].norm(dim=1, keepdim=True)], dim=1)


def _calibrate(levels: Tensor, relative: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Find the groups, and in each the error in expected errors that nine of ten stay below: (2, U, B - 1), (2, U, B).

    The quantile is the conformal one, a little above the sample's.
    """
    edges = torch.zeros(2, len(UNCERTAIN), NUM_GROUPS - 1, dtype=torch.float64)
    quantiles = torch.zeros(2, len(UNCERTAIN), NUM_GROUPS, dtype=torch.float64)
    shares = torch.arange(1, NUM_GROUPS, dtype=torch.float64) / NUM_GROUPS
    for size in range(2):
        # Where all pictures are small, or all large, they stand for the others.
        chosen = sizes == size if (sizes == size).any() else torch.ones_like(sizes, dtype=torch.bool)
        for u in range(len(UNCERTAIN)):
            level, error = levels[chosen, u], relative[chosen, u]
            edges[size, u] = level.quantile(shares)
            group = torch.bucketize(level, edges[size, u])
            for b in range(NUM_GROUPS):
                quantiles[size, u, b] = conformal_quantile(error[group == b])
    return edges, quantiles


def conformal_quantile(errors: Tensor) -> Tensor:
    """Return what a further error of the same kind stays below with a probability of `COVERAGE`."""
    rank = int(np.ceil((len(errors) + 1) * COVERAGE))
    return errors.sort().values[min(rank, len(errors)) - 1]


def _calibrate_cleanness(score: Tensor, is_clean: Tensor) -> Tensor:
    """Find slope and offset of the logit of the probability to be clean (Platt)."""
    from sklearn.linear_model import LogisticRegression

    logistic = LogisticRegression(C=1e6).fit(score[:, None].numpy(), is_clean.numpy() > 0.5)
    return torch.tensor([logistic.coef_[0, 0], logistic.intercept_[0]], dtype=torch.float64)


def find_knobs(crops: Crops) -> Tensor:
    """Return what one step more of noise, and of blur, adds to the IDR (2, C), all else being equal."""
    line = fit_ridge(crops.targets[:, :3], crops.idr, penalty=1e-6)  # (3, C)
    blur, noise = (TARGETS.index(name) for name in ("blur", "noise"))
    return torch.stack([line.weight[noise] * KNOB_STEPS["noise"], line.weight[blur] * KNOB_STEPS["blur"]])
