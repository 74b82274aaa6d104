"""The causal frame rule: frame k sees only the samples before (k + 1) hops."""

import torch
from torch import Tensor


def frames_of(audio: Tensor, history: Tensor, window: int, hop: int) -> Tensor:
    """Cut windows that end with their own hop.

    audio: [batch, frames * hop]; history: [batch, window - hop], the samples before it.
    Returns: [batch, frames, window].
    """
    return torch.cat([history, audio], dim=1).unfold(1, window, hop)
