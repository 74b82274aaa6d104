"""A network as hosts play it: audio in, audio out, whole hops, state inside."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# 60 dB over full scale: no sound comes near it, and no arithmetic suffers from it.
LOUDEST = 1e3
# 300 dB under full scale: nobody hears it, and what a network makes of it would be denormal numbers, slow on most CPUs.
FAINTEST = 1e-15


def cleaned(x: Tensor, loudest: float = LOUDEST, faintest: float = FAINTEST) -> Tensor:
    """Samples that do no harm: 0 for what is no number or next to nothing, and nothing far from all sound.

    Whatever a host sends would otherwise stay in the state, for good or for as long as it dies away.
    """
    x = torch.nan_to_num(x, 0.0).clamp(-loudest, loudest)
    return x * (x.abs() > faintest)


class StreamingEffect(nn.Module):
    """Plays a network: `forward` [batch, channels, samples] -> the same shape, later by `delay_samples`.

    `samples` is a multiple of `hop`; `channels` are the network's, and a network of two takes one for both. With
    another batch size, or on another device, the streams begin anew. `set_control` turns a control of the network
    while it plays; `reset` leaves them as they are.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.hop: int = network.hop
        self.delay_samples: int = network.delay
        self.sample_rate: int = network.sample_rate
        self.channels: int = network.channels
        self.control_names = [control.name for control in network.controls]
        self.control_limits = [(control.least, control.most) for control in network.controls]
        self.control_units = [control.unit for control in network.controls]
        self.controls_told = f"the controls of this model are: {', '.join(self.control_names)}"
        self.shape_told = (
            f"this model takes audio of the shape [batch, {self.channels}, samples] in blocks of {self.hop} samples or "
            f"a multiple: {self.hop}, {2 * self.hop}, {3 * self.hop}, ..."
        )
        self.state = torch.jit.annotate(list[Tensor], network.initial_state(1))

    @torch.jit.export
    def reset(self) -> None:
        """Forget everything heard: the next block is the first of a new stream."""
        self.state = self.network.initial_state(self.state[0].shape[0])

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        """Set a control by its name; a value beyond its limits counts as the limit."""
        if math.isnan(value):
            raise ValueError("the value of a control must be a number, this is not-a-number (NaN)")
        index = self._index(name)
        least, most = self.control_limits[index]
        self.network.settings[index] = min(max(value, least), most)

    @torch.jit.export
    def get_control(self, name: str) -> float:
        """The present value of a control."""
        return float(self.network.settings[self._index(name)])

    def _index(self, name: str) -> int:
        if name not in self.control_names:
            raise ValueError(self.controls_told)
        return self.control_names.index(name)

    def _heard(self, x: Tensor) -> Tensor:
        """A block as the network may hear it: of its channels, without what does harm."""
        if x.dim() != 3 or x.shape[2] == 0 or x.shape[2] % self.hop != 0:
            raise ValueError(self.shape_told)
        if x.shape[1] != self.channels:
            if x.shape[1] != 1:
                raise ValueError(self.shape_told)
            x = x.expand(-1, self.channels, -1)
        return cleaned(x)

    def _begins(self, x: Tensor, state: list[Tensor]) -> bool:
        """Whether a state belongs to other streams than these."""
        return x.shape[0] != state[0].shape[0] or x.device != state[0].device

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            heard = self._heard(x)
            if self._begins(x, self.state):
                self.state = self.network.initial_state(x.shape[0])
            y, self.state = self.network.step(heard, self.state)
            return y
