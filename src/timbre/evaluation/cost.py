"""What a network costs to play."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def macs_per_second(network: nn.Module) -> int:
    """Multiply-accumulates of the matrix products and convolutions that a second of streaming takes.

    network: one of `timbre.models`. Counted while it plays a second, filled up to whole hops; Fourier transforms and
    what is done sample by sample do not count.
    """
    hops = -(-network.sample_rate // network.hop)
    silence = torch.zeros(1, network.channels, hops * network.hop)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.step(silence, network.initial_state(1))
    return round(counter.get_total_flops() / 2 * network.sample_rate / (hops * network.hop))
