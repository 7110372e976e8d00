"""Option files with one mistake, which the option check must name by its path."""

from option_files import OPTIONS, load_options, shrink, student_options
from training_steps import complete

from kdsr_model.options import find_problems

GAN = "real_world/train_kdsr_real_student_gan.yml"
EDSR = "compare/train_edsr.yml"


def validated(options, gt_folder, **val):
    """Return the options a validation."""
    options["val"] = {"val_freq": 1, "save_img": False, **val}
    options["datasets"]["val"] = {
        "name": "v", "type": "BlindSRBenchmarkDataset", "dataroot_gt": str(gt_folder), "preset": "gaussian8",
    }  # fmt: skip
    return options


def make(kind, gt_folder):
    """Return the options of a student with a validation, or those of a shipped file, shrunk."""
    if kind == "student":
        return validated(
            student_options(gt_folder), gt_folder, metrics={"psnr": {"type": "calculate_psnr", "crop_border": 4}}
        )
    return shrink(load_options(OPTIONS / kind), gt_folder=gt_folder)


def put(options, path, value):
    """Set the option at a path of keys joined by dots; None removes it."""
    *parents, last = path.split(".")
    for parent in parents:
        options = options[parent]
    if value is None:
        del options[last]
    else:
        options[last] = value


def assert_refused(options, tmp_path, path, value, expected):
    """Put a value at a path, and expect one problem, which says so."""
    complete(options, tmp_path)
    put(options, path, value)
    problems = find_problems(options)
    assert expected in "\n".join(f"{where}: {message}" for where, message in problems)
    assert len(problems) == 1, problems
    assert "'])" not in problems[0].path
