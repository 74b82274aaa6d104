"""A network as hosts play it: audio in, audio out, blocks of any size, state inside."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# 60 dB over full scale: no sound comes near it, and no arithmetic suffers from it.
LOUDEST = 1e3


class StreamingEffect(nn.Module):
    """Feeds a network whole hops from blocks of any size and gives back as many samples as came in.

    What is left of a hop waits in `waiting`; what is played ahead of need lies in `ready`, which starts as one hop of
    zeros, so that there is always enough. `forward` [batch, channels, samples] -> the same shape, later by
    `delay_samples`; `channels` are the network's, 1 where it does not say.
    With another batch size, or on another device, the streams begin anew. `set_control` turns a control of the network
    while it plays; `reset` leaves them as they are.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.hop: int = network.hop
        self.delay_samples: int = network.delay + network.hop
        self.sample_rate: int = network.sample_rate
        self.channels: int = getattr(network, "channels", 1)
        self.control_names = [control.name for control in network.controls]
        self.control_limits = [(control.least, control.most) for control in network.controls]
        self.controls_told = f"the controls of this model are: {', '.join(self.control_names)}"
        self.shape_told = f"this model takes audio of the shape [batch, {self.channels}, samples]"
        self.loudest = LOUDEST
        self.state = torch.jit.annotate(list[Tensor], network.initial_state(1))
        self.waiting = torch.zeros(1, self.channels, 0)
        self.ready = torch.zeros(1, self.channels, network.hop)

    @torch.jit.export
    def reset(self) -> None:
        """Forget everything heard: the next block is the first of a new stream."""
        self._begin(self.waiting.shape[0], self.waiting.device)

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        """Set a control by its name; a value beyond its limits counts as the limit."""
        index = self._index(name)
        least, most = self.control_limits[index]
        self.network.settings[index] = min(max(value, least), most)

    @torch.jit.export
    def get_control(self, name: str) -> float:
        """The present value of a control."""
        return self.network.settings[self._index(name)]

    def _index(self, name: str) -> int:
        if name not in self.control_names:
            raise ValueError(self.controls_told)
        return self.control_names.index(name)

    def _begin(self, batch: int, device: torch.device) -> None:
        self.state = self.network.initial_state(batch)
        self.waiting = torch.zeros(batch, self.channels, 0, device=device)
        self.ready = torch.zeros(batch, self.channels, self.hop, device=device)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.shape[1] != self.channels:
            raise ValueError(self.shape_told)
        with torch.no_grad():
            if x.shape[0] != self.waiting.shape[0] or x.device != self.waiting.device:
                self._begin(x.shape[0], x.device)
            samples = x.shape[2]
            # A sample that is no number, or far from all sound, would stay in the state for good.
            heard = torch.cat([self.waiting, torch.nan_to_num(x, 0.0).clamp(-self.loudest, self.loudest)], dim=2)
            whole = heard.shape[2] // self.hop * self.hop
            if whole > 0:
                played, self.state = self.network.step(heard[:, :, :whole], self.state)
                self.ready = torch.cat([self.ready, played], dim=2)
            self.waiting = heard[:, :, whole:].clone()
            y = self.ready[:, :, :samples]
            self.ready = self.ready[:, :, samples:].clone()
            return y
