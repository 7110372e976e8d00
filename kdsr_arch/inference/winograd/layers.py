"""Feature maps and convolution layers for the kernels of `fast_conv`, and the threads that run them."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from kdsr_arch.inference.tiling import Box
from kdsr_arch.inference.winograd import kernel as fast_conv
from kdsr_arch.inference.winograd.llvm import this_processor
from kdsr_arch.layers import NEGATIVE_SLOPE, bias_of

# Tiles that a job holds in the cache: rows, and columns at most. More tiles would leave less cache to the weights, of
# which layers with many channels have more.
JOB_ROWS, JOB_COLUMNS, WIDE_JOB_COLUMNS = 2, 12, 24
WIDE = 128


def padded(channels: int) -> int:
    """Round a number of channels up to whole vectors."""
    lanes = this_processor().lanes
    return math.ceil(channels / lanes) * lanes


class FeatureMap:
    """Pixels of channels in memory, row by row, with zeros around them and in the channels that fill up vectors.

    Below them are enough rows of zeros for tiles that reach over the edge.
    """

    def __init__(self, channels: int, height: int, width: int):
        self.channels, self.height, self.width = channels, height, width
        rows = fast_conv.TILE * math.ceil(height / fast_conv.TILE) + fast_conv.SEEN
        columns = fast_conv.TILE * math.ceil(width / fast_conv.TILE) + 2
        self.memory = torch.empty(rows, columns, padded(channels))
        for border in (self.memory[:1], self.memory[height + 1 :], self.memory[:, :1], self.memory[:, width + 1 :]):
            border.zero_()

    @property
    def image(self) -> Tensor:
        """Return a view as an image (1, C, H, W)."""
        pixels = self.memory[1 : self.height + 1, 1 : self.width + 1, : self.channels]
        return pixels.permute(2, 0, 1)[None]

    def clear_padding(self) -> None:
        """Fill the channels beyond the map's own with zeros."""
        self.memory[:, :, self.channels :].zero_()

    @property
    def row_size(self) -> int:
        """Return the floats from one row to the next."""
        return self.memory.stride(0)

    def address(self, row: int = 0, column: int = 0) -> int:
        """Return where the pixel up and left of (row, column) lies."""
        return self.memory[row, column].data_ptr()


class Team:
    """Threads, and what each needs to itself while it convolves."""

    def __init__(self, pool: ThreadPoolExecutor | None, scratch: Tensor):
        self.pool = pool
        self.scratch = scratch  # (threads, floats)

    def run(self, kernel, table: ctypes.Array, arguments: list[list[int]]) -> None:
        """Let all threads do a kernel's jobs, each with its own arguments; the calling thread is one of them."""
        calls = [(*pointers, part.data_ptr(), table) for pointers, part in zip(arguments, self.scratch, strict=True)]
        others = [self.pool.submit(kernel, *call) for call in calls[1:]] if self.pool else []
        kernel(*calls[0])
        for other in others:
            other.result()


@contextmanager
def gather_team(layers: list[FastConv]) -> Iterator[Team]:
    """Start PyTorch's number of threads, with room for the largest of the layers."""
    count = torch.get_num_threads()
    # Zeros, since what no tile fills is multiplied all the same, and must not be the slow denormal numbers.
    scratch = torch.zeros(count, max(layer.scratch_size for layer in layers))
    if count == 1:
        yield Team(None, scratch)
        return
    with ThreadPoolExecutor(count - 1) as pool:
        yield Team(pool, scratch)


class FastConv:
    """A 3x3 convolution with bias, prepared for the kernels; optionally with LeakyReLU after it."""

    def __init__(self, conv: nn.Conv2d, *, activate: bool = False):
        self.out_channels = conv.out_channels
        self.padded_in, self.padded_out = padded(conv.in_channels), padded(conv.out_channels)
        self.block = fast_conv.choose_block(self.padded_out // this_processor().lanes)
        self.group_width = self.block.vectors * this_processor().lanes
        self.weight = self._transform(conv.weight.detach())
        self.bias = torch.zeros(self.padded_out)
        self.bias[: conv.out_channels] = bias_of(conv).detach()
        # Of the LeakyReLU after the depthwise convolution and after this one; 1 leaves things as they are.
        self.slopes = torch.tensor([NEGATIVE_SLOPE, NEGATIVE_SLOPE if activate else 1.0])
        self.most_columns = WIDE_JOB_COLUMNS if self.padded_in >= WIDE else JOB_COLUMNS
        room = math.ceil(JOB_ROWS * self.most_columns / self.block.tiles) * self.block.tiles
        # One more cache line, since planes at multiples of a power of two would compete for the same places in it.
        self.plane_in = room * self.padded_in + fast_conv.CACHE_LINE
        self.plane_out = room * self.group_width + fast_conv.CACHE_LINE
        sides = [fast_conv.TILE * count + 2 for count in (JOB_ROWS, self.most_columns)]
        seen = sides[0] * sides[1] * self.padded_in
        self.scratch_size = fast_conv.NUM_PRODUCTS * (self.plane_in + self.plane_out) + seen

    def _transform(self, weight: Tensor) -> Tensor:
        """(C', C, 3, 3) -> (groups, 36, C, group's channels), in double precision until the end."""
        groups = self.padded_out // self.group_width
        full = torch.zeros(groups, fast_conv.NUM_PRODUCTS, self.padded_in, self.group_width)
        matrix = torch.tensor(fast_conv.WEIGHT_TRANSFORM, dtype=torch.float64)
        for group, part in zip(full, weight.split(self.group_width), strict=True):  # little memory beside the result
            products = torch.kron(matrix, matrix) @ part.double().flatten(2).flatten(0, 1).t()
            part_channels, in_channels = part.shape[:2]
            group[:, :in_channels, :part_channels] = products.unflatten(1, (part_channels, in_channels)).mT
        return full

    def __call__(
        self,
        team: Team,
        source: FeatureMap,
        target: FeatureMap,
        *,
        area: Box | None = None,
        residual: FeatureMap | None = None,
        depthwise: Tensor | None = None,
    ) -> None:
        """Fill `target`.

        Args:
            area: the part of `source` that belongs to `target`; what lies around it is seen, too.
            residual: added at the end; as large as `target`.
            depthwise: kernels (9, C) of a depthwise convolution that comes first, with LeakyReLU.
        """
        area = area or (0, source.height, 0, source.width)
        table = self._table(area, source, row_size=target.row_size, residual=residual, depthwise=depthwise)
        ends = [target.address(), (residual or target).address()]
        pointers = self._pointers(area, source, ends, depthwise)
        kernel = fast_conv.convolution_kernel(self.block, pooled=False)
        team.run(kernel, table, [pointers] * len(team.scratch))

    def sum_up(self, team: Team, source: FeatureMap, *, area: Box) -> Tensor:
        """Return the sums (C') of all results that belong to a part of `source`, in double precision."""
        table = self._table(area, source, row_size=0, residual=None, depthwise=None)
        totals = torch.zeros(len(team.scratch), self.padded_out, dtype=torch.float64)
        pointers = [self._pointers(area, source, [total.data_ptr()] * 2, None) for total in totals]
        team.run(fast_conv.convolution_kernel(self.block, pooled=True), table, pointers)
        return totals.sum(dim=0)[: self.out_channels]

    def _pointers(self, area: Box, source: FeatureMap, ends: list[int], depthwise: Tensor | None) -> list[int]:
        inner = [self.weight.data_ptr(), self.bias.data_ptr(), 0 if depthwise is None else depthwise.data_ptr()]
        return [source.address(area[0], area[2]), *ends, *inner, self.slopes.data_ptr()]

    def _table(
        self, area: Box, source: FeatureMap, *, row_size: int, residual: FeatureMap | None, depthwise: Tensor | None
    ) -> ctypes.Array:
        height, width = area[1] - area[0], area[3] - area[2]
        tiles_down, tiles_across = math.ceil(height / fast_conv.TILE), math.ceil(width / fast_conv.TILE)
        jobs_across = math.ceil(tiles_across / self.most_columns)
        jobs = jobs_across * math.ceil(tiles_down / JOB_ROWS)
        numbers = {
            "next_job": 0,
            "height": height,
            "width": width,
            "in_channels": self.padded_in,
            "out_channels": self.padded_out,
            "num_group": self.padded_out // self.group_width,
            "source_row": source.row_size,
            "target_row": row_size,
            "num_job": jobs,
            "jobs_across": jobs_across,
            "job_rows": JOB_ROWS,
            "job_columns": math.ceil(tiles_across / jobs_across),  # of like width
            "plane_in": self.plane_in,
            "plane_out": self.plane_out,
            "use_residual": residual is not None,
            "use_depthwise": depthwise is not None,
        }
        return (ctypes.c_int64 * len(numbers))(*(int(numbers[name]) for name in fast_conv.NUMBERS))
