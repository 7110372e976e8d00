"""Restoring and measuring every image in every case by every model, as far as it is not done already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from basicsr.utils import tensor2img

from kdsr_arch.checkpoint import first_line
from kdsr_data.image_io import ImageReadError
from kdsr_tools.compare.image_sets import ImageSet, Pair
from kdsr_tools.compare.metrics import measure
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.compare.settings import CompareSettings, LPIPSWeights, Metric
from kdsr_tools.compare.store import Item, ItemName, ResultStore, hash_array, join_keys
from kdsr_tools.pages.pictures import spread

LONGEST_MESSAGE = 300  # characters in a cell


@dataclass(frozen=True)
class Plan:
    """What is measured on one image set, and which images and cases (by position) the page shows."""

    image_set: ImageSet
    metrics: list[Metric]
    shown_images: list[int]
    shown_cases: list[int]
    lpips_weights: LPIPSWeights = LPIPSWeights()

    def shows(self, image: int, case: int) -> bool:
        """Return whether the page shows an image in a case."""
        return image in self.shown_images and case in self.shown_cases

    def num_pairs(self) -> int:
        """Count images times cases."""
        return len(self.image_set.images) * len(self.image_set.cases)


def make_plans(settings: CompareSettings, image_sets: Iterable[ImageSet], metrics: list[Metric]) -> list[Plan]:
    """Plan every image set: its own metrics or those of the whole comparison, as far as it has what they need."""
    plans = []
    for image_set in image_sets:
        own = settings.data[image_set.name].metrics
        wanted = [metric for metric in metrics if own is None or metric in own]
        if not image_set.has_gt:
            wanted = [metric for metric in wanted if metric == "niqe"]
        shown_images = spread(len(image_set.images), settings.shown.images)
        shown_cases = spread(len(image_set.cases), settings.shown.settings)
        plans.append(Plan(image_set, wanted, shown_images, shown_cases, settings.lpips_weights))
    return plans


def run_plan(
    plan: Plan,
    models: Sequence[ComparedModel],
    store: ResultStore,
    *,
    scale: int,
    on_pair: Callable[[], None] = lambda: None,
) -> Iterator[Item]:
    """Yield every model's item of every pair, from the store where it is there; what fails is an item with its error.

    Args:
        on_pair: called after all models have done one image in one case.
    """
    for image, image_name in enumerate(plan.image_set.images):
        for case, (label, _) in enumerate(plan.image_set.cases):
            names = [ItemName(model.name, plan.image_set.name, label, image_name) for model in models]
            try:
                pair = plan.image_set.read(image, case)
            except ImageReadError as error:
                yield from (_save_failure(store, name, str(error)) for name in names)
            else:
                shown = plan.shows(image, case)
                for model, name in zip(models, names, strict=True):
                    yield _restore(model, name, pair, store, plan=plan, scale=scale, shown=shown)
            on_pair()


def _save_failure(store: ResultStore, name: ItemName, error: str) -> Item:
    item = Item(name, key="", error=error)
    store.save(item)
    return item


def _restore(
    model: ComparedModel,
    name: ItemName,
    pair: Pair,
    store: ResultStore,
    *,
    plan: Plan,
    scale: int,
    shown: bool,
) -> Item:
    parts = [hash_array(image.numpy()) for image in pair if image is not None]
    key = join_keys(model.fingerprint, str(scale), *parts)
    if found := store.find(name, key=key, metrics=plan.metrics, with_picture=shown):
        return found
    try:
        if model.sees_gt and pair.gt is None:
            raise ValueError("it sees the original, and there is none")
        seen = [image[None] for image in (pair if model.sees_gt else pair[:1]) if image is not None]
        with torch.inference_mode():
            output = model.restore(*seen).float().cpu()
        if not torch.isfinite(output).all():
            raise ValueError("gave values that are no numbers (NaN or infinite)")
        sr = tensor2img(output)
        expected = tuple(scale * side for side in pair.lq.shape[1:])
        if sr.shape[:2] != expected:
            raise ValueError(f"gave {sr.shape[1]}x{sr.shape[0]} pixels, expected {expected[1]}x{expected[0]}")
        gt = None if pair.gt is None else tensor2img(pair.gt)
        reasons: dict[str, str] = {}
        scores = measure(sr, gt, metrics=plan.metrics, scale=scale, lpips_weights=plan.lpips_weights, reasons=reasons)
    except Exception as error:  # whatever a stranger's network raises stands in its cell, and the rest goes on
        return _save_failure(store, name, f"{type(error).__name__}: {first_line(error)[:LONGEST_MESSAGE]}")
    item = Item(name, key, scores, reasons=reasons)
    store.save(item, picture=sr if shown else None)
    return item
