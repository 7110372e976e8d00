"""A long training: memory and file handles stay as they are."""

import json
import os

import psutil
import pytest
from launching import losses, tiny, train
from option_files import write_options

TOTAL, WARM = 2000, 500


class Measure:
    """Write memory (bytes) and the number of open files to a file with every hundredth iteration's log."""

    def __init__(self, path):
        self.path = path

    def __call__(self):
        from basicsr.utils import MessageLogger

        logged, process = MessageLogger.__call__, psutil.Process()

        def log_and_measure(message_logger, variables):
            now = variables["iter"]
            logged(message_logger, variables)
            memory, files = process.memory_info().rss, len(os.listdir("/proc/self/fd"))
            with open(self.path, "a") as stream:
                stream.write(json.dumps([now, memory, files]) + "\n")

        MessageLogger.__call__ = log_and_measure


@pytest.mark.faults
@pytest.mark.parametrize("num_workers", [0, 2])
def test_two_thousand_iterations_with_validation_leak_neither_memory_nor_files(tmp_path, root, gt_folder, num_workers):
    options = tiny("student", gt_folder, total_iter=TOTAL)
    options["logger"] |= {"print_freq": 100, "save_checkpoint_freq": 100, "keep_checkpoints": 2}
    options["val"] = {
        "val_freq": 100,
        "save_img": True,
        "metrics": {"psnr": {"type": "calculate_psnr", "crop_border": 4}},
    }
    options["datasets"]["train"] |= {"num_worker_per_gpu": num_workers, "dataset_enlarge_ratio": 100}
    options["datasets"]["val"] = {
        "name": "v",
        "type": "BlindSRBenchmarkDataset",
        "dataroot_gt": str(gt_folder),
        "preset": "gaussian8",
    }
    measured = tmp_path / "measured.jsonl"
    output = train(root, write_options(tmp_path / "o.yml", options), before=Measure(measured))
    assert max(losses(output)) == TOTAL
    values = {now: (memory, files) for now, memory, files in map(json.loads, measured.read_text().splitlines())}
    warm = max(memory for now, (memory, _) in values.items() if now <= WARM)
    growth = max(memory for memory, _ in values.values()) / warm - 1
    print(
        f"memory after warm-up {warm / 1e6:.1f} MB, growth {growth:.2%}, files {values[WARM][1]} to {values[TOTAL][1]}"
    )
    assert growth < 0.02
    assert values[TOTAL][1] <= values[WARM][1]
