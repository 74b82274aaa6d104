"""From controls to sound: harmonics and filtered noise, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.noise import band_filters, hashed_noise, noise_segments
from timbre.dsp.oscillator import harmonic_segments, nyquist_mask, segment_phase


class Synthesiser(nn.Module):
    """Segment k cross-fades the controls of frame k - 1 into those of frame k: it can be played once k is known."""

    def __init__(self, harmonics: int, noise_bands: int, hop: int, sample_rate: int) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.taps = 2 * (noise_bands - 1)
        self.hop = hop
        self.sample_rate = float(sample_rate)
        # Only tells where the state must live.
        self.register_buffer("place", torch.zeros(1), persistent=False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """Last pitch (0: none yet), last amplitudes, last noise filter, phase in cycles, index of the next sample."""
        device = self.place.device
        return [
            torch.zeros(batch, 1, device=device),
            torch.zeros(batch, 1, self.harmonics, device=device),
            torch.zeros(batch, 1, self.taps, device=device),
            torch.zeros(batch, 1, dtype=torch.float64, device=device),
            torch.zeros(batch, dtype=torch.int64, device=device),
        ]

    def step(self, f0_hz: Tensor, controls: list[Tensor], state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Sound of the next frames.

        f0_hz: [batch, frames]; controls: the decoder's amplitudes and noise magnitudes.
        Returns: [batch, frames * hop] and the state after them.
        """
        batch, frames = f0_hz.shape[0], f0_hz.shape[1]
        # The first frame of all has no pitch to glide from.
        last_f0_hz = torch.where(state[0] > 0.0, state[0], f0_hz[:, :1])
        phase = segment_phase(f0_hz, last_f0_hz, state[3], self.hop, self.sample_rate)
        amplitudes = torch.cat([state[1], controls[0]], dim=1)
        # While a pitch leaps within a segment, its overtones must stay under half the sample rate at both ends.
        starts_hz = torch.cat([last_f0_hz, f0_hz[:, :-1]], dim=1)
        audible = nyquist_mask(torch.maximum(starts_hz, f0_hz).unsqueeze(-1), self.harmonics, self.sample_rate)
        tones = harmonic_segments(
            phase.reshape(batch * frames, self.hop),
            (amplitudes[:, 1:] * audible).reshape(batch * frames, self.harmonics),
            (amplitudes[:, :-1] * audible).reshape(batch * frames, self.harmonics),
        )
        filters = torch.cat([state[2], band_filters(controls[1])], dim=1)
        noise = hashed_noise(state[4] - (self.taps - 1), self.taps - 1 + frames * self.hop)
        hiss = noise_segments(noise.unfold(1, self.taps - 1 + self.hop, self.hop), filters)
        after = [f0_hz[:, -1:], amplitudes[:, -1:], filters[:, -1:], phase[:, -1, -1:], state[4] + frames * self.hop]
        return tones.reshape(batch, -1) + hiss.reshape(batch, -1), after
