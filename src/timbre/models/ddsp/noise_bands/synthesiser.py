"""From gains to sound: loops of narrow noise bands, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.noise_bands import GROUPS, loop_lengths, noise_loops
from timbre.dsp.oscillator import cross_fade_ramp


class BandSynthesiser(nn.Module):
    """Segment k cross-fades the gains of frame k - 1 into those of frame k: it can be played once k is known."""

    def __init__(self, bands: int, hop: int, sample_rate: int) -> None:
        super().__init__()
        self.bands = bands
        self.hop = hop
        self.groups = GROUPS
        loops, steps = noise_loops(bands, hop, sample_rate)
        lengths = torch.tensor(loop_lengths(hop, sample_rate))
        # Made anew wherever the network is built, so they are no part of its weights.
        self.register_buffer("loops", loops, persistent=False)
        self.register_buffer("steps", steps, persistent=False)
        self.register_buffer("lengths", lengths, persistent=False)
        self.register_buffer("begins", torch.cumsum(lengths, dim=0) - lengths, persistent=False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """Last gains; number of the next hop, the same for all streams of a batch."""
        device = self.steps.device
        return [
            torch.zeros(batch, 1, self.bands, device=device),
            torch.zeros(batch, dtype=torch.int64, device=device),
        ]

    def noise(self, first_hop: Tensor, hops: int) -> Tensor:
        """Steps of all bands, group after group, from a hop [1] int64 on. [hops, bands, hop] float32."""
        number = (first_hop + torch.arange(hops, device=self.lengths.device)).unsqueeze(1)
        return self.loops[self.begins + number % self.lengths].flatten(1, 2).to(torch.float32)

    def step(self, gains: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Sound of the next frames. gains: [batch, frames, bands].

        Returns: [batch, frames * hop] and the state after them.
        """
        batch, frames = gains.shape[0], gains.shape[1]
        all_gains = torch.cat([state[0], gains], dim=1)
        grouped = all_gains.view(batch, frames + 1, -1, self.groups).transpose(2, 3) * self.steps
        grouped = grouped.flatten(2).transpose(0, 1)
        # For each frame one product with its noise, of the gains before and those of its own.
        faded = torch.bmm(torch.cat([grouped[:-1], grouped[1:]], dim=1), self.noise(state[1][:1], frames))
        start, end = faded[:, :batch], faded[:, batch:]
        sound = start + cross_fade_ramp(self.hop, gains.device).to(start.dtype) * (end - start)
        return sound.transpose(0, 1).reshape(batch, frames * self.hop), [all_gains[:, -1:], state[1] + frames]
