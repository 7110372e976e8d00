"""3x3 convolutions on a CPU by Winograd's method F(4x4, 3x3): a quarter of the multiplications.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", arXiv 1509.09308, section 4.3. A tile of
4x4 results depends on 6x6 inputs. Both are transformed, so that the convolution becomes 36 products of matrices,
(tiles, channels) times (channels, new channels). Here this happens for a few dozen tiles at a time, which stay in the
processor's cache; what stands around the convolution in KDSR's blocks happens on the way: the depthwise convolution
with LeakyReLU before it; bias, LeakyReLU, and the sum with the block's input or with all pixels after it.

Feature maps lie in memory as rows of pixels of channels, with one pixel of zeros around them: see `FeatureMap`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from llvmlite import ir

from kdsr_arch.inference.winograd.llvm import Kernel, Vector, this_processor

TILE, SEEN = 4, 6  # results and inputs of a tile, on each side
NUM_PRODUCTS = SEEN**2
CACHE_LINE = 16  # floats
POINTERS = ("source", "target", "residual", "weight", "bias", "depthwise", "slopes", "scratch")
NUMBERS = (
    "next_job",
    "height",
    "width",
    "in_channels",
    "num_group",
    "source_row",
    "target_row",
    "out_channels",
    "num_job",
    "jobs_across",
    "job_rows",
    "job_columns",
    "plane_in",
    "plane_out",
    "use_residual",
    "use_depthwise",
)


def transform_input(d):
    """Turn six inputs along one direction into the six that are multiplied; for anything with + - and *."""
    even, odd = d[4] - 4.0 * d[2], d[3] - 4.0 * d[1]
    near, far = d[4] - d[2], 2.0 * (d[3] - d[1])
    first = 4.0 * d[0] - 5.0 * d[2] + d[4]
    last = 4.0 * d[1] - 5.0 * d[3] + d[5]
    return [first, even + odd, even - odd, near + far, near - far, last]


def transform_output(m):
    """Turn six products along one direction into four results."""
    sum1, difference1 = m[1] + m[2], m[1] - m[2]
    sum2, difference2 = m[3] + m[4], m[3] - m[4]
    return [
        m[0] + sum1 + sum2,
        difference1 + 2.0 * difference2,
        sum1 + 4.0 * sum2,
        difference1 + 8.0 * difference2 + m[5],
    ]


# What turns the three weights along one direction into the six that inputs are multiplied with.
WEIGHT_TRANSFORM = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)


@dataclass(frozen=True)
class Block:
    """What the innermost loop of the products keeps in registers: sums of some tiles times some vectors of channels."""

    tiles: int
    vectors: int


def choose_block(num_vector: int) -> Block:
    """Choose for an output of `num_vector` vectors of channels; the vectors divide it."""
    processor = this_processor()
    most_sums = 24 if processor.registers == 32 else 12
    candidates = (4, 3, 2, 1) if processor.registers == 32 else (2, 3, 1)
    vectors = next(count for count in candidates if num_vector % count == 0)
    return Block(tiles=min(most_sums // vectors, 12), vectors=vectors)


@cache
def convolution_kernel(block: Block, *, pooled: bool) -> Callable[..., None]:
    """Build the convolution's jobs: each call works on those that no other has begun, until none is left.

    Args:
        pooled: add all results of a channel to `target`, in double precision, instead of writing them.
    """
    k = Kernel("convolve", arguments=POINTERS, numbers=NUMBERS, lanes=this_processor().lanes)
    with k.claim("next_job", k.numbers["num_job"]) as job:
        area = _Area(k, job)
        inputs = k.pointers["scratch"]
        products = k.at(inputs, k.mul(k.numbers["plane_in"], NUM_PRODUCTS))
        filtered = k.at(products, k.mul(k.numbers["plane_out"], NUM_PRODUCTS))
        _filter(k, area, filtered)
        _gather(k, area, filtered, inputs)
        with k.loop(0, k.numbers["num_group"]) as group:
            _multiply(k, area, block, inputs=inputs, products=products, group=group)
            _scatter(k, area, block, products=products, group=group, pooled=pooled)
    return k.compile()


class _Area:
    """The rectangle of tiles that a job is about."""

    def __init__(self, k: Kernel, job: ir.Value):
        job_row = k.builder.sdiv(job, k.numbers["jobs_across"])
        job_column = k.builder.srem(job, k.numbers["jobs_across"])
        self.top = k.mul(k.mul(job_row, k.numbers["job_rows"]), TILE)  # pixels
        self.left = k.mul(k.mul(job_column, k.numbers["job_columns"]), TILE)
        self.rows_left = k.sub(k.numbers["height"], self.top)
        self.columns_left = k.sub(k.numbers["width"], self.left)
        self.rows = k.smaller(k.numbers["job_rows"], k.divide_up(self.rows_left, TILE))  # tiles
        self.columns = k.smaller(k.numbers["job_columns"], k.divide_up(self.columns_left, TILE))
        self.num_tile = k.mul(self.rows, self.columns)


def _filter(k: Kernel, area: _Area, filtered: ir.Value) -> None:
    """Filter what the job sees by the depthwise kernels, with LeakyReLU, if there are any; outside the image, zeros."""
    with k.builder.if_then(k.is_set("use_depthwise")):
        slope = k.spread(k.pointers["slopes"])
        channels = k.numbers["in_channels"]
        rows, columns = (k.add(k.mul(count, TILE), 2) for count in (area.rows, area.columns))
        row_floats = k.mul(columns, channels)
        first_row, first_column = (k.larger(k.sub(k.index(1), edge), k.index(0)) for edge in (area.top, area.left))
        last_row = k.smaller(rows, k.add(area.rows_left, 1))
        last_column = k.smaller(columns, k.add(area.columns_left, 1))
        with k.loop(0, k.mul(rows, row_floats), step=k.lanes) as place:
            k.store(k.zero(), k.at(filtered, place))
        # One row and one column further up and left than the pixel, in the source with its border.
        origin = k.at(k.pointers["source"], k.mul(area.top, k.numbers["source_row"]), k.mul(area.left, channels))
        origin = k.at(origin, k.sub(k.sub(k.index(0), k.numbers["source_row"]), channels))
        with k.loop(first_row, last_row) as row, k.loop(0, channels, step=k.lanes) as channel:
            kernel = [k.load(k.at(k.pointers["depthwise"], channel, k.mul(channels, i))) for i in range(9)]
            source = k.at(origin, channel, k.mul(row, k.numbers["source_row"]))
            target = k.at(filtered, channel, k.mul(row, row_floats))
            with k.loop(first_column, last_column) as column:
                pixel = k.at(source, k.mul(column, channels))
                total = k.zero()
                for i in range(3):
                    for j in range(3):
                        seen = k.at(pixel, k.mul(k.numbers["source_row"], i), k.mul(channels, j))
                        total = total + k.load(seen) * kernel[3 * i + j]
                k.store(k.maximum(total, total * slope), k.at(target, k.mul(column, channels)))


def _gather(k: Kernel, area: _Area, filtered: ir.Value, inputs: ir.Value) -> None:
    """Transform the tiles' inputs."""
    channels = k.numbers["in_channels"]
    source = k.at(k.pointers["source"], k.mul(area.top, k.numbers["source_row"]), k.mul(area.left, channels))
    own_row = k.mul(k.add(k.mul(area.columns, TILE), 2), channels)
    source = k.builder.select(k.is_set("use_depthwise"), filtered, source)
    row_floats = k.builder.select(k.is_set("use_depthwise"), own_row, k.numbers["source_row"])
    with k.loop(0, area.rows) as row, k.loop(0, area.columns) as column:
        tile = k.at(source, k.mul(k.mul(row, row_floats), TILE), k.mul(k.mul(column, channels), TILE))
        target = k.at(inputs, k.mul(k.add(k.mul(row, area.columns), column), channels))
        with k.loop(0, channels, step=k.lanes) as channel:
            corner = k.at(tile, channel)
            rows = []
            for i in range(SEEN):
                line = k.at(corner, k.mul(row_floats, i))
                rows.append([k.load(k.at(line, k.mul(channels, j))) for j in range(SEEN)])
            for place, value in enumerate(_transform_twice(transform_input, rows)):
                k.store(value, k.at(target, channel, k.mul(k.numbers["plane_in"], place)))


def _transform_twice(transform: Callable, rows: list[list[Vector]]) -> list[Vector]:
    """Apply a transform along the columns and the rows; return the results row by row."""
    columns = [transform(list(column)) for column in zip(*rows, strict=True)]
    return [value for row in zip(*columns, strict=True) for value in transform(list(row))]


def _multiply(k: Kernel, area: _Area, block: Block, *, inputs: ir.Value, products: ir.Value, group: ir.Value) -> None:
    """Multiply the transformed inputs with a group of the weights' columns: 36 products of matrices."""
    channels = k.numbers["in_channels"]
    group_width = block.vectors * k.lanes
    plane_weight = k.mul(channels, group_width)
    weights = k.at(k.pointers["weight"], k.mul(k.mul(group, plane_weight), NUM_PRODUCTS))
    with k.loop(0, NUM_PRODUCTS) as place, k.loop(0, area.num_tile, step=block.tiles) as tile:
        source = k.at(inputs, k.mul(place, k.numbers["plane_in"]), k.mul(tile, channels))
        tiles = [k.at(source, k.mul(channels, i)) for i in range(block.tiles)]
        weight = k.at(weights, k.mul(place, plane_weight))
        zeros = (k.zero(),) * (block.tiles * block.vectors)
        with k.reduce(0, channels, initial=zeros) as (channel, sums, results):
            line = k.at(weight, k.mul(channel, group_width))
            columns = [k.load(k.at(line, v * k.lanes)) for v in range(block.vectors)]
            for i, pointer in enumerate(tiles):
                value = k.spread(k.at(pointer, channel))
                for v, column in enumerate(columns):
                    results.append(sums[i * block.vectors + v] + value * column)
        target = k.at(products, k.mul(place, k.numbers["plane_out"]), k.mul(tile, group_width))
        for number, value in enumerate(results):
            k.store(value, k.at(target, number * k.lanes))


def _scatter(k: Kernel, area: _Area, block: Block, *, products: ir.Value, group: ir.Value, pooled: bool) -> None:
    """Transform a group's products into results, with bias, LeakyReLU and residual, and write or add them up."""
    group_width = block.vectors * k.lanes
    slope = k.spread(k.at(k.pointers["slopes"], 1))
    with k.loop(0, area.rows) as row, k.loop(0, area.columns) as column:
        source = k.at(products, k.mul(k.add(k.mul(row, area.columns), column), group_width))
        y, x = k.mul(row, TILE), k.mul(column, TILE)
        top, left = k.add(k.add(area.top, y), 1), k.add(k.add(area.left, x), 1)
        offset = k.add(k.mul(top, k.numbers["target_row"]), k.mul(left, k.numbers["out_channels"]))
        with k.loop(0, group_width, step=k.lanes) as lane:
            channel = k.add(k.mul(group, group_width), lane)
            corner = k.at(source, lane)
            planes = [k.load(k.at(corner, k.mul(k.numbers["plane_out"], i))) for i in range(NUM_PRODUCTS)]
            rows = [planes[i : i + SEEN] for i in range(0, NUM_PRODUCTS, SEEN)]
            bias = k.load(k.at(k.pointers["bias"], channel))
            for place, value in enumerate(_transform_twice(transform_output, rows)):
                i, j = divmod(place, TILE)
                value = value + bias
                value = k.maximum(value, value * slope)
                inside = k.builder.and_(
                    k.is_smaller(k.add(y, i), area.rows_left), k.is_smaller(k.add(x, j), area.columns_left)
                )
                with k.builder.if_then(inside, likely=True):
                    if pooled:
                        k.accumulate(value, k.pointers["target"], channel)
                    else:
                        pixel = k.add(offset, channel)
                        pixel = k.add(pixel, k.mul(k.numbers["target_row"], i))
                        pixel = k.add(pixel, k.mul(k.numbers["out_channels"], j))
                        _write(k, value, pixel)


def _write(k: Kernel, value: Vector, place: ir.Value) -> None:
    target = k.at(k.pointers["target"], place)
    with k.builder.if_else(k.is_set("use_residual")) as (with_residual, without):
        with with_residual:
            k.store(value + k.load(k.at(k.pointers["residual"], place)), target)
        with without:
            k.store(value, target)
