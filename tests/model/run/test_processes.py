"""What processes settle among each other: alone at once, and two by gloo."""

import json
import subprocess
import sys

import pytest
import torch
from option_files import ROOT

from kdsr_model.run.processes import any_process, every_process, first_process_number, is_distributed

CPU = torch.device("cpu")
SETTLE = """
import json, sys, torch
from kdsr_model.run.processes import any_process, every_process, first_process_number
rank, folder, cpu = int(sys.argv[1]), sys.argv[2], torch.device("cpu")
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
is_first = rank == 0
claims = any_process(is_first, device=cpu), every_process(is_first, device=cpu), every_process(True, device=cpu)
print(json.dumps([*claims, first_process_number(7 + rank)]))
torch.distributed.destroy_process_group()
"""


@pytest.mark.parametrize("claim", [True, False])
def test_one_process_is_asked_by_itself(claim):
    assert not is_distributed()
    assert any_process(claim, device=CPU) is every_process(claim, device=CPU) is claim
    assert first_process_number(41) == 41


def test_two_processes_agree(tmp_path):
    commands = [[sys.executable, "-c", SETTLE, str(rank), str(tmp_path)] for rank in (0, 1)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for command in commands]
    for process in processes:
        assert json.loads(process.communicate(timeout=120)[0].splitlines()[-1]) == [True, False, True, 7]
        assert process.returncode == 0
