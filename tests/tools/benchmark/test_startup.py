"""The benchmark of the start, and what it must come to."""

from kdsr_tools import cli
from kdsr_tools.benchmark import startup

BUSY = "import time\nwhile time.process_time() < 0.5: pass"


def test_a_childs_processor_seconds_are_told():
    idle, busy = startup.cpu_seconds(["-c", "import time; time.sleep(0.3)"]), startup.cpu_seconds(["-c", BUSY])
    assert 0 < idle < 0.3 < busy < 3


def test_upscaling_a_small_picture_takes_little_longer_than_the_import_of_torch(monkeypatch):
    # On a busy machine, threads that wait for each other compute in vain.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    rounds = [startup.measure_round() for _ in range(2)]
    assert any(ours <= startup.LIMIT_FACTOR * torch + startup.LIMIT_SECONDS for torch, ours in rounds), rounds


def test_the_table_has_both_sides_and_their_ratio(monkeypatch, capsys):
    rounds = iter([(2.0, 3.0), (1.0, 2.5), (1.0, 2.0)])
    monkeypatch.setattr(startup, "measure_round", lambda: next(rounds))
    assert cli.main(["benchmark", "startup", "--rounds", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "| `import torch` | 1.00 | 1.00 | - |",
        "| `kdsr upscale`, 64x64 pixels | 2.50 | 2.00 | 2.30 |",
    ]
