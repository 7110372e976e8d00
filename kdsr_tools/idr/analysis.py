"""What IDRs tell: maps in two dimensions, and how well a linear probe reads each degradation parameter from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kdsr_tools.idr.samples import Parameter, Samples

NUM_FOLDS = 5
RIDGE_PENALTIES = np.logspace(-1, 7, 9)
PERPLEXITY = 30  # t-SNE's usual one


@dataclass(frozen=True)
class Probe:
    """R^2 by estimator and parameter, and how the samples were held out."""

    r2: dict[str, dict[Parameter, float]]
    protocol: str


def probe(samples: Samples) -> Probe:
    """Predict every parameter from every estimator's IDR' by ridge regression, and score it on held-out samples.

    An angle is predicted as the cosine and sine of its double, since kernels at 0 and 180 degrees are the same.
    """
    num_images = len(np.unique(samples.image))
    held_out = "no image is both learned from and predicted" if num_images > 1 else "all crops are from one image"
    protocol = f"{len(_split(samples.image))}-fold cross-validation; {held_out}"
    r2 = {
        name: {
            parameter: _score(features, _target(parameter, values), samples.image)
            for parameter, values in samples.parameters.items()
        }
        for name, features in samples.idr_prime.items()
    }
    return Probe(r2, protocol)


def _split(image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split samples into folds (learned from, held out), by the image they are from where there are several."""
    from sklearn.model_selection import GroupKFold, KFold

    num_images = len(np.unique(image))
    if num_images < 2:
        return list(KFold(NUM_FOLDS, shuffle=True, random_state=0).split(image))
    return list(GroupKFold(min(NUM_FOLDS, num_images)).split(image, groups=image))


def _target(parameter: Parameter, values: np.ndarray) -> np.ndarray:
    if parameter != "angle":
        return values[:, None]
    double = 2 * np.deg2rad(values)
    return np.stack([np.cos(double), np.sin(double)], axis=1)


def _score(features: np.ndarray, target: np.ndarray, image: np.ndarray) -> float:
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    predicted = np.empty_like(target, dtype=np.float64)
    for learned, held_out in _split(image):
        # The penalty is chosen on held-out images, too: chosen by single crops, it would lean on what marks an image.
        penalties = {"ridge__alpha": RIDGE_PENALTIES}
        search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), penalties, cv=_split(image[learned]))
        search.fit(features[learned], target[learned])
        predicted[held_out] = search.predict(features[held_out]).reshape(-1, target.shape[1])
    return float(r2_score(target, predicted, multioutput="variance_weighted"))


def make_maps(features: np.ndarray) -> dict[str, np.ndarray]:
    """Lay IDR' (N, 4C) out in two dimensions: (N, 2) by method."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    standard = StandardScaler().fit_transform(features)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    return {
        "PCA": PCA(2, random_state=0).fit_transform(standard),
        "t-SNE": TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(standard),
    }
