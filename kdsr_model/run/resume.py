"""What a training goes on from: a whole checkpoint, or nothing; and whether it goes on exactly.

All that a step does follows from what a checkpoint holds: weights, optimisers and schedulers (BasicSR's part), and the
seed, the place in the epoch and the model's own counters (the key `kdsr` of the training state). Random numbers need
no saved state: those of a sample follow from (seed, epoch, position), those of an iteration from (seed, rank,
iteration), on every process, whatever validation or logging have drawn in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kdsr_model.run.processes import first_process_number
from kdsr_model.run.whole_files import (
    EXTRA_KEY,
    broken_network,
    checkpointed_networks,
    newest_complete_state,
    read_training_state,
)
from kdsr_options.command_line import CommandLine, read_options


class Conditions(NamedTuple):
    """What must be as it was for a resumed run to be exact, under the names of the training state."""

    seed: int
    world_size: int
    batch_size: int  # of a process
    num_samples: int  # in an epoch


DESCRIPTIONS = {
    "seed": "manual_seed",
    "world_size": "the number of processes",
    "batch_size": "the batch size of a process",
    "num_samples": "the number of samples in an epoch",
}


@dataclass(frozen=True)
class Resume:
    """What a training goes on from: BasicSR's training state, or None to start afresh; and what was passed over."""

    state: dict[str, Any] | None
    remarks: tuple[str, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """Return what we have put into the state beside BasicSR's part; nothing where BasicSR wrote it alone."""
        return (self.state or {}).get(EXTRA_KEY, {})

    @property
    def epoch(self) -> int:
        """Return the epoch to go on in."""
        return self.state["epoch"] if self.state else 0

    @property
    def iteration(self) -> int:
        """Return the number of iterations done."""
        return self.state["iter"] if self.state else 0

    def seed(self, drawn: int, *, is_named: bool) -> int:
        """Return the seed for all processes, and for a resumed run as before.

        Args:
            drawn: the seed of the options, which BasicSR draws, in every process another, if the file names none.
            is_named: whether it does.
        """
        return drawn if is_named else self.extra.get("seed", first_process_number(drawn))

    def batches_done(self, conditions: Conditions, *, batches_per_epoch: int) -> int:
        """Return how many batches of the epoch a process has had, counted in batches as they are now."""
        if not self.state:
            return 0
        if not self.extra:  # written by BasicSR alone
            done = max(self.iteration - self.epoch * batches_per_epoch, 0)
        else:
            samples = self.extra["batches"] * self.extra["batch_size"] * self.extra["world_size"]
            done = samples // (conditions.batch_size * conditions.world_size)
        return min(done, batches_per_epoch)

    def inexactness(self, conditions: Conditions, *, with_gpu: bool) -> list[str]:
        """List why the resumed run will not end with the bits of one that never stopped."""
        if not self.state:
            return []
        reasons = [
            f"{DESCRIPTIONS[key]} was {self.extra[key]}, is {value}"
            for key, value in conditions._asdict().items()
            if self.extra and self.extra[key] != value
        ]
        if not self.extra:
            reasons.append("the state was written by BasicSR alone, without seed and place in the epoch")
        if with_gpu:
            reasons.append("GPU kernels may add in another order, which changes results by rounding")
        return reasons


def find_resume(opt: dict[str, Any], *, remarks: Iterable[str] = ()) -> Resume:
    """Find what these options go on from; with `--auto_resume`, `path.resume_state` is set to it.

    Args:
        remarks: what else the log should say.

    Raises:
        SystemExit: `path.resume_state` is no whole checkpoint, or another experiment's.
    """
    paths, remarks = opt["path"], list(remarks)
    if opt["auto_resume"]:
        path, state = newest_complete_state(opt, remarks)
        if path is not None:
            paths["resume_state"] = str(path)
        return Resume(state, tuple(remarks))
    if not paths.get("resume_state"):
        return Resume(None, tuple(remarks))
    path = Path(paths["resume_state"])
    _refuse_other_experiment(opt, path)
    state = read_training_state(path)
    broken = broken_network(opt, Path(paths["models"]), state["iter"]) if state else path
    if broken:
        what = f"{path} is not a complete training state" if broken == path else f"{broken} is missing or incomplete"
        raise SystemExit(f"path.resume_state: {what}; take an earlier one")
    return Resume(state, tuple(remarks))


def _refuse_other_experiment(opt: dict[str, Any], path: Path) -> None:
    """End the program where BasicSR would take a state from one experiment and its networks from another."""
    states = Path(opt["path"]["training_states"])
    if path.resolve().parent == states.resolve() or not checkpointed_networks(opt):
        return
    raise SystemExit(
        f"path.resume_state: {path} is not of this experiment, whose states are in {states}. Set name to go on with "
        "the other one, or start from its weights with path.pretrain_network_g"
    )


def names_a_seed(command_line: CommandLine) -> bool:
    """Return whether a command line, or the option file that it names, has a `manual_seed`. Raises OptionError."""
    return read_options(command_line).get("manual_seed") is not None
