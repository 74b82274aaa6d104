"""Stepping through a layer or network: as a module that TorchScript can compile, and block by block."""

import torch


class Step(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor, state: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return self.layer.step(x, state)


@torch.no_grad()
def stream(network, audio: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """What a network makes of audio [batch, channels, samples] in blocks of the given sizes, from its start on."""
    state, pieces = network.initial_state(audio.shape[0]), []
    for block in audio.split(sizes, dim=2):
        y, state = network.step(block, state)
        pieces.append(y)
    return torch.cat(pieces, dim=2)
