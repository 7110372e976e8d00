"""`kdsr benchmark training`: the step on an idle and a busy machine."""

import pytest

from kdsr_compat.wait_policy import NAMES, SHORT_WAIT
from kdsr_tools.benchmark import training
from kdsr_tools.benchmark.training import measure_waiting, wait_policies
from kdsr_tools.cli import main


@pytest.fixture(autouse=True)
def no_policy(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_openmps_own_policy_is_compared_with_ours():
    nothing = dict.fromkeys(NAMES)
    assert list(wait_policies().values()) == [nothing, nothing | SHORT_WAIT]


def test_ours_in_the_environment_is_no_third_row(monkeypatch):
    for name, value in SHORT_WAIT.items():
        monkeypatch.setenv(name, value)
    assert len(wait_policies()) == 2


def test_the_users_own_is_a_third_row(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert wait_policies()["your own"] == dict.fromkeys(NAMES) | {"OMP_WAIT_POLICY": "PASSIVE"}


def test_a_step_is_timed_idle_and_busy(monkeypatch):
    monkeypatch.setattr(training, "WAITING_SHAPE", (1, 8))
    assert all(0 < seconds < 60 for seconds in measure_waiting(0.01))


def test_the_table_has_the_ratio(monkeypatch, capsys):
    results = iter([(0.05, 8.0), (0.06, 0.4)])
    seen = []

    def answer(function, seconds, *, environment):
        seen.append((function, seconds, environment["GOMP_SPINCOUNT"]))
        return next(results)

    monkeypatch.setattr(training, "run_alone", answer)
    assert main(["benchmark", "training", "--parts", "waiting", "--seconds", "2"]) == 0
    assert seen == [(measure_waiting, 2, None), (measure_waiting, 2, SHORT_WAIT["GOMP_SPINCOUNT"])]
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| as")]
    assert rows[0].endswith("| 0.050 | 8.000 | 1.00 |")
    assert rows[1].endswith("| GOMP_SPINCOUNT=1000 KMP_BLOCKTIME=0 | 0.060 | 0.400 | 0.05 |")
