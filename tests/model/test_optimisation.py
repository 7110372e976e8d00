"""Steps that are skipped, clipped, or made in mixed precision, and options that must not change the result."""

import subprocess
import sys

import pytest
import torch
from basicsr.utils import get_root_logger
from option_files import ROOT, student_options
from training_steps import build, changed, complete, feed, snapshot, step

from kdsr_data import OptionError
from kdsr_model.options import prepare_options


def make_student(gt_folder, tmp_path, **train):
    torch.manual_seed(0)
    options = student_options(gt_folder)
    options["train"] |= train
    return build(options, tmp_path)


def poison(model, value=float("nan")):
    """Let the pixel loss be no number from now on."""
    model.cri_pix = lambda sr, gt: (sr - gt).abs().mean() * value


@pytest.fixture
def log(caplog, monkeypatch):
    """Let BasicSR's logger, which keeps its messages to itself, reach pytest."""
    monkeypatch.setattr(get_root_logger(), "propagate", True)
    return caplog


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_step_on_losses_that_are_no_numbers_is_skipped_and_counted(gt_folder, tmp_path, log, value):
    model = make_student(gt_folder, tmp_path, ema_decay=0.9)
    feed(model)
    good_loss = model.cri_pix
    before, average = snapshot(model.net_g), snapshot(model.net_g_ema)
    poison(model, value)
    step(model, 1)
    assert changed(model.net_g, before) == changed(model.net_g_ema, average) == set()
    assert "Step of the network skipped (1 so far): l_idr " in log.text
    model.cri_pix = good_loss
    step(model, 2)
    assert changed(model.net_g, before) == set(before)
    assert (model.stepper.bad_in_all, model.stepper.bad_in_a_row) == (1, 0)


def test_a_step_on_gradients_that_are_no_numbers_is_skipped(gt_folder, tmp_path, log):
    model = make_student(gt_folder, tmp_path)
    feed(model)
    # The root's slope at 0 is infinite, its value is not.
    model.cri_pix = lambda sr, gt: ((sr - sr.detach()).abs().sqrt()).mean()
    before = snapshot(model.net_g)
    step(model, 1)
    assert changed(model.net_g, before) == set()
    assert "gradient norm nan" in log.text


def test_training_stops_after_too_many_bad_steps_in_a_row(gt_folder, tmp_path, log):
    model = make_student(gt_folder, tmp_path, max_bad_steps=3)
    feed(model)
    before = snapshot(model.net_g)
    poison(model)
    step(model, 1)
    step(model, 2)
    with pytest.raises(SystemExit, match="the last 3 steps of the network gave no numbers .* resume with a lower"):
        step(model, 3)
    assert changed(model.net_g, before) == set()


def test_gradients_are_clipped_to_the_norm_asked_for(gt_folder, tmp_path):
    model = make_student(gt_folder, tmp_path, grad_clip_norm=1e-3)
    feed(model)
    step(model, 1)
    norm = torch.stack([p.grad.norm() for p in model.net_g.parameters()]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("changes", [{"channels_last": True}, {"recompute": True}])
def test_speed_options_change_nothing_but_rounding(gt_folder, tmp_path, changes):
    plain, other = make_student(gt_folder, tmp_path), make_student(gt_folder, tmp_path, **changes)
    for model in (plain, other):
        feed(model)
        model.optimizer_g.zero_grad()
        sum(model.compute_losses(1).values()).backward()
    for one, two in zip(plain.net_g.parameters(), other.net_g.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad.contiguous(), atol=1e-6, rtol=1e-4)


def test_recomputing_keeps_fewer_activations(gt_folder, tmp_path):
    kept = {}
    for recompute in (False, True):
        model = make_student(gt_folder, tmp_path, recompute=recompute)
        feed(model)
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, sizes=sizes: sizes.append(t.numel()) or t, lambda t: t):
            model.net_g.sr_network.extract_features(model.lq, torch.rand(2, 8))
        kept[recompute] = sum(sizes)
    assert kept[True] < kept[False]


def test_bfloat16_gives_the_same_losses_within_its_precision(gt_folder, tmp_path):
    logs = []
    for amp in ("none", "bf16"):
        model = make_student(gt_folder, tmp_path, amp=amp)
        feed(model)
        seen = []
        model.net_g.sr_network.conv_body.register_forward_hook(lambda *args, seen=seen: seen.append(args[2].dtype))
        step(model, 1)
        assert seen == [torch.bfloat16 if amp == "bf16" else torch.float32]
        assert all(p.dtype == torch.float32 for p in model.net_g.parameters())
        logs.append(model.get_current_log())
    assert logs[1]["l_pix"] == pytest.approx(logs[0]["l_pix"], rel=0.02)
    assert logs[1]["l_idr"] == pytest.approx(logs[0]["l_idr"], rel=0.05)


def test_a_compiled_network_gives_the_same_and_keeps_its_names(gt_folder, tmp_path):
    plain, compiled = make_student(gt_folder, tmp_path), make_student(gt_folder, tmp_path, compile=True)
    compiled.net_g.compile(backend="eager")  # without a C++ compiler, which not every machine has
    for model in (plain, compiled):
        feed(model)
        step(model, 1)
    assert plain.net_g.state_dict().keys() == compiled.net_g.state_dict().keys()
    assert compiled.get_current_log()["l_pix"] == pytest.approx(plain.get_current_log()["l_pix"], rel=1e-4)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"amp": "fp8"}, "train.amp: expected 'none', 'bf16' or 'fp16', got 'fp8'"),
        ({"grad_clip_norm": 0}, "train.grad_clip_norm: expected greater than 0, got 0"),
        ({"max_bad_steps": 0}, "train.max_bad_steps: expected greater than or equal to 1, got 0"),
    ],
)
def test_impossible_options_are_named(gt_folder, tmp_path, train, message):
    options = student_options(gt_folder)
    options["train"] |= train
    with pytest.raises(OptionError) as error:
        prepare_options(complete(options, tmp_path))
    assert message in str(error.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is said without CUDA")
def test_half_precision_without_cuda_is_refused_with_a_hint(gt_folder, tmp_path):
    options = student_options(gt_folder)
    options["train"]["amp"] = "fp16"
    with pytest.raises(OptionError, match="train.amp: fp16 needs CUDA; bf16 runs everywhere"):
        prepare_options(complete(options, tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("train", [{"amp": "fp16"}, {"amp": "bf16"}, {"channels_last": True}, {"compile": True}])
def test_speed_options_train_on_a_gpu(gt_folder, tmp_path, train):
    model = make_student(gt_folder, tmp_path, **train)
    feed(model)
    before = snapshot(model.net_g)
    for current_iter in range(1, 30):  # fp16 first finds its scale
        step(model, current_iter)
    assert changed(model.net_g, before)


TWO_PROCESSES = """
import os, sys
sys.path.insert(0, sys.argv[1])
import kdsr_compat, torch
from kdsr_model.optimisation import Stepper
from kdsr_model.train_settings import SpeedSettings

torch.distributed.init_process_group("gloo")
rank = int(os.environ["RANK"])
weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=1.0)
stepper = Stepper(SpeedSettings(), torch.device("cpu"), what="network")
made = []
for bad_rank in (0, 1, None):
    loss = (weight * (float("nan") if rank == bad_rank else 0.25)).sum()
    made.append(stepper.backward({"l": loss}, optimizer) and stepper.step(optimizer, [weight]))
assert made == [False, False, True], made
assert float(weight.detach()) == 0.75
print("both agreed")
torch.distributed.destroy_process_group()
"""


def test_processes_skip_a_step_together(tmp_path):
    (tmp_path / "two.py").write_text(TWO_PROCESSES)
    torchrun = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    command = [sys.executable, *torchrun, str(tmp_path / "two.py"), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.count("both agreed") == 2, done.stderr


def test_the_count_of_bad_steps_and_the_scale_of_fp16_are_kept_for_a_resume(gt_folder, tmp_path):
    model = make_student(gt_folder, tmp_path)
    feed(model)
    poison(model)
    step(model, 1)
    kept = torch.load(save(tmp_path / "extra.state", model.extra_state()), weights_only=True)
    assert kept == {"g": {"bad_in_a_row": 1, "bad_in_all": 1, "scaler": {}}}
    resumed = make_student(gt_folder, tmp_path)
    resumed.stepper.scaler = torch.amp.GradScaler("cpu", enabled=True)
    scale = {**resumed.stepper.scaler.state_dict(), "scale": 1024.0}
    resumed.load_extra_state({"g": {**kept["g"], "scaler": scale}})
    assert (resumed.stepper.bad_in_a_row, resumed.stepper.scaler.get_scale()) == (1, 1024.0)
    resumed.load_extra_state(kept)  # of a run without fp16
    assert resumed.stepper.scaler.get_scale() == 1024.0


def save(path, content):
    torch.save(content, path)
    return path
