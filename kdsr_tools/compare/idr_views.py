"""The IDR views inside a comparison's page: which students, on which images, with which degradations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdsr_arch import KDSRStudent
from kdsr_tools.checkpoints.experiments import find_teacher
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.compare.runner import Plan
from kdsr_tools.compare.settings import CompareSettings
from kdsr_tools.compare.store import hash_array, join_keys
from kdsr_tools.files import write_then_rename
from kdsr_tools.idr.command import MOST_IMAGES
from kdsr_tools.idr.samples import PARAMETERS, Parameter
from kdsr_tools.idr.view import load_teacher, make_idr_view


def make_idr_views(
    settings: CompareSettings, models: Sequence[ComparedModel], plans: Sequence[Plan]
) -> list[dict[str, Any]]:
    """Inspect every KDSR student of a comparison, or take what an earlier run kept of it; none without GT."""
    idr = settings.idr
    students = [(model, model.network) for model in models if isinstance(model.network, KDSRStudent)]
    if idr is None or not students or not (images := _gt_images(plans)):
        return []
    path = settings.output / "idr.json"
    kept = _read(path)
    vary = idr.vary or varied_parameters(plans)
    views = {}
    for model, student in students:
        teacher = _teacher_path(settings, model)
        options = repr((vary, idr.number))
        key = join_keys(model.fingerprint, options, _identify(teacher), *map(hash_array, images))
        if kept.get(model.name, {}).get("key") != key:
            print(f"Inspecting the IDR of {model.name} ...", flush=True)
            loaded = load_teacher(teacher, scale=settings.scale) if teacher else None
            view = make_idr_view(model.name, student.cpu(), loaded, images, vary=vary, number=idr.number)
            kept[model.name] = {"key": key, "view": view}
        views[model.name] = kept[model.name]
    with write_then_rename(path) as temporary:
        temporary.write_text(json.dumps(views), encoding="utf-8")
    return [entry["view"] for entry in views.values()]


def varied_parameters(plans: Sequence[Plan]) -> list[Parameter]:
    """Return which parameters the cases of the image sets vary; all, where one is not a classic degradation."""
    cases = [case for plan in plans for case in plan.image_set.cases if case.degradation]
    if any(case.degradation["type"] != "ClassicDegradation" for case in cases):
        return list(PARAMETERS)
    varies = {"blur": True}
    varies["angle"] = any("theta_degrees" in case.degradation for case in cases)
    varies["noise"] = any(case.noise_level != 0 for case in cases)
    return [parameter for parameter in PARAMETERS if varies.get(parameter)]


def _gt_images(plans: Sequence[Plan]) -> list[np.ndarray]:
    """Read the shown images of all sets with GT, each picture once."""
    images: dict[str, np.ndarray] = {}
    for plan in plans:
        if plan.image_set.has_gt:
            for index in plan.shown_images:
                if plan.image_set.images[index] not in images and len(images) < MOST_IMAGES:
                    _read_gt(plan, index, images)
    return list(images.values())


def _read_gt(plan: Plan, index: int, images: dict[str, np.ndarray]) -> None:
    try:
        gt = plan.image_set.read(index, 0).gt
    except ValueError:  # its cells say why
        return
    if gt is not None:
        images[plan.image_set.images[index]] = np.ascontiguousarray(gt.permute(1, 2, 0).numpy())


def _teacher_path(settings: CompareSettings, model: ComparedModel) -> Path | None:
    if model.teacher is not None:
        return model.teacher
    experiment = settings.models[model.name].experiment
    return find_teacher(experiment) if experiment else None


def _identify(path: Path | None) -> str:
    return "" if path is None else f"{path} {path.stat().st_mtime_ns}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
