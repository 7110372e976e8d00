"""The `kdsr compare` command: reads the option file, measures what is not measured yet, writes page and files."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, get_args

import torch
from tqdm import tqdm

from kdsr_tools.compare.costs import Cost, measure_costs
from kdsr_tools.compare.idr_views import make_idr_views
from kdsr_tools.compare.image_sets import open_image_sets
from kdsr_tools.compare.metrics import choose_metrics
from kdsr_tools.compare.models import ComparedModel, open_models
from kdsr_tools.compare.page.contact_sheet import write_contact_sheet
from kdsr_tools.compare.page.data import collect_page_data
from kdsr_tools.compare.page.document import write_comparison
from kdsr_tools.compare.report import Report, make_set_results, write_files
from kdsr_tools.compare.runner import Plan, make_plans, run_plan
from kdsr_tools.compare.settings import CompareSettings, Device, read_compare_settings
from kdsr_tools.compare.store import ResultStore, join_keys
from kdsr_tools.devices import describe_device, find_device
from kdsr_tools.files import write_then_rename


def compare(settings: CompareSettings) -> Report:
    """Run a comparison, as far as an earlier run has not done it, and write its page and files.

    Raises:
        FileNotFoundError, ValueError: images or weights cannot be used; nothing was measured yet.
    """
    device = find_device(settings.device, known=get_args(Device))
    metrics, notes = choose_metrics(settings.metrics, lpips_weights=settings.lpips_weights)
    image_sets = open_image_sets(settings)
    notes += [f"{image_set.name}: {image_set.passed_over}" for image_set in image_sets if image_set.passed_over]
    plans = make_plans(settings, image_sets, metrics)
    models = open_models(settings, device=device)
    store = ResultStore(settings.output / "items")
    sets = [make_set_results(settings, plan, _run(plan, models, store, settings.scale)) for plan in plans]
    for results in sets:
        notes += [f"{results.plan.image_set.name}: {line}" for line in results.scores.describe_undefined()]
    costs = _find_costs(settings, models, device)
    report = Report(settings, models, sets, costs, describe_device(device), notes)
    write_files(report, settings.output)
    data = collect_page_data(report, store)
    write_contact_sheet(settings.output / "contact_sheet.png", data.crops)
    idr_views = make_idr_views(settings, models, plans)
    today = date.today().isoformat()
    write_comparison(settings.output / "index.html", report, data, idr_views=idr_views, date=today)
    return report


def _run(plan: Plan, models: list[ComparedModel], store: ResultStore, scale: int) -> list:
    with tqdm(total=plan.num_pairs(), desc=plan.image_set.name, unit="image", leave=True) as progress:
        return list(run_plan(plan, models, store, scale=scale, on_pair=progress.update))


def _find_costs(settings: CompareSettings, models: list[ComparedModel], device: torch.device) -> dict[str, Cost]:
    """Measure costs, or take those of an earlier run of the same models on the same kind of device."""
    if settings.cost is None:
        return {}
    key = join_keys(describe_device(device), repr(settings.cost), *(f"{m.name} {m.fingerprint}" for m in models))
    path = settings.output / "costs.json"
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return {name: Cost(**cost) for name, cost in kept["costs"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    print("Measuring time and memory ...", flush=True)
    costs = measure_costs(models, settings.cost, scale=settings.scale, device=device)
    with write_then_rename(path) as temporary:
        content = {"key": key, "costs": {name: asdict(cost) for name, cost in costs.items()}}
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return costs


def add_parser(subparsers) -> None:
    """Add `kdsr compare`."""
    parser = subparsers.add_parser("compare")
    parser.add_argument("options", type=Path, metavar="FILE", help="as options/compare/classic_x4.yml")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the comparison of an option file."""
    settings = read_compare_settings(args.options)
    try:
        report = compare(settings)
    except KeyboardInterrupt:
        print(f"\nStopped. What was measured is kept in {settings.output}; the same command goes on from there.")
        return 130
    print(f"\n{(settings.output / 'results.md').read_text(encoding='utf-8')}")
    for note in report.notes:
        print(f"Note: {note}")
    print(f"Page: {settings.output / 'index.html'}")
    return 0
