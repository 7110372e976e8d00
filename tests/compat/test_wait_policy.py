"""How OpenMP's threads wait: what commands set, before PyTorch is there, and what they leave alone."""

import json
import os
import subprocess
import sys

import pytest
from option_files import ROOT

from kdsr_compat.wait_policy import NAMES, SHORT_WAIT, wait_briefly

# Prints the variables at the moment when PyTorch is looked for, and ends.
WATCH = f"""
import json, os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(json.dumps({{name: os.environ.get(name) for name in {NAMES}}}), flush=True)
            os._exit(0)
sys.meta_path.insert(0, Watch())
"""
RUN = "import runpy; sys.argv = {argv}; runpy.{function}({name!r}, run_name='__main__')"
COMMANDS = {
    "train.py": RUN.format(argv=["train.py"], function="run_path", name=str(ROOT / "basicsr" / "train.py")),
    "test.py": RUN.format(argv=["test.py"], function="run_path", name=str(ROOT / "basicsr" / "test.py")),
    "python -m": RUN.format(argv=["kdsr", "benchmark"], function="run_module", name="kdsr_tools"),
    "kdsr": "from kdsr_tools.cli import main; main(['benchmark'])",
}
UNSET = dict.fromkeys(NAMES)


def variables_seen_by_torch(script, **own):
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment |= {"PYTHONPATH": str(ROOT), **own}
    done = subprocess.run(
        [sys.executable, "-c", WATCH + script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_set_a_short_wait_before_pytorch_is_imported(command):
    assert variables_seen_by_torch(COMMANDS[command]) == UNSET | SHORT_WAIT


@pytest.mark.parametrize("command", ["train.py", "kdsr"])
def test_the_users_own_count_stays(command):
    seen = variables_seen_by_torch(COMMANDS[command], GOMP_SPINCOUNT="77", KMP_BLOCKTIME="5")
    assert seen == UNSET | {"GOMP_SPINCOUNT": "77", "KMP_BLOCKTIME": "5"}


def test_nothing_is_set_beside_the_users_policy():
    # A count would overrule it.
    assert variables_seen_by_torch(COMMANDS["kdsr"], OMP_WAIT_POLICY="ACTIVE") == UNSET | {"OMP_WAIT_POLICY": "ACTIVE"}


@pytest.mark.parametrize(
    "script", ["import kdsr_compat.wait_policy, kdsr_tools.cli; import torch", "from kdsr_tools import Upscaler"]
)
def test_importing_sets_nothing(script):
    assert variables_seen_by_torch(script) == UNSET


def test_nothing_is_set_where_it_is_too_late(monkeypatch):
    # This process has imported PyTorch.
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    wait_briefly()
    assert not set(NAMES) & set(os.environ)
