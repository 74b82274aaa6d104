"""The processes that train together: one for each GPU, on one machine or several."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from typing import TypeVar

import psutil
import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn

from timbre.errors import UserError

Told = TypeVar("Told")

# How often a process that another has started looks whether that is still there.
WATCH_SECONDS = 1.0


class Team:
    """All processes of a run, each with an equal share of every step's crops, so that the step is that of one process.

    The first leads: it alone validates, writes and speaks. rank: of this process; size: how many there are.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.device = fabric.device
        self.rank, self.size = fabric.global_rank, fabric.world_size
        self.leads = self.rank == 0

    def share(self, batch: int) -> slice:
        """Which crops of a step are this process's.

        Raises: UserError where they cannot be shared out equally.
        """
        if batch % self.size:
            raise UserError(
                f"a batch of {batch} crops cannot be shared out equally among {self.size} processes. Take a number of "
                "devices that divides it, or change `batch` of the preset in params.yaml."
            )
        count = batch // self.size
        return slice(count * self.rank, count * (self.rank + 1))

    def highest(self, number: int) -> int:
        """The highest of the numbers that the processes name. Exchanged on the hosts: no device is waited for."""
        if self.size == 1:
            return number
        numbers = torch.tensor([number])
        distributed.all_reduce(numbers, op=distributed.ReduceOp.MAX)
        return int(numbers)

    def told(self, content: Told) -> Told:
        """What the leader knows, in every process."""
        if self.size == 1:
            return content
        contents = [content]
        distributed.broadcast_object_list(contents, src=0)
        return contents[0]

    @torch.no_grad()
    def follow(self, task: nn.Module) -> None:
        """Give every process the leader's parameters and buffers."""
        for tensor in (*task.parameters(), *task.buffers()) if self.size > 1 else ():
            distributed.broadcast(tensor.detach(), src=0)

    @torch.no_grad()
    def mean_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients of parameters by their means over the processes, in one exchange."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, figures: dict[str, Tensor]) -> dict[str, Tensor]:
        """Means of figures, which are the same in every process, over the processes."""
        if self.size == 1 or not figures:
            return figures
        values = torch.stack([value.float() for value in figures.values()])
        distributed.all_reduce(values)
        return dict(zip(figures, values / self.size, strict=True))

    def close(self) -> None:
        """Part: from here on nothing is exchanged any more."""
        if self.size > 1:
            distributed.destroy_process_group()


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, however that came about.

    Otherwise it would wait for ever for a leader that was killed.
    """
    parent = psutil.Process().parent()  # not by its number, which on Windows stays that of the dead

    def watch() -> None:
        while parent is not None and _lives(parent):
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
