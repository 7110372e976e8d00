"""What models cost: counted, timed in turn, and measured in a process of their own."""

import pytest
import torch
from option_files import SMALL_NETWORKS, save_student, save_teacher

from kdsr_tools.benchmark.counting import count_macs, count_parameters
from kdsr_tools.compare.costs import measure_costs, time_restorers
from kdsr_tools.compare.models import open_model
from kdsr_tools.compare.settings import ComparedModelSettings, CostSettings

CPU = torch.device("cpu")


def test_models_take_turns_and_one_that_fails_has_no_time():
    order = []

    def make(name, fails=False):
        def restore(lq):
            order.append(name)
            if fails:
                raise RuntimeError
            return lq

        return restore

    restorers = {"a": make("a"), "broken": make("broken", fails=True), "b": make("b")}
    seconds = time_restorers(restorers, torch.rand(1, 3, 4, 4), rounds=2)
    assert order == ["a", "broken", "b", "a", "b", "a", "b"]
    assert seconds["broken"] is None
    assert 0 < seconds["a"] < 1


def test_of_a_teacher_only_the_parameters_are_counted(tmp_path):
    teacher = open_model(
        "t", ComparedModelSettings(weights=save_teacher(tmp_path / "t.pth"), sees_gt=True), scale=4, device=CPU
    )
    cost = measure_costs([teacher], CostSettings(lq_size=(8, 8), rounds=1), scale=4, device=CPU)["t"]
    assert cost.parameters == count_parameters(teacher.network)
    assert (cost.giga_macs, cost.seconds_per_megapixel, cost.memory_mb) == (None, None, None)


def test_memory_grows_with_the_picture(tmp_path):
    weights = save_student(tmp_path / "student.pth")
    model = open_model("m", ComparedModelSettings(weights=weights), scale=4, device=CPU)
    options = CostSettings(lq_size=(192, 192), rounds=1)
    cost = measure_costs([model], options, scale=4, device=CPU)["m"]
    features = 192 * 192 * SMALL_NETWORKS["KDSRStudent"]["num_feat"] * 4 / 2**20
    assert cost.memory_mb > 16 * features  # the last features, at 16 times the pixels
    assert cost.seconds_per_megapixel > 0
    assert cost.giga_macs == pytest.approx(count_macs(model.network, (192, 192)) / 1e9)
