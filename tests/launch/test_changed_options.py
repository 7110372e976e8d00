"""Options that have changed before a training goes on: what holds, what is said, and what is refused."""

import re

import pytest
import torch
from launching import checkpoint, differences, losses, tiny, train
from option_files import write_options

from kdsr_options.files import RUN_OPTIONS, read_option_file
from kdsr_tools.compare.models import open_model
from kdsr_tools.compare.settings import ComparedModelSettings

DONE, TOTAL = 4, 8
COSINE = {"type": "CosineAnnealingRestartLR", "periods": [DONE], "eta_min": 1e-7}
MULTI_STEP = {"type": "MultiStepLR", "milestones": [2, 6], "gamma": 0.5}
FAILED = 1


@pytest.fixture
def whole(tmp_path):
    """Make the folder of a run that had the changed options from the beginning."""
    (tmp_path / "whole").mkdir()
    return tmp_path / "whole"


class Options:
    """The options of a tiny training as they change between its runs."""

    def __init__(self, file, kind, gt_folder):
        self.file = file
        self.blocks = tiny(kind, gt_folder, total_iter=DONE, scheduler=MULTI_STEP)
        self.blocks["logger"]["save_checkpoint_freq"] = DONE

    def write(self, **train):
        self.blocks["train"] |= train
        return write_options(self.file, self.blocks)


@pytest.fixture
def plain(tmp_path, gt_folder):
    return Options(tmp_path / "o.yml", "plain", gt_folder)


@pytest.fixture
def student(tmp_path, gt_folder):
    return Options(tmp_path / "o.yml", "student", gt_folder)


def rates(output):
    """Return the learning rates of the iterations in a log."""
    return {number: rate for number, (rate, _) in losses(output).items()}


def forget_options(root, iteration):
    """Take the options out of a training state, as it was before they were saved in it."""
    path = root / f"experiments/run/training_states/{iteration}.state"
    state = torch.load(path, weights_only=True)
    del state["kdsr"]["options"]
    torch.save(state, path)


@pytest.mark.parametrize("is_old", [False, True], ids=["", "state without options"])
def test_rate_and_schedule_are_as_if_they_had_been_so_from_the_beginning(root, whole, plain, is_old):
    train(root, plain.write())
    if is_old:
        forget_options(root, DONE)
    optimizer = plain.blocks["train"]["optim_g"] | {"lr": 5e-3, "betas": [0.8, 0.9]}
    file = plain.write(total_iter=TOTAL, optim_g=optimizer, scheduler=MULTI_STEP | {"milestones": [3, 5]})
    output = train(root, file, "--auto_resume")
    expected = rates(train(whole, file))
    assert rates(output) == {number: rate for number, rate in expected.items() if number > DONE}
    assert re.search("Changed since iteration 4: .*betas was", output)
    group = checkpoint(root, TOTAL)[f"{TOTAL}.state"]["optimizers"][0]["param_groups"][0]
    assert list(group["betas"]) == [0.8, 0.9]


def test_each_changed_key_is_named_with_what_it_does(root, plain):
    train(root, plain.write())
    optimizer = plain.blocks["train"]["optim_g"] | {"lr": 5e-3}
    plain.blocks["logger"]["keep_checkpoints"] = 2
    output = train(root, plain.write(total_iter=5, optim_g=optimizer), "--auto_resume")
    for text in (
        "train.total_iter was 4, is 5: training ends there.",
        "train.optim_g.lr was 0.0001, is 0.005: holds from here on, its schedule as if",
        "logger.keep_checkpoints was None, is 2: holds from here on.",
    ):
        assert f"Changed since iteration 4: {text}" in output
    assert output.count("Changed since") == 3


def test_a_state_without_options_goes_on_exactly(root, whole, student):
    student.blocks["logger"]["save_checkpoint_freq"] = 2
    file = student.write(estimator_warmup_iter=3, total_iter=TOTAL, scheduler=COSINE | {"periods": [TOTAL]})
    train(whole, file)
    train(root, student.write(total_iter=DONE))
    forget_options(root, DONE)
    output = train(root, student.write(total_iter=TOTAL), "--auto_resume")
    assert "Changed since" not in output
    assert differences(checkpoint(whole, TOTAL), checkpoint(root, TOTAL)) == []


def test_another_length_of_the_estimators_warm_up_holds_for_its_schedule_too(root, whole, student):
    train(root, student.write(estimator_warmup_iter=1, estimator_warmup_lr=1e-3))
    file = student.write(estimator_warmup_iter=5, total_iter=TOTAL)
    output = train(root, file, "--auto_resume")
    expected = rates(train(whole, file))
    assert rates(output) == {number: rate for number, rate in expected.items() if number > DONE}
    assert len(set(expected.values())) > 2


def test_a_finished_run_says_so_and_a_cosine_schedule_can_be_extended(root, plain):
    train(root, plain.write(scheduler=COSINE))
    output = train(root, plain.write(), "--auto_resume")
    assert "This training is finished: 4 iterations are done, train.total_iter is 4." in output
    assert losses(output) == {}
    file = plain.write(total_iter=TOTAL, scheduler=COSINE | {"periods": [DONE, DONE], "restart_weights": [1, 0.5]})
    output = train(root, file, "--auto_resume")
    assert "This training is finished" not in output
    assert set(losses(output)) == {5, 6, 7, 8}
    found = [float(rate.strip(",")) for rate in rates(output).values()]
    assert found == pytest.approx([1e-7, 4.27e-5, 2.5e-5, 7.4e-6], rel=0.02)  # BasicSR restarts after the period's end


def test_the_last_validation_is_of_the_last_iteration(root, plain, gt_folder):
    plain.blocks["val"] = {
        "val_freq": 3,
        "save_img": True,
        "metrics": {"psnr": {"type": "calculate_psnr", "crop_border": 4}},
    }
    plain.blocks["datasets"]["val"] = {
        "name": "v",
        "type": "DegradedImageDataset",
        "dataroot_gt": str(gt_folder),
        "io_backend": {"type": "disk"},
        "degradation": {"type": "ClassicDegradation", "sigma": 2.0},
    }
    file = plain.write()
    for arguments in ((), ("--auto_resume",)):  # a finished run validates again
        output = train(root, file, *arguments)
        assert int(re.findall(r"@ (\d+) iter", output)[-1]) in (3, 4)
    images = {path.stem for path in (root / "experiments/run/visualization/a").iterdir()}
    assert images == {"a_3", "a_4"}


def test_another_scale_and_another_network_are_refused(root, plain):
    train(root, plain.write())
    plain.blocks["scale"] = 2
    output = train(root, plain.write(total_iter=TOTAL), "--auto_resume", code=FAILED)
    assert "4.state does not fit this model: scale was 4, is 2, and its networks are for another scale" in output
    assert "Traceback" not in output
    forget_options(root, DONE)
    output = train(root, plain.write(total_iter=TOTAL), "--auto_resume", code=FAILED)
    assert re.search(r"pretrain_network_g: \S*net_g_4.pth: the weights do not fit EDSR: ", output)


def test_a_checkpoint_that_lacks_a_tensor_is_refused_in_a_sentence(root, student):
    train(root, student.write())
    path = root / "experiments/run/models/net_g_4.pth"
    weights = torch.load(path, weights_only=True)
    for part in weights.values():
        del part["sr_network.conv_first.bias"]
    torch.save(weights, path)
    output = train(root, student.write(total_iter=TOTAL), "--auto_resume", code=FAILED)
    missing = 'the weights do not fit KDSRStudent: Missing key(s) in state_dict: "sr_network.conv_first.bias"'
    assert f"net_g_4.pth: {missing}" in output
    assert "\nTraceback" not in output


def test_weights_of_another_size_are_loaded_as_far_as_they_fit(root, student):
    train(root, student.write())
    weights = root / "experiments/run/models/net_g_latest.pth"
    student.blocks["path"] |= {"pretrain_network_g": str(weights), "strict_load_g": False}
    student.blocks["network_g"]["num_block"] += 1
    student.blocks["name"] = "second"
    output = train(root, student.write(init_sr_from_teacher=False))
    found = re.search(
        r"has (\d+) of the (\d+) tensors of KDSRStudent; as they were stay sr_network\.blocks\.1\.", output
    )
    assert found, output
    assert 0 < int(found[1]) < int(found[2])


def test_the_state_of_another_experiment_is_refused(root, plain):
    train(root, plain.write())
    plain.blocks["name"] = "second"
    state = root / "experiments/run/training_states/4.state"
    plain.blocks["path"]["resume_state"] = str(state)
    output = train(root, plain.write(total_iter=TOTAL), code=FAILED)
    assert f"path.resume_state: {state} is not of this experiment" in output
    assert "path.pretrain_network_g" in output


def test_what_file_and_command_line_said_is_kept_and_builds_the_compared_network(root, plain):
    forced = ("network_g:res_scale=0.25", "train:optim_g:lr=1e-5", "datasets:train:batch_size_per_gpu=1")
    train(root, plain.write(), "--force_yml", *forced)
    folder = root / "experiments/run"
    kept = read_option_file(folder / RUN_OPTIONS)
    assert kept["network_g"]["res_scale"] == 0.25
    assert (kept["train"]["optim_g"]["lr"], kept["train"]["optim_g"]["type"]) == (1e-5, "Adam")
    assert kept["path"].keys() == plain.blocks["path"].keys()
    model = open_model("m", ComparedModelSettings(experiment=folder), scale=4, device=torch.device("cpu"))
    assert model.network.body[0].res_scale == 0.25

    (root / "again").mkdir()  # the kept file trains the same again
    train(root / "again", folder / RUN_OPTIONS)
    assert differences(checkpoint(root, DONE), checkpoint(root / "again", DONE)) == []


def test_a_seed_of_the_command_line_trains_as_that_of_a_file(root, whole, plain):
    plain.blocks["manual_seed"] = 5
    train(whole, plain.write())
    del plain.blocks["manual_seed"]
    train(root, plain.write(), "--force_yml", "manual_seed=5")
    assert differences(checkpoint(whole, DONE), checkpoint(root, DONE)) == []


def test_a_seed_that_the_command_line_takes_away_is_drawn(root, plain):
    plain.blocks["manual_seed"] = 5
    train(root, plain.write(), "--force_yml", "manual_seed=~")
    assert checkpoint(root, DONE)[f"{DONE}.state"]["kdsr"]["seed"] is not None
