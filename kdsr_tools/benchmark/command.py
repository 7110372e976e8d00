"""`kdsr benchmark`: measurements that run both sides in one process and print the ratio."""

from __future__ import annotations

from kdsr_tools.benchmark import degradation as benchmark_degradation
from kdsr_tools.benchmark import startup as benchmark_startup
from kdsr_tools.benchmark import training as benchmark_training
from kdsr_tools.benchmark import upscale as benchmark_upscale
from kdsr_tools.benchmark.films import command as benchmark_films


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark`."""
    parser = subparsers.add_parser("benchmark")
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    benchmark_degradation.add_parser(kinds)
    benchmark_startup.add_parser(kinds)
    benchmark_training.add_parser(kinds)
    benchmark_upscale.add_parser(kinds)
    benchmark_films.add_parser(kinds)
