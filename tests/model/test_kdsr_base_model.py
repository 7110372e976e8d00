"""What teacher and students share: the authors' checkpoints, saving for stock BasicSR, validation in tiles."""

import numpy as np
import pytest
import torch
from option_files import save_teacher, student_options
from training_steps import build

from kdsr_arch import KDSRStudent, read_weights
from kdsr_model.experiment_settings import KDSRValSettings


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: {"params": w}, lambda w: {"params_ema": w}])
def test_pretrained_networks_load_from_the_authors_files(golden, gt_folder, tmp_path, wrap):
    data = golden("network_student_x4")
    weights = {key[6:]: torch.from_numpy(value) for key, value in data.items() if key.startswith("param/")}
    torch.save(wrap(weights), tmp_path / "official.pth")
    options = student_options(gt_folder)
    options["network_g"] |= {"num_block": 3, "num_estimator_block": 2}
    options["path"] |= {"pretrain_network_g": str(tmp_path / "official.pth")}
    teacher = save_teacher(tmp_path / "deep.pth", num_block=3)
    options["path"]["pretrain_network_teacher"] = str(teacher)
    options["train"]["init_sr_from_teacher"] = False
    model = build(options, tmp_path)
    with torch.no_grad():
        sr = model.net_g(torch.from_numpy(data["lq"]))
    np.testing.assert_allclose(sr.numpy(), data["sr"], atol=1e-5)


def test_saved_networks_load_in_stock_basicsr(student, tmp_path):
    student.save(epoch=0, current_iter=7)
    saved = torch.load(tmp_path / "net_g_7.pth", weights_only=True)
    assert set(saved) == {"params"}
    network = KDSRStudent(4, num_feat=8, num_block=1, num_estimator_block=1)
    network.load_state_dict(saved["params"])
    assert read_weights(tmp_path / "net_g_7.pth").keys() == network.state_dict().keys()


def test_tiled_validation_equals_that_of_the_whole_image(student):
    student.feed_data({"lq": torch.rand(1, 3, 30, 41)})
    outputs = []
    for tile_size in (None, 16):
        val = KDSRValSettings(tile_size=tile_size, tile_overlap=8)
        student.experiment = student.experiment.model_copy(update={"val": val})
        student.test()
        outputs.append(student.output)
    assert outputs[0].shape == (1, 3, 120, 164)
    torch.testing.assert_close(outputs[1], outputs[0], atol=1e-5, rtol=1e-4)
