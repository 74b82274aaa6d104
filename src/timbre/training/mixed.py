"""Half the bits where that costs nothing: the learned parts of a model in bfloat16."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree


def use_bf16(parts: Iterable[nn.Module], device: torch.device) -> None:
    """Let products and convolutions within parts compute in bfloat16 while they are trained.

    Parameters, gradients, what a part puts out, and all around it (filter banks, oscillators, losses) stay in single
    precision; a part in evaluation mode is in single precision too, since that is what is exported. A bfloat16 has the
    exponents of single precision, so no loss needs to be scaled (Micikevicius et al. 2018, arXiv 1710.03740, on fp16,
    which does).
    """
    for part in parts:
        part.forward = _mixed(part, part.forward, device.type)


def _mixed(part: nn.Module, forward: Any, kind: str) -> Any:
    def mixed(*arguments: Any) -> Any:
        if not part.training:
            return forward(*arguments)
        with torch.autocast(kind, torch.bfloat16):
            put_out = forward(*arguments)
        return _pytree.tree_map_only(Tensor, Tensor.float, put_out)

    return mixed
