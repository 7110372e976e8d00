"""A small layer over llvmlite: vectors with Python's operators, loops, and compiling for this processor.

A kernel is a Python function that calls a `Kernel`'s methods once, while it is built; loops of Python are unrolled into
it, `Kernel.loop` stays a loop. llvmlite alone is needed: no compiler, no files.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from llvmlite import binding, ir

FLOAT, DOUBLE, INDEX = ir.FloatType(), ir.DoubleType(), ir.IntType(64)
# Lets multiplication and addition become one instruction.
FLAGS = ("contract",)


@dataclass(frozen=True)
class Processor:
    """What kernels are shaped for: floats in a vector register, and how many such registers there are."""

    lanes: int
    registers: int


@cache
def this_processor() -> Processor:
    """Return this processor's vectors."""
    features = _features()
    if features.get("avx512f"):
        return Processor(lanes=16, registers=32)
    if features.get("avx"):
        return Processor(lanes=8, registers=16)
    return Processor(lanes=4, registers=32 if features.get("neon") else 16)


def _features() -> dict[str, bool]:
    return dict(binding.get_host_cpu_features())


def _make_target_machine() -> binding.TargetMachine:
    """Return what compiles for this processor; each engine takes one over, and ends it with itself."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    # Processors that have the wide vectors of AVX-512 use them: LLVM would halve them for fear of lower clock rates.
    features = ",".join(filter(None, [binding.get_host_cpu_features().flatten(), "-prefer-256-bit"]))
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=3, jit=True)


class Vector:
    """Some floats, one a lane, under construction."""

    def __init__(self, kernel: Kernel, value: ir.Value):
        self.kernel = kernel
        self.value = value

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.kernel, self.kernel.builder.fadd(self.value, other.value, flags=FLAGS))

    def __sub__(self, other: Vector) -> Vector:
        return Vector(self.kernel, self.kernel.builder.fsub(self.value, other.value, flags=FLAGS))

    def __mul__(self, other: Vector | float) -> Vector:
        factor = other.value if isinstance(other, Vector) else ir.Constant(self.value.type, [other] * self.kernel.lanes)
        return Vector(self.kernel, self.kernel.builder.fmul(self.value, factor, flags=FLAGS))

    __rmul__ = __mul__


class Kernel:
    """A function under construction; its arguments are pointers to floats and one pointer to a table of int64.

    Args:
        arguments: the names of pointer arguments, for `self.pointers`.
        numbers: the names of the numbers in the table, for `self.numbers`.
    """

    def __init__(self, name: str, *, arguments: tuple[str, ...], numbers: tuple[str, ...], lanes: int):
        self.name, self.lanes = name, lanes
        self.module = ir.Module(name)
        pointer = FLOAT.as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [pointer] * len(arguments) + [INDEX.as_pointer()])
        self.function = ir.Function(self.module, function_type, name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        *pointers, table = self.function.args
        self.pointers = dict(zip(arguments, pointers, strict=True))
        self.table, self.places = table, {key: place for place, key in enumerate(numbers)}
        self.numbers = {
            key: self.builder.load(self.builder.gep(table, [INDEX(place)])) for key, place in self.places.items()
        }
        self.vector_type = ir.VectorType(FLOAT, lanes)

    def at(self, pointer: ir.Value, *offsets: ir.Value | int) -> ir.Value:
        """Return a pointer moved by floats."""
        for offset in offsets:
            pointer = self.builder.gep(pointer, [INDEX(offset) if isinstance(offset, int) else offset])
        return pointer

    def add(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        """Add two whole numbers."""
        return self.builder.add(a, INDEX(b) if isinstance(b, int) else b)

    def mul(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        """Multiply two whole numbers."""
        return self.builder.mul(a, INDEX(b) if isinstance(b, int) else b)

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Subtract two whole numbers."""
        return self.builder.sub(a, b)

    def index(self, value: int) -> ir.Value:
        """Return a whole number."""
        return INDEX(value)

    def divide_up(self, a: ir.Value, b: int) -> ir.Value:
        """Divide a whole number by a constant, rounding up."""
        return self.builder.sdiv(self.add(a, b - 1), INDEX(b))

    def is_set(self, name: str) -> ir.Value:
        """Return whether a number of the table is not zero."""
        return self.builder.icmp_signed("!=", self.numbers[name], INDEX(0))

    def is_smaller(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Compare two whole numbers."""
        return self.builder.icmp_signed("<", a, b)

    def smaller(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return the smaller of two whole numbers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def larger(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return the larger of two whole numbers."""
        return self.builder.select(self.builder.icmp_signed(">", a, b), a, b)

    def load(self, pointer: ir.Value) -> Vector:
        """Read a vector."""
        return Vector(self, self.builder.load(self._as_vector(pointer), align=4))

    def store(self, vector: Vector, pointer: ir.Value) -> None:
        """Write a vector."""
        self.builder.store(vector.value, self._as_vector(pointer), align=4)

    def _as_vector(self, pointer: ir.Value) -> ir.Value:
        return self.builder.bitcast(pointer, self.vector_type.as_pointer())

    def spread(self, pointer: ir.Value) -> Vector:
        """Read one float into all lanes."""
        empty = ir.Constant(self.vector_type, ir.Undefined)
        single = self.builder.insert_element(empty, self.builder.load(pointer), ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return Vector(self, self.builder.shuffle_vector(single, empty, mask))

    def zero(self) -> Vector:
        """Return a vector of zeros."""
        return Vector(self, ir.Constant(self.vector_type, [0.0] * self.lanes))

    def maximum(self, a: Vector, b: Vector) -> Vector:
        """Return the larger of two vectors in each lane."""
        return Vector(self, self.builder.select(self.builder.fcmp_ordered(">", a.value, b.value), a.value, b.value))

    def accumulate(self, vector: Vector, totals: ir.Value, place: ir.Value) -> None:
        """Add a vector to an array of doubles."""
        wide = ir.VectorType(DOUBLE, self.lanes)
        doubles = self.builder.bitcast(totals, DOUBLE.as_pointer())
        pointer = self.builder.bitcast(self.builder.gep(doubles, [place]), wide.as_pointer())
        total = self.builder.fadd(self.builder.load(pointer, align=8), self.builder.fpext(vector.value, wide))
        self.builder.store(total, pointer, align=8)

    @contextmanager
    def claim(self, counter: str, stop: ir.Value) -> Iterator[ir.Value]:
        """Repeat what is built inside for each job number that no other thread took from the table's counter."""
        builder = self.builder
        pointer = builder.gep(self.table, [INDEX(self.places[counter])])
        head, body, after = (self.function.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        job = builder.atomic_rmw("add", pointer, INDEX(1), "monotonic")
        builder.cbranch(builder.icmp_signed("<", job, stop), body, after)
        builder.position_at_end(body)
        yield job
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def loop(self, start: ir.Value | int, stop: ir.Value | int, *, step: int = 1) -> Iterator[ir.Value]:
        """Repeat what is built inside for each index from `start` to `stop`, which may be none."""
        with self.reduce(start, stop, step=step) as (index, _, _):
            yield index

    @contextmanager
    def reduce(self, start: ir.Value | int, stop: ir.Value | int, *, initial: tuple[Vector, ...] = (), step: int = 1):
        """As `loop`, carrying vectors: gives the index, the carried vectors, and a list to put their successors in.

        After the loop, the list holds the final vectors.
        """
        builder = self.builder
        start = INDEX(start) if isinstance(start, int) else start
        stop = INDEX(stop) if isinstance(stop, int) else stop
        before = builder.block
        head, body, after = (self.function.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(INDEX)
        carried = [builder.phi(self.vector_type) for _ in initial]
        builder.cbranch(builder.icmp_signed("<", index, stop), body, after)
        builder.position_at_end(body)
        results: list[Vector] = []
        yield index, [Vector(self, value) for value in carried], results
        following = builder.add(index, INDEX(step))
        for phi, first, later in [(index, start, following)] + [
            (phi, first.value, later.value) for phi, first, later in zip(carried, initial, results, strict=True)
        ]:
            phi.add_incoming(first, before)
            phi.add_incoming(later, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        results[:] = [Vector(self, value) for value in carried]

    def compile(self) -> Callable[..., None]:
        """Finish the function and give it as one that takes addresses; it runs without Python's lock."""
        self.builder.ret_void()
        return _compile(str(self.module), self.name, len(self.function.args))


def _compile(text: str, name: str, num_arguments: int) -> Callable[..., None]:
    machine = _make_target_machine()
    module = binding.parse_assembly(text)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=2)
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * num_arguments)(engine.get_function_address(name))
    function.engine = engine  # type: ignore[attr-defined]  # the code lives as long as this
    return function
