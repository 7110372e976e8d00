"""Python in a process of its own, where modules can be taken away and what was imported can be told."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run_python(script: str, *arguments: str | Path, without: Sequence[str] = ()) -> subprocess.CompletedProcess:
    """Run a script in the project's folder, where the modules `without` cannot be imported."""
    # psutil comes first, since it imports on Linux what it does without on Windows.
    hidden = f"import psutil, sys; sys.modules.update(dict.fromkeys({list(without)!r}))\n"
    command = [sys.executable, "-c", hidden + script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def assert_runs(script: str, *arguments: str | Path, without: Sequence[str] = ()) -> str:
    """Run a script as `run_python`, see it end well, and give what it printed."""
    done = run_python(script, *arguments, without=without)
    assert done.returncode == 0, done.stderr
    return done.stdout
