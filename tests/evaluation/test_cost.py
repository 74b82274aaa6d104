"""Multiply-accumulates of networks that can be counted by hand."""

import pytest
import torch
from torch import nn

from timbre.evaluation.cost import macs_per_second
from timbre.nn.gru import Gru


class Network(nn.Module):
    """Frames of 100 samples at 1000 Hz through a layer."""

    sample_rate, hop, channels = 1000, 100, 1

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def initial_state(self, batch: int) -> list[torch.Tensor]:
        return []

    def step(self, audio: torch.Tensor, state: list[torch.Tensor]):
        return self.layer(audio.reshape(1, -1, 100)), state


@pytest.mark.parametrize(
    ("layer", "a_frame"),
    [
        (nn.Linear(100, 7), 700),
        (nn.Sequential(nn.Linear(100, 7), nn.ReLU(), nn.Linear(7, 3)), 721),
        (Gru(100, 8), 3 * 8 * (100 + 8)),
    ],
)
def test_of_known_layers(layer, a_frame):
    assert macs_per_second(Network(layer)) == 10 * a_frame


def test_of_a_convolution():
    class Convolution(Network):
        def step(self, audio, state):
            return self.layer(audio), state

    assert macs_per_second(Convolution(nn.Conv1d(1, 5, 9, padding=4))) == 1000 * 5 * 9


def test_a_rate_that_hops_do_not_divide():
    network = Network(nn.Linear(100, 10))
    network.sample_rate = 1050
    assert macs_per_second(network) == 10_500
