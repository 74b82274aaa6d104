"""From controls to sound: harmonics and filtered noise, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.noise import band_filters, band_responses, convolved_segments, filtered_segments, hashed_noise
from timbre.dsp.oscillator import cross_fade_ramp, glide_weights, harmonic_segments, segment_phase, split_harmonics


class Synthesiser(nn.Module):
    """Segment k cross-fades the controls of frame k - 1 into those of frame k: it can be played once k is known."""

    def __init__(self, harmonics: int, noise_bands: int, hop: int, sample_rate: int) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.noise_bands = noise_bands
        # Samples of noise that a filter reaches back.
        self.reach = 2 * (noise_bands - 1) - 1
        self.hop = hop
        self.sample_rate = float(sample_rate)
        ramp = cross_fade_ramp(hop, torch.device("cpu")).float()
        self.register_buffer("ramp", ramp, persistent=False)
        self.register_buffer("glide", glide_weights(hop, sample_rate), persistent=False)
        self.register_buffer("numbers", torch.arange(1, harmonics + 1).float(), persistent=False)
        self.register_buffer("split_numbers", split_harmonics(harmonics), persistent=False)
        filters = band_filters(torch.eye(noise_bands, dtype=torch.float64)).to(torch.float32)
        self.register_buffer("filters", filters, persistent=False)  # for graphs
        self.register_buffer("responses", band_responses(noise_bands, self.reach + hop), persistent=False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """Last pitch (0: none yet), amplitudes and noise magnitudes, phase in cycles, index of the next sample."""
        device = self.ramp.device
        return [
            torch.zeros(batch, 1, device=device),
            torch.zeros(batch, 1, self.harmonics, device=device),
            torch.zeros(batch, 1, self.noise_bands, device=device),
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
        pitch_hz = torch.cat([torch.where(state[0] > 0.0, state[0], f0_hz[:, :1]), f0_hz], dim=1)
        amplitudes = torch.cat([state[1], controls[0]], dim=1)
        magnitudes = torch.cat([state[2], controls[1]], dim=1)
        phase = segment_phase(pitch_hz, state[3], self.glide)
        # While a pitch leaps within a segment, its overtones must stay under half the sample rate at both ends.
        highest_hz = torch.maximum(pitch_hz[:, :-1], f0_hz).unsqueeze(-1)
        audible = (highest_hz * self.numbers < 0.5 * self.sample_rate).unsqueeze(2)
        ends = amplitudes.unfold(1, 2, 1).transpose(2, 3) * audible
        tones = harmonic_segments(
            phase.view(batch * frames, self.hop),
            ends.reshape(batch * frames, 2, self.harmonics),
            self.split_numbers,
            self.ramp,
        )
        noise = hashed_noise(state[4] - self.reach, self.reach + frames * self.hop)
        hiss = self._filtered(noise.unfold(1, self.reach + self.hop, self.hop), magnitudes)
        sound = tones.view(batch, frames, self.hop) + hiss
        after = [f0_hz[:, -1:], amplitudes[:, -1:], magnitudes[:, -1:], phase[:, -1, -1:], state[4] + frames * self.hop]
        return sound.view(batch, -1), after

    def _filtered(self, noise: Tensor, magnitudes: Tensor) -> Tensor:
        """Noise [batch, frames, reach + hop] with the magnitudes of the frame before and its own faded."""
        if not torch.jit.is_scripting():
            if torch.onnx.is_in_onnx_export():
                return convolved_segments(noise, torch.matmul(magnitudes, self.filters))
        responses = torch.view_as_complex(torch.matmul(magnitudes, self.responses).unflatten(-1, [-1, 2]))
        return filtered_segments(noise, responses, self.ramp)
