"""Pictures and tiles are read from what the estimator makes of each."""

import torch
from heads_files import make_heads, save_student_with_heads

from kdsr_arch.inference.restorer import ImageRestorer
from kdsr_tools.heads.reader import join_features
from kdsr_tools.upscale.diagnosing import MAP_TILE_SIZE, read_idrs, read_tile_idrs


@torch.no_grad()
def test_tiles_are_read_by_their_own_features(tmp_path):
    weight = make_heads().weight.clone()
    weight[0] = torch.linspace(-0.02, 0.02, weight.shape[1])
    heads = make_heads(weight=weight)
    student = save_student_with_heads(tmp_path / "net.safetensors", heads)
    restorer, lq = ImageRestorer(student), torch.rand(1, 3, 50, 100)
    whole, rows = read_tile_idrs(restorer, heads, lq)
    assert [len(row) for row in rows] == [3, 3]
    alone = read_idrs(restorer, heads, restorer.pool_features(lq), num_pixels=5000)[0]
    assert abs(whole.blur.value - alone.blur.value) < 1e-6
    features = student.estimator.extract_features(lq)[:, :, :MAP_TILE_SIZE, MAP_TILE_SIZE : 2 * MAP_TILE_SIZE]
    pooled = features.mean(dim=(2, 3))
    joined = join_features(pooled, student.estimator.summarise(pooled)[1])
    expected = heads.read(joined, num_pixels=MAP_TILE_SIZE**2)[0]
    assert abs(rows[0][1].blur.value - expected.blur.value) < 1e-4
    assert rows[0][1].blur.value != rows[0][0].blur.value
