"""A rehearsal of every phase before the first step: what does not fit into memory shows now, and not after days."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import psutil
import torch
from torch import nn

from timbre.errors import UserError, reason
from timbre.models.phase import Phase
from timbre.training.memory import PeakMemory, used_bytes
from timbre.training.step import forget_gradients, gather_gradients

# Steps of a phase that are tried until each of its groups has had its turn.
TRIES = 8
# Of main memory, under which a batch as large as so many single crops surely fits and need not be tried.
AMPLE_SHARE = 0.5


@dataclass(frozen=True)
class Rehearsal:
    """Forward and backward passes of the phases that are not over at step `begin`, with no optimiser's move.

    draw: gives the crops of a step, or of this process's share of it; batch: how many they are.
    """

    task: nn.Module
    device: torch.device
    groups: dict[str, list[nn.Parameter]]
    phases: list[Phase]
    draw: Callable[[int], dict[str, torch.Tensor]]
    batch: int
    begin: int

    def run(self, crops: int, micro_batch: int) -> int:
        """Every turn of every phase, with the first `crops` of a step's share, `micro_batch` of them at a time.

        Returns: how many steps that were.
        """
        first = taken = 0
        for phase in self.phases:
            last = first + phase.steps
            awaited = set(phase.learning_rates)
            for step in range(first, min(last, first + TRIES)) if last > self.begin else ():
                part = {name: value[:crops] for name, value in self.draw(step).items()}
                awaited.discard(gather_gradients(self.task, self.groups, part, step, micro_batch)[0])
                taken += 1
                if not awaited:
                    break
            first = last
        return taken


def fitting_micro_batch(rehearsal: Rehearsal, wanted: int, later_bytes: int) -> int:
    """How many crops can go through the network at once: `wanted`, or the first of its halves that fits into memory.

    The task is afterwards as it was, to the bit and without gradients, and so is chance. later_bytes: what the run will
    hold besides, such as Adam's state.
    Raises: UserError where not even one crop fits.
    """
    device = rehearsal.device
    where = _memory_of(device)
    reasons = []
    with untouched(rehearsal.task, device):
        estimate = _Estimate(rehearsal, later_bytes) if device.type == "cpu" else None
        if estimate and estimate.ample:
            return wanted
        for micro_batch in _halves(wanted, rehearsal.batch):
            why = (estimate and estimate.why_not(micro_batch)) or _why_not(rehearsal, micro_batch, later_bytes)
            if not why:
                break
            reasons.append(why)
        else:
            raise UserError(
                f"not even one crop of a step fits into {where} ({reasons[-1]}). Choose a smaller `size` in "
                "params.yaml, or shorten the crop (crop_seconds or crop_samples) of its preset."
            )
    if micro_batch < wanted:
        whole = "a whole batch" if wanted == rehearsal.batch else "a part"
        print(
            f"train: {whole} of {wanted} crops does not fit into {where} ({reasons[0]}); each step gathers "
            f"{rehearsal.batch // micro_batch} parts of {micro_batch} crop{'s' if micro_batch > 1 else ''}: "
            "same batch, slower",
            flush=True,
        )
    return micro_batch


def require_room(task: nn.Module, device: torch.device) -> None:
    """Raise a UserError where weights, gradients and what a new run holds besides will not fit into memory.

    task: on any device, torch's "meta" too, so that it can be told before anything is taken.
    """
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
    needed = 2 * sum(_bytes(parameters) for parameters in groups.values()) + bytes_to_come(groups, task.network)
    on_host = device.type == "cpu"
    free = psutil.virtual_memory().available if on_host else torch.cuda.mem_get_info(device)[0]
    if needed > free:
        raise UserError(
            f"the weights and what training holds besides do not fit into {_memory_of(device)} (they take "
            f"{needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free). Choose a smaller `size` in params.yaml, or make "
            "its preset smaller."
        )


@contextmanager
def untouched(task: nn.Module, device: torch.device) -> Iterator[None]:
    """Whatever happens within, parameters, buffers, modes and chance are afterwards as before, without gradients."""
    # Kept in the memory of the host, so as not to take what is being measured.
    before = {name: value.detach().to("cpu", copy=True) for name, value in _tensors(task)}
    learning = [(parameter, parameter.requires_grad) for parameter in task.parameters()]
    modes = [(part, part.training) for part in task.modules()]
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        with torch.no_grad():
            for name, value in _tensors(task):
                value.copy_(before[name])
        for parameter, before_learning in learning:
            parameter.grad = None
            parameter.requires_grad_(before_learning)
        for part, before_mode in modes:
            part.training = before_mode


class _Estimate:
    """What a step will take of main memory, by what one crop takes, and what another takes more.

    Main memory is not tried out: Linux promises more than it has, and ends the process that takes it at its word.
    """

    def __init__(self, rehearsal: Rehearsal, later_bytes: int) -> None:
        self.free_bytes = psutil.virtual_memory().available
        gc.collect()  # so that nothing else goes while it is watched
        before = used_bytes()
        with PeakMemory() as peak:
            self.one_fails = _why_not(rehearsal, 1, 0, crops=1)
        one = peak.bytes - before
        self.first_bytes, self.further_bytes = later_bytes + one, one
        self.ample = not self.one_fails and later_bytes + rehearsal.batch * one < AMPLE_SHARE * self.free_bytes
        # The first holds gradients and what libraries set up once, too, so a second tells more; where it surely fits.
        if not self.ample and not self.one_fails and rehearsal.batch > 1 and 2 * one < self.free_bytes:
            with PeakMemory() as peak:
                _why_not(rehearsal, 2, 0, crops=2)
            self.further_bytes = max(0, peak.bytes - before - one)

    def why_not(self, micro_batch: int) -> str:
        """Why a step in parts of so many crops will not fit; empty where it should."""
        needed = self.first_bytes + (micro_batch - 1) * self.further_bytes
        told = f"it takes about {needed / 1e9:.1f} GB, {self.free_bytes / 1e9:.1f} GB are free"
        return self.one_fails or (told if needed > self.free_bytes else "")


def _why_not(rehearsal: Rehearsal, micro_batch: int, reserve_bytes: int, crops: int | None = None) -> str:
    """Try steps in parts of so many crops, with so much of a device taken before: why that fails, empty if it fits."""
    why, reserve = "", None
    try:
        if rehearsal.device.type != "cpu":
            reserve = torch.empty(reserve_bytes, dtype=torch.uint8, device=rehearsal.device)
        rehearsal.run(crops or rehearsal.batch, micro_batch)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        why = ". ".join(reason(error).split(". ")[:2]).rstrip(".")
    if why:  # here, since the error holds on to the tensors of the pass it ended
        del reserve
        for parameters in rehearsal.groups.values():
            forget_gradients(parameters)
        gc.collect()
        torch.cuda.empty_cache()
    return why


def _memory_of(device: torch.device) -> str:
    return "main memory" if device.type == "cpu" else f"the memory of {device}"


def _is_out_of_memory(error: BaseException) -> bool:
    signs = ("DefaultCPUAllocator", "can't allocate memory", "ALLOC_FAILED")  # of torch, of cuBLAS and cuDNN
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(sign in str(error) for sign in signs)


def _halves(wanted: int, batch: int) -> Iterator[int]:
    """`wanted` and ever smaller parts down to 1, each at most half the one before and dividing the batch."""
    size = wanted
    while size:
        yield size
        size = max((part for part in range(1, size // 2 + 1) if batch % part == 0), default=0)


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def bytes_to_come(groups: dict[str, list[nn.Parameter]], network: nn.Module) -> int:
    """What a new run will hold besides weights and gradients.

    That is Adam's two moments, and the averaged, the kept and, while these are being looked at, the trained weights.
    """
    moments = 2 * sum(_bytes(parameters) for parameters in groups.values())
    return moments + 3 * _bytes(network.state_dict().values())


def _tensors(task: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    return chain(task.named_parameters(), task.named_buffers())
