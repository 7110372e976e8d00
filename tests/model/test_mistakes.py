"""Mistakes by the thousand: each ends in a refusal that names a path, or in three iterations and a validation."""

import copy

import pytest
import torch
from basicsr.data import build_dataloader, build_dataset
from basicsr.models import build_model
from basicsr.utils.registry import LOSS_REGISTRY
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from option_files import OPTIONS, load_options, shrink
from training_steps import complete

from kdsr_model.options import find_problems, prepare_options

KINDS = {
    "student": "train_kdsr_student.yml",
    "teacher": "train_kdsr_teacher.yml",
    "plain": "compare/train_edsr.yml",
    "gan": "real_world/train_kdsr_real_student_gan.yml",
}
NAMES = [
    *("Adam", "AdamW", "SGD", "LBFGS", "Rprop", "SparseAdam", "Muon", "Adafactor"),
    *("MultiStepLR", "MultiStepRestartLR", "CosineAnnealingRestartLR", "StepLR"),
    *sorted(name.removesuffix("_basicsr") for name, _ in LOSS_REGISTRY),
    *("EDSR", "RCAN", "KDSRStudent", "KDSRTeacher", "UNetDiscriminatorSN", "VGGStyleDiscriminator"),
    *("calculate_psnr", "calculate_ssim", "calculate_niqe", "DegradedImageDataset", "BlindSRBenchmarkDataset"),
    *("KDSRTeacherModel", "KDSRStudentModel", "KDSRStudentGANModel", "SRModel", "SRGANModel", "ESRGANModel"),
    *("mean", "sum", "none", "average", "scale", "auto", "cpu", "cuda", "bf16", "l1", "l2", "fro", "hinge", "lsgan"),
]
# Small enough to run, or so large that it cannot: what lies between is a matter of patience.
NUMBERS = st.sampled_from([-3, -1, 0, 1, 2, 3, 4, 5, 8, 12, 16, 32, 33, 10**9]) | st.sampled_from(
    [-1.0, 0.0, 1e-9, 1e-4, 0.5, 0.999, 1.0, 2.5, 8.0, 1e9, float("nan"), float("inf")]
)
TEXTS = st.sampled_from([*NAMES, "", "x", "1e-4", "../x", "~"])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
EXTRA_KEYS = st.sampled_from(
    ["eps", "momentum", "nesterov", "weight_decay", "reduction", "restarts", "restart_weights", "eta_min", "periods",
     "milestones", "temperature", "warmup_iter", "tile_size", "better", "import", "lq_size", "phase", "loss_weight"]
)  # fmt: skip
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(EXTRA_KEYS, SCALARS, max_size=2)


@pytest.fixture(scope="module")
def options_of(tmp_path_factory, photograph):
    """Return tiny options with a validation, as BasicSR's parser completes them, by kind."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "gt").mkdir()
    for number in range(2):
        Image.fromarray(photograph[8 * number :][:72, :96]).save(folder / "gt" / f"{number}.png")
    made = {}
    for kind, name in KINDS.items():
        options = shrink(load_options(OPTIONS / name), gt_folder=folder / "gt")
        images = {"dataroot_gt": str(folder / "gt"), "settings": [{"sigma": 2}]}
        options["datasets"]["val"] = {"name": "v", "type": "BlindSRBenchmarkDataset", **images}
        options["val"]["metrics"] = {"psnr": {"type": "calculate_psnr", "crop_border": "scale", "test_y_channel": True}}
        made[kind] = complete(options, folder)
    return made


# What BasicSR's parser adds.
PARSERS_OWN = {(key,) for key in ("dist", "rank", "is_train")}
PARSERS_OWN |= {("path", key) for key in ("models", "training_states", "visualization")}
PARSERS_OWN |= {("datasets", phase, "phase") for phase in ("train", "val")}


def places(block, path=()):
    """List the path of every value in nested blocks that a person writes."""
    for key, value in block.items():
        place = (*path, key)
        if place not in PARSERS_OWN:
            yield place
        if isinstance(value, dict):
            yield from places(value, place)


def spoil(data, options):
    """Make one mistake: another value, a key that is left out, renamed or added."""
    path = data.draw(st.sampled_from(sorted(places(options))), label="path")
    block = options
    for key in path[:-1]:
        block = block[key]
    kind = data.draw(st.sampled_from(["value", "value", "value", "drop", "rename", "add"]), label="kind")
    if kind == "value":
        block[path[-1]] = data.draw(VALUES, label="value")
    elif kind == "add":
        block[data.draw(EXTRA_KEYS, label="key")] = data.draw(VALUES, label="value")
    else:
        value = block.pop(path[-1])
        if kind == "rename":
            block[f"{path[-1]}s"] = value


def outcome(options):
    """Return how these options end."""
    problems = find_problems(options)
    if problems:
        note(str(problems))
        assert all(path and message and "Traceback" not in message for path, message in problems)
        return "refused"
    prepare_options(options)
    model = build_model(options)
    train = options["datasets"]["train"]
    alone = {"batch_size_per_gpu": min(train["batch_size_per_gpu"], 2), "num_worker_per_gpu": 0}
    loader = build_dataloader(build_dataset(train), {**train, **alone, "persistent_workers": False})
    for current_iter in range(1, 4):
        model.update_learning_rate(current_iter, warmup_iter=options["train"]["warmup_iter"])
        model.feed_data(next(iter(loader)))
        model.optimize_parameters(current_iter)
    if options.get("val") is not None:
        for phase, block in options["datasets"].items():
            if phase != "train":
                model.validation(build_dataloader(build_dataset(block), block), 3, None, options["val"]["save_img"])
    return "ran"


def fuzzed(max_examples):
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=max_examples < 100,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def check(data, options_of):
    options = copy.deepcopy(options_of[data.draw(st.sampled_from(sorted(KINDS)), label="kind of training")])
    for _ in range(data.draw(st.integers(1, 2))):
        spoil(data, options)
    torch.manual_seed(0)
    try:
        assert outcome(options) in ("refused", "ran")
    except SystemExit as stop:  # a sentence, too: of steps that gave no numbers
        assert str(stop)


@fuzzed(50)
@given(data=st.data())
def test_a_mistake_is_refused_or_runs(options_of, data):
    check(data, options_of)


@pytest.mark.faults
@fuzzed(3000)
@given(data=st.data())
def test_mistakes_by_the_thousand_are_refused_or_run(options_of, data):
    check(data, options_of)


def test_options_without_a_mistake_run(options_of):
    ends = {kind: outcome(copy.deepcopy(options)) for kind, options in options_of.items()}
    assert ends == dict.fromkeys(KINDS, "ran")
