"""Winograd's transforms against their definition, and the blocks that fit into a processor's registers."""

import pytest
import torch

pytest.importorskip("llvmlite")

from kdsr_arch.inference.winograd import kernel as fast_conv  # noqa: E402
from kdsr_arch.inference.winograd import llvm  # noqa: E402


def test_the_transforms_together_are_a_convolution():
    d, g = torch.randn(6, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    products = torch.stack(fast_conv.transform_input(list(d))) * (
        torch.tensor(fast_conv.WEIGHT_TRANSFORM, dtype=torch.float64) @ g
    )
    result = torch.stack(fast_conv.transform_output(list(products)))
    torch.testing.assert_close(result, torch.stack([d[i : i + 3] @ g for i in range(4)]))


def test_blocks_fit_into_the_registers_and_divide_the_channels(monkeypatch):
    for registers, expected in ((32, [(12, 1), (12, 2), (8, 3), (6, 4)]), (16, [(12, 1), (6, 2), (4, 3), (6, 2)])):
        processor = llvm.Processor(lanes=8, registers=registers)
        monkeypatch.setattr(fast_conv, "this_processor", lambda processor=processor: processor)
        blocks = [fast_conv.choose_block(count) for count in (1, 2, 3, 4)]
        assert [(block.tiles, block.vectors) for block in blocks] == expected
