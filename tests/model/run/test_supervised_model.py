"""A model in the training loop's hands: delegated to, repeatable, stopped between steps, saved with what it needs."""

import signal
from types import SimpleNamespace

import pytest
import torch
from basicsr.models.base_model import BaseModel

from kdsr_model.run.progress import Progress
from kdsr_model.run.resume import Conditions, Resume
from kdsr_model.run.signals import STOPPED, Interrupted, StopSignals
from kdsr_model.run.supervised_model import SupervisedModel


class Model:
    """Stands in for a BasicSR model, and notes what it is asked for."""

    def __init__(self, folder):
        self.device = torch.device("cpu")
        paths = {"models": str(folder), "training_states": str(folder), "resume_state": "7.state"}
        self.opt = {"path": paths, "logger": {}, "rank": 0, "manual_seed": 3}
        self.asked, self.draws = [], []
        self.best_metric_results = {}

    def update_learning_rate(self, current_iter, warmup_iter=-1):
        self.asked.append(("rate", current_iter, warmup_iter))
        self.draws.append(float(torch.rand(())))

    def optimize_parameters(self, current_iter):
        self.asked.append(("step", current_iter))

    def validation(self, dataloader, current_iter, tb_logger, save_img):
        self.asked.append(("validation", current_iter))

    def save(self, epoch, current_iter):
        self.asked.append(("save", epoch, current_iter))


@pytest.fixture
def supervise(tmp_path):
    def supervise(*, done=0):
        sampler = SimpleNamespace(epoch=2, left_out=lambda: 0)
        progress = Progress(sampler, Conditions(seed=3, world_size=1, batch_size=4, num_samples=40), done=done)
        model, signals = Model(tmp_path), StopSignals()
        whole = SupervisedModel(model, resume=Resume(None), progress=progress, signals=signals, options={"name": "x"})
        return whole, model, progress, signals

    return supervise


def test_what_is_not_supervised_is_the_models_own(supervise):
    whole, model, _, _ = supervise()
    model.net_g = object()
    assert whole.net_g is model.net_g
    with pytest.raises(AttributeError, match="net_x"):
        whole.net_x  # noqa: B018


def test_the_draws_of_an_iteration_follow_from_its_number(supervise):
    first, model, progress, _ = supervise()
    for iteration in (1, 2):
        first.update_learning_rate(iteration, warmup_iter=-1)
        torch.rand(3)
        first.optimize_parameters(iteration)
    assert progress.done == 2
    assert [kind for kind, *_ in model.asked] == ["rate", "step", "rate", "step"]
    again, other, _, _ = supervise(done=1)
    torch.rand(5)
    again.update_learning_rate(2)
    assert other.draws == model.draws[1:]
    assert model.draws[0] != model.draws[1]


def test_a_signal_saves_what_is_done_and_stops_before_the_next_step(supervise):
    whole, model, _, signals = supervise()
    whole.update_learning_rate(1)
    whole.optimize_parameters(1)
    signals.received = signal.SIGTERM
    with pytest.raises(SystemExit) as stop:
        whole.update_learning_rate(2)
    assert stop.value.code == STOPPED
    assert model.asked[-1] == ("save", 2, 1)


def test_nothing_is_saved_twice(supervise):
    whole, model, _, signals = supervise(done=5)
    signals.received = signal.SIGINT
    with pytest.raises(SystemExit):
        whole.update_learning_rate(6)
    assert model.asked == []


def test_a_validation_is_left_out_after_a_signal(supervise):
    whole, model, _, signals = supervise(done=9)
    whole.validation(None, 11, None)  # BasicSR counts on at the end
    assert model.asked == [("validation", 9)]

    def interrupted(*args):
        raise Interrupted

    model.validation = interrupted
    whole.validation(None, 9, None)


def test_a_training_state_gets_what_an_exact_resume_needs(supervise):
    whole, model, _, _ = supervise()
    model.best_metric_results = {"v": {"psnr": {"better": "higher", "val": torch.tensor(31.5), "iter": 1}}}
    model.extra_state = lambda: {"g": 1}
    model.save = lambda epoch, current_iter: torch.save({"iter": 1}, f"{model.opt['path']['models']}/1.state")
    whole.update_learning_rate(1)
    whole.optimize_parameters(1)
    whole.save(2, 1)
    state = torch.load(f"{model.opt['path']['models']}/1.state", weights_only=True)
    assert state["kdsr"] == {
        "seed": 3,
        "world_size": 1,
        "batch_size": 4,
        "num_samples": 40,
        "batches": 1,
        "best_metric_results": {"v": {"psnr": {"better": "higher", "val": 31.5, "iter": 1}}},
        "options": {"name": "x"},
        "model": {"g": 1},
    }


def test_best_results_go_on_by_metrics_that_are_still_asked_for(tmp_path):
    now = {"psnr": {"type": "calculate_psnr"}, "lpips": {"type": "calculate_lpips", "better": "lower"}, "x": {}}
    record = {"better": "higher", "val": 30.0, "iter": 5}
    before = {"v": {"psnr": record, "ssim": record, "x": {**record, "better": "lower"}}, "old": {"psnr": record}}
    model = BaseModel({"num_gpu": 0, "is_train": True, "val": {"metrics": now}})
    state = {"iter": 7, "optimizers": [], "schedulers": [], "kdsr": {"best_metric_results": before, "options": {}}}
    supervised = SupervisedModel(model, resume=Resume(state), progress=None, signals=StopSignals(), options={})
    supervised.resume_training(state)
    for metric, value in (("psnr", 29), ("lpips", 0.3), ("x", 1)):
        model._initialize_best_metric_results("v")
        model._update_best_metric_result("v", metric, value, 9)
    assert model.best_metric_results["v"] == {
        "psnr": record,
        "lpips": {"better": "lower", "val": 0.3, "iter": 9},
        "x": {"better": "higher", "val": 1, "iter": 9},
    }


def test_best_results_wait_where_nothing_is_measured_now(tmp_path):
    before = {"v": {"psnr": {"better": "higher", "val": 30.0, "iter": 5}}}
    model = BaseModel({"num_gpu": 0, "is_train": True, "val": None})
    state = {"iter": 7, "optimizers": [], "schedulers": [], "kdsr": {"best_metric_results": before, "options": {}}}
    supervised = SupervisedModel(model, resume=Resume(state), progress=None, signals=StopSignals(), options={})
    supervised.resume_training(state)
    assert model.best_metric_results == before
