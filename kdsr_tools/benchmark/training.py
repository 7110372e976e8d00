"""`kdsr benchmark training`: a student's step against the same step done plainly, and on an idle and a busy machine."""

from __future__ import annotations

import argparse
import os
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import torch

from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_compat.wait_policy import NAMES, SHORT_WAIT
from kdsr_model.idr_loss import IDRL1Loss
from kdsr_tools.arguments import add_described_parser
from kdsr_tools.benchmark.measurement import busy_processes, measure_peak_megabytes, run_alone
from kdsr_tools.benchmark.timing import median_ratio, time_in_turn
from kdsr_tools.benchmark.upscale import NETWORKS
from kdsr_tools.devices import find_device
from kdsr_tools.markdown import format_head, format_row

# KDSR-M on the classic setting.
SCALE = 4
SHAPES = ((4, 32), (4, 64))  # batch, LQ pixels
MEMORY_STEPS = 3
# The small network: its many short operations are where threads wait most.
WAITING_NETWORK, WAITING_SHAPE = "XS", (8, 32)
PARTS = ("steps", "waiting")
Step = Callable[[torch.Tensor, torch.Tensor], None]


def plain_step(device: torch.device) -> Step:
    """Make the step as the KDSR authors' code does it: the whole teacher, whose estimator keeps its graph."""
    student, teacher = KDSRStudent(SCALE).to(device), KDSRTeacher(SCALE).to(device)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-4)
    return _make_step(student, optimizer, lambda lq, gt: teacher.estimate_idr(lq, gt)[1])


def our_step(
    device: torch.device, *, recompute: bool = False, fused: bool = False, size: dict[str, Any] | None = None
) -> Step:
    """Make the step of `KDSRStudentModel`: the teacher's estimator alone, without a graph."""
    student = KDSRStudent(SCALE, **(size or {})).to(device)
    teacher = KDSRTeacher(SCALE, **(size or {})).to(device).eval().requires_grad_(False)
    del teacher.sr_network
    if device.type == "cpu":
        for network in (student, teacher):
            network.estimator.to(memory_format=torch.channels_last)
    student.sr_network.recompute = recompute
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-4, fused=fused)
    return _make_step(student, optimizer, torch.no_grad()(lambda lq, gt: teacher.estimate_idr(lq, gt)[1]))


def _make_step(student: KDSRStudent, optimizer: torch.optim.Optimizer, see_teacher: Callable) -> Step:
    pixel_loss, idr_loss = torch.nn.L1Loss(), IDRL1Loss()

    def make_step(lq: torch.Tensor, gt: torch.Tensor) -> None:
        optimizer.zero_grad()
        teacher_idr_prime = see_teacher(lq, gt)
        sr, _, idr_prime = student(lq, return_idr=True)
        (pixel_loss(sr, gt) + idr_loss(idr_prime, teacher_idr_prime)).backward()
        optimizer.step()

    return make_step


STEPS: dict[str, Callable[[torch.device], Step]] = OrderedDict(
    {
        "plain": plain_step,
        "ours": our_step,
        "ours, optim_g.fused: true": lambda device: our_step(device, fused=True),
        "ours, recompute: true": lambda device: our_step(device, recompute=True),
    }
)


def make_batch(batch: int, lq_size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a random pair `lq` (B, 3, H, W), `gt` (B, 3, sH, sW)."""
    gt_size = lq_size * SCALE
    return torch.rand(batch, 3, lq_size, lq_size, device=device), torch.rand(batch, 3, gt_size, gt_size, device=device)


def measure_seconds(steps: dict[str, Step], data: tuple[torch.Tensor, torch.Tensor], *, rounds: int) -> dict:
    """Time the steps in turn; return the seconds of each by round."""

    def work(make_step: Step) -> None:
        make_step(*data)
        if data[0].is_cuda:
            torch.cuda.synchronize()

    return time_in_turn({name: partial(work, make_step) for name, make_step in steps.items()}, rounds=rounds)


def measure_memory(name: str, shape: tuple[int, int], device: torch.device) -> float:
    """Return the MB that a few steps need beyond what the process held before; a process of its own for each."""
    return measure_peak_megabytes(_prepare_steps, name, shape, device, device=device)


def _prepare_steps(name: str, shape: tuple[int, int], device: torch.device) -> Callable[[], None]:
    data = make_batch(*shape, device)

    def work() -> None:
        make_step = STEPS[name](device)
        for _ in range(MEMORY_STEPS):
            make_step(*data)

    return work


def measure_waiting(seconds: float) -> tuple[float, float]:
    """Time our step in this process, alone and beside a busy process on each core; return the median of both.

    Args:
        seconds: how long steps are repeated for each; it is one step at least.
    """
    device = torch.device("cpu")
    make_step, data = our_step(device, size=NETWORKS[WAITING_NETWORK]), make_batch(*WAITING_SHAPE, device)
    make_step(*data)  # The first one makes plans and takes memory.
    idle = _repeat(make_step, data, seconds)
    with busy_processes(os.cpu_count() or 1):
        return idle, _repeat(make_step, data, seconds)


def _repeat(make_step: Step, data: tuple[torch.Tensor, torch.Tensor], seconds: float) -> float:
    times: list[float] = []
    while sum(times) < seconds:
        start = perf_counter()
        make_step(*data)
        times.append(perf_counter() - start)
    return median(times)


def wait_policies() -> dict[str, dict[str, str | None]]:
    """Return what is compared: OpenMP as it comes, `SHORT_WAIT`, and the user's own variables if they are others."""
    nothing: dict[str, str | None] = dict.fromkeys(NAMES)
    policies = {"as OpenMP comes": nothing, "as `kdsr` sets it": nothing | SHORT_WAIT}
    own = {name: os.environ.get(name) for name in NAMES}
    if own not in policies.values():
        policies["your own"] = own
    return policies


def print_waiting(*, seconds: float) -> None:
    """Print the time of a step by how OpenMP's threads wait, each measured in a process of its own."""
    batch, lq_size = WAITING_SHAPE
    head = f"KDSR-{WAITING_NETWORK} x{SCALE} student on the CPU, {torch.get_num_threads()} threads"
    busy_head = f"busy: beside {os.cpu_count()} processes that compute"
    print(f"{head}, batch {batch}, LQ {lq_size}x{lq_size}; {busy_head}\n")
    times = ("s idle, median", "s busy, median", "busy, times as it comes")
    print(format_head(["how threads wait", "variables", *times]))
    as_it_comes = None
    for name, variables in wait_policies().items():
        idle, busy = run_alone(measure_waiting, seconds, environment=variables)
        as_it_comes = as_it_comes or busy
        shown = " ".join(f"{key}={value}" for key, value in variables.items() if value is not None)
        cells = [name, shown, f"{idle:.3f}", f"{busy:.3f}", f"{busy / as_it_comes:.2f}"]
        print(format_row(cells), flush=True)


def run(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    device = find_device("auto", known=("cpu", "cuda"))
    if "steps" in args.parts:
        print_steps(device, rounds=args.rounds)
        print()
    if "waiting" in args.parts:
        print_waiting(seconds=args.seconds)
    return 0


def print_steps(device: torch.device, *, rounds: int) -> None:
    """Print time, memory and their ratios to the plain step."""
    print(f"KDSR-M x{SCALE} student on {device}, {torch.get_num_threads()} threads, {rounds} rounds\n")
    times_and_memory = ("s, median", "times plain, median", "MB, networks and steps", "times plain")
    print(format_head(["batch, LQ", "step", *times_and_memory]))
    for shape in SHAPES:
        data = make_batch(*shape, device)
        steps = {name: make(device) for name, make in STEPS.items()}
        times = measure_seconds(steps, data, rounds=rounds)
        del steps
        memory = {name: measure_memory(name, shape, device) for name in STEPS}
        for name in STEPS:
            time_ratio = median_ratio(times[name], times["plain"])
            memory_ratio = memory[name] / memory["plain"]
            cells = [f"{shape[0]}, {shape[1]}x{shape[1]}", name, f"{median(times[name]):.3f}", f"{time_ratio:.2f}"]
            print(format_row([*cells, f"{memory[name]:.0f}", f"{memory_ratio:.2f}"]), flush=True)


def add_parser(subparsers) -> None:
    """Add `kdsr benchmark training`."""
    parser = add_described_parser(subparsers, "training", "a student's step, done plainly and on a busy machine")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="timed steps of each (default: 7)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="steps: ours against plain; waiting: idle and busy"
    )
    parser.add_argument("--seconds", type=float, default=5, metavar="S", help="for each cell of waiting (default: 5)")
    parser.set_defaults(run=run)
