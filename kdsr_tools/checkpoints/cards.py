"""What the cards of the shipped models say beside their files' headers: training data by name, and measurements."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from kdsr_arch.model_card import Evidence
from kdsr_tools.checkpoints.shipped import list_models

DATA_FILE = Path(__file__).with_name("cards.yml")


def find_evidence(checkpoint: Path) -> Evidence | None:
    """Return what is known of a shipped model's file; None of any other."""
    names = {model.path: model.name for model in list_models()}
    facts = _read()["models"].get(names.get(checkpoint))
    return Evidence(facts["datasets"], facts["measured"], _read()["source"]) if facts else None


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    return yaml.safe_load(DATA_FILE.read_text(encoding="utf-8"))
