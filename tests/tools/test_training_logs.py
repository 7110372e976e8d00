"""Reading what BasicSR logged, from its text logs and its TensorBoard files."""

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from kdsr_tools.training_logs import read_curves

LOG = """2026-01-01 10:00:00,000 INFO:
  val:[
    val_freq: 200
  ]
2026-01-01 10:00:01,000 INFO: [train..][epoch:  0, iter:     100, lr:(1.000e-04,)] [eta: 0:10:00, time (data): \
0.100 (0.001)] l_pix: 5.0000e-02 l_idr: 2.5000e-01
2026-01-01 10:00:02,000 INFO: [train..][epoch:  0, iter:     190, lr:(1.000e-04,)] [eta: 0:10:00, time (data): \
0.100 (0.001)] l_pix: nan l_idr: 2.0000e-01
2026-01-01 10:00:03,000 INFO: Validation Set5
\t # psnr: 27.6062\tBest: 27.6062 @ 200 iter
\t # ssim: 0.7382\tBest: 0.7382 @ 200 iter

2026-01-01 10:00:04,000 INFO: [train..][epoch:  1, iter:   1,300, lr:(1.000e-04,)] [eta: 0:10:00, time (data): \
0.100 (0.001)] l_pix: 4.0000e-02 l_idr: 1.0000e-01
"""


def test_losses_and_metrics_are_read_from_a_log(tmp_path):
    (tmp_path / "train_x_20260101.log").write_text(LOG)
    curves = read_curves(tmp_path)
    assert list(curves) == ["losses/l_pix", "losses/l_idr", "metrics/Set5/psnr", "metrics/Set5/ssim"]
    assert curves["losses/l_idr"] == {100: 0.25, 190: 0.2, 1300: 0.1}
    assert curves["metrics/Set5/psnr"] == {200: 27.6062}
    assert curves["losses/l_pix"][190] != curves["losses/l_pix"][190]


def test_a_resumed_trainings_later_log_holds(tmp_path):
    (tmp_path / "train_x_1.log").write_text(LOG)
    (tmp_path / "train_x_2.log").write_text(LOG.replace("1.0000e-01", "0.5000e-01").replace("1,300", "1,400"))
    assert read_curves(tmp_path)["losses/l_idr"] == {100: 0.25, 190: 0.2, 1300: 0.1, 1400: 0.05}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_files_are_found_where_basicsr_writes_them(tmp_path):
    experiment = tmp_path / "experiments/x"
    experiment.mkdir(parents=True)
    writer = SummaryWriter(str(tmp_path / "tb_logger/x"))
    for step in (10, 20):
        writer.add_scalar("losses/l_pix", torch.tensor(1 / step), step)
        writer.add_scalar("metrics/Set5/psnr", 20 + step, step)
        writer.add_scalar("lr", 1, step)
    writer.close()
    curves = read_curves(experiment)
    assert set(curves) == {"losses/l_pix", "metrics/Set5/psnr"}
    assert curves["metrics/Set5/psnr"] == {10: 30, 20: 40}


def test_folders_without_anything_to_read_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither logs"):
        read_curves(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no such experiment folder"):
        read_curves(tmp_path / "nowhere")
    (tmp_path / "train_x.log").write_text("2026 INFO: started\n")
    with pytest.raises(ValueError, match="nothing has been logged yet"):
        read_curves(tmp_path)
