"""The pictures of the page and what its viewer knows about them, as plain values for the template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from basicsr.metrics import calculate_metric
from basicsr.utils import tensor2img

from kdsr_data.image_io import ImageReadError
from kdsr_data.presets import describe_label
from kdsr_tools.compare.diagnoses import make_diagnoser
from kdsr_tools.compare.metrics import METRICS
from kdsr_tools.compare.report import Report, SetResults, format_score
from kdsr_tools.compare.runner import Plan
from kdsr_tools.compare.settings import ShownSettings
from kdsr_tools.compare.store import Item, ItemName, ResultStore
from kdsr_tools.pages.pictures import (
    Encoding,
    Place,
    as_data_uri,
    choose_encoding,
    encode_thumbnail,
    encode_webp,
    find_place,
)

SAMPLE_SIZE = 8  # pictures whose encoded size tells that of all


@dataclass(frozen=True)
class Shown:
    """One image in one case with what every model made of it; pictures are BGR uint8, None where one failed."""

    image: str
    case: str
    lq: np.ndarray
    gt: np.ndarray | None
    sr: dict[str, np.ndarray | None]
    items: dict[str, Item]


@dataclass(frozen=True)
class Crop:
    """The square of an image in which the models differ most, from every model."""

    set_number: int
    image_number: int
    case_number: int
    title: str
    place: Place
    panels: list[tuple[str, np.ndarray, str]]  # what it is, the pixels, a caption


@dataclass
class PageData:
    """`views` are for the viewer (one an image set); `blocks` the encoded pictures that it names by position."""

    views: list[dict[str, Any]] = field(default_factory=list)
    blocks: list[Future] = field(default_factory=list)
    crops: list[Crop] = field(default_factory=list)
    encoding: Encoding | None = None


def collect_page_data(report: Report, store: ResultStore) -> PageData:
    """Encode everything that the page shows."""
    data = PageData()
    with ThreadPoolExecutor() as pool:
        for results in report.sets:
            _SetCollector(report, results, store, data, pool).collect()
    data.crops.sort(key=lambda crop: -crop.place.disagreement)
    del data.crops[report.settings.shown.crops :]
    return data


def read_shown(results: SetResults, image: int, case: int, store: ResultStore) -> Shown | None:
    """Read an image in a case with its results; None if the image cannot be used."""
    plan = results.plan
    image_name, label = plan.image_set.images[image], plan.image_set.cases[case].label
    try:
        pair = plan.image_set.read(image, case)
    except ImageReadError:
        return None
    place = (plan.image_set.name, label, image_name)
    items = {item.name.model: item for item in results.scores.items if _place(item.name) == place}
    sr = {name: None if item.error else store.read_picture(item.name) for name, item in items.items()}
    gt = None if pair.gt is None else tensor2img(pair.gt)
    return Shown(image_name, label, tensor2img(pair.lq), gt, sr, items)


def _place(name: ItemName) -> tuple[str, str, str]:
    return name.image_set, name.setting, name.image


class _SetCollector:
    """Collects one image set into the page's data."""

    def __init__(
        self, report: Report, results: SetResults, store: ResultStore, data: PageData, pool: ThreadPoolExecutor
    ):
        self.report, self.results, self.store, self.data, self.pool = report, results, store, data, pool
        self.number = len(data.views)
        self.plan: Plan = results.plan
        self.shown: ShownSettings = report.settings.shown
        self.diagnose = make_diagnoser(report.models)
        self.bicubic = {model.name for model in report.models if model.network is None}

    def collect(self) -> None:
        """Add the set's view, its pictures, and its crops."""
        encoding = self.data.encoding = self.data.encoding or self._choose_encoding()
        pictures = [picture for image in self.plan.shown_images if (picture := self._collect_image(image, encoding))]
        labels = [self.plan.image_set.cases[case].label for case in self.plan.shown_cases]
        view = {"name": self.plan.image_set.name, "models": self.results.scores.models, "pictures": pictures}
        view["sharpness"] = self._sharpness_steps()
        view["settings"] = [describe_label(label) for label in labels]
        if pictures:
            self.data.views.append(view)

    def _sharpness_steps(self) -> list[dict[str, Any]]:
        """Return the models that are steps between a faithful and a sharp one, in their order."""
        blocks = self.report.settings.models
        steps = [
            {"model": number, "sharpness": sharpness}
            for number, name in enumerate(self.results.scores.models)
            if (sharpness := blocks[name].sharpness) is not None
        ]
        return sorted(steps, key=lambda step: step["sharpness"])

    def _choose_encoding(self) -> Encoding:
        """Choose by some of the first set's pictures, which stand for all."""
        num_models = len(self.report.models)
        counts = [len(results.plan.shown_images) * len(results.plan.shown_cases) for results in self.report.sets]
        sample = []
        for image in self.plan.shown_images[:SAMPLE_SIZE]:
            shown = read_shown(self.results, image, self.plan.shown_cases[0], self.store)
            sample += [sr for sr in (shown.sr.values() if shown else ()) if sr is not None][-1:]
        quality, most_megabytes = self.shown.quality, self.shown.most_megabytes
        return choose_encoding(sample, count=sum(counts) * num_models, quality=quality, most_megabytes=most_megabytes)

    def _collect_image(self, image: int, encoding: Encoding) -> dict[str, Any] | None:
        all_shown = [self._read(image, case) for case in self.plan.shown_cases]
        present = [shown for shown in all_shown if shown is not None]
        if not present:
            return None
        first = present[0]
        height, width = (side * self.report.settings.scale for side in first.lq.shape[:2])
        places = [self._find_place(shown) for shown in present]
        self._add_crop(image, present, places)
        thumbnail = encode_thumbnail(first.gt if first.gt is not None else first.lq)
        return {
            "name": first.image,
            "width": width,
            "height": height,
            "thumbnail": as_data_uri(thumbnail),
            "gt": None if first.gt is None else self._add_block(encoding.encode, first.gt),
            "settings": [self._describe(shown, place, encoding) for shown, place in zip(present, places, strict=True)],
        }

    def _read(self, image: int, case: int) -> Shown | None:
        return read_shown(self.results, image, case, self.store)

    def _add_block(self, encode, picture: np.ndarray) -> int:
        self.data.blocks.append(self.pool.submit(encode, picture))
        return len(self.data.blocks) - 1

    def _describe(self, shown: Shown, place: Place, encoding: Encoding) -> dict[str, Any]:
        sr, scores, errors = {}, {}, {}
        for name, picture in shown.sr.items():
            if picture is None:
                errors[name] = shown.items[name].error
            else:
                sr[name] = self._add_block(encoding.encode, picture)
                scores[name] = self._caption(shown.items[name])
        lq = self._add_block(encode_webp, shown.lq)
        return {
            "lq": lq,
            "diagnosis": self.diagnose(shown.lq) if self.diagnose else None,
            "sr": sr,
            "scores": scores,
            "errors": errors,
            "place": [place.left, place.top, place.size],
        }

    def _caption(self, item: Item) -> str:
        parts = []
        for metric in self.plan.metrics[:2]:
            info = METRICS[metric]
            parts.append(f"{format_score(metric, item.scores.get(metric))} {info.unit or info.label}")
        return " · ".join(parts)

    def _find_place(self, shown: Shown) -> Place:
        restored = {name: picture for name, picture in shown.sr.items() if picture is not None}
        # Bicubic differs from every network nearly everywhere, so it does not vote where there are two others.
        networks = [picture for name, picture in restored.items() if name not in self.bicubic]
        voting = networks if len(networks) > 1 else list(restored.values())
        if shown.gt is not None and len(voting) < 2:
            voting = [*voting, shown.gt]
        scale = self.report.settings.scale
        blank = np.zeros([side * scale for side in shown.lq.shape[:2]] + [3], np.uint8)
        return find_place(voting or [blank], size=self.shown.crop_size, scale=scale)

    def _add_crop(self, image: int, present: Sequence[Shown], places: Sequence[Place]) -> None:
        best = max(range(len(places)), key=lambda number: places[number].disagreement)
        shown, place = present[best], places[best]
        if place.disagreement == 0:
            return
        panels = list(self._panels(shown, place))
        title = f"{shown.image} · {describe_label(shown.case)}"
        number = self.plan.shown_images.index(image)
        self.data.crops.append(Crop(self.number, number, best, title, place, panels))

    def _panels(self, shown: Shown, place: Place) -> Iterator[tuple[str, np.ndarray, str]]:
        scale = self.report.settings.scale
        yield "LQ", place.cut(shown.lq, scale=scale).repeat(scale, axis=0).repeat(scale, axis=1), "input"
        gt = None if shown.gt is None else place.cut(shown.gt)
        for name, picture in shown.sr.items():
            if picture is not None:
                cut = place.cut(picture)
                yield name, cut, "" if gt is None else f"{format_score('psnr', crop_psnr(cut, gt))} dB here"
        if gt is not None:
            yield "GT", gt, "original"


def crop_psnr(cut: np.ndarray, gt: np.ndarray) -> float:
    """Compare two crops (H, W, 3), BGR uint8, by PSNR on Y, borders included."""
    options = {"type": "calculate_psnr", "crop_border": 0, "test_y_channel": True}
    return float(calculate_metric({"img": np.ascontiguousarray(cut), "img2": np.ascontiguousarray(gt)}, options))
