"""Sums and frames of a whole step's crops, where several processes hold a part of them each.

A loss that divides by a mean over the batch is not the mean of the same loss over its parts. So what such a loss needs
to know of the whole batch is exchanged, and a step by many processes is the step of one. They hold equally many crops.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed

_pooling = False


@contextmanager
def pooled() -> Iterator[None]:
    """While entered, all processes take the same step, and what is below looks at all of them."""
    global _pooling
    before, _pooling = _pooling, distributed.is_available() and distributed.is_initialized()
    try:
        yield
    finally:
        _pooling = before


def mean_of_all(value: Tensor) -> Tensor:
    """The mean of a tensor over the processes, without a gradient; the tensor itself where there is one process."""
    if not _pooling:
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


def rows_of_all(rows: Tensor) -> Tensor:
    """The rows of all processes in the order of their crops. [rows, ...] -> [processes * rows, ...].

    The gradient reaches the own rows only, and those as often as there are processes: then the mean of the processes'
    gradients is that of one process with all rows.
    """
    if not _pooling:
        return rows
    count, own = distributed.get_world_size(), distributed.get_rank()
    parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(count)]
    distributed.all_gather(parts, rows.detach().contiguous())
    parts[own] = count * rows - (count - 1) * rows.detach()
    return torch.cat(parts)


def own_rows(rows: Tensor) -> Tensor:
    """Of the rows of all processes those that this one gave."""
    if not _pooling:
        return rows
    count = len(rows) // distributed.get_world_size()
    return rows[count * distributed.get_rank() :][:count]
