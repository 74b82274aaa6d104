"""torch.compile for the learned parts of a model, where it works."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch._dynamo.utils import counters

from timbre.errors import reason
from timbre.files import cache_home


def compile_parts(parts: Iterable[nn.Module], rehearse: Callable[[], None]) -> None:
    """Compile parts, and try them by `rehearse`; where that fails they stay as they are, and it is told why.

    What was compiled is kept on disk for the next time (in TORCHINDUCTOR_CACHE_DIR, by default timbre's folder in the
    user's cache).
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_home() / "compiled"))
    parts = list(parts)
    written = [part.forward for part in parts]
    folder = os.environ["TORCHINDUCTOR_CACHE_DIR"]
    print(f"train: compiling {len(parts)} parts of the network (train.compile); {folder} keeps them", flush=True)
    begun, before = time.monotonic(), counters["stats"]["unique_graphs"]
    for part in parts:
        part.forward = torch.compile(part.forward, dynamic=False)
    try:
        rehearse()
    except Exception as error:  # of a compiler, a driver, a missing header: there is no common type
        for part, forward in zip(parts, written, strict=True):
            part.forward = forward
        print(f"train: torch.compile fails ({reason(error)}); training goes on without it", flush=True)
    else:
        graphs, seconds = counters["stats"]["unique_graphs"] - before, time.monotonic() - begun
        print(f"train: compiled {graphs} graphs in {seconds:.0f} s", flush=True)
