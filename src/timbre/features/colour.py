"""Level and colour per frame: what there is to say of sounds without a pitch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.features.frames import frames_of
from timbre.features.loudness import FLOOR_DB, loudness_weights

# The centroid of silence, and what quiet frames tend to, Hz.
SILENT_CENTROID_HZ = 1000.0


class ColourExtractor(nn.Module):
    """Causal A-weighted level, spectral centroid and depth of mono audio, frame by frame, the frames as those of pitch.

    Level and centroid hardly hear what lies under some hundred Hz; depth, the unweighted level over the weighted one,
    is what tells a bass drum from a stick. Neither centroid nor depth changes with the input's gain.
    A window describes its middle: see `alignment_frames` of `timbre.features.extractor`.
    """

    def __init__(self, sample_rate: int, hop_samples: int, window_samples: int) -> None:
        super().__init__()
        self.hop = hop_samples
        self.window = window_samples
        self.alignment_frames = window_samples // (2 * hop_samples)
        self.floor_power = 10.0 ** (FLOOR_DB / 10.0)
        self.silent_centroid_hz = SILENT_CENTROID_HZ
        hann, weights = loudness_weights(window_samples, sample_rate)
        frequencies_hz = torch.arange(window_samples // 2 + 1) * (sample_rate / window_samples)
        # Without weighting, scaled by Parseval's theorem as the weighted one is.
        flat = torch.full_like(weights, 2.0) / (window_samples * hann.square().sum())
        flat[0] *= 0.5
        flat[-1] *= 0.5
        self.register_buffer("hann", hann, persistent=False)
        self.register_buffer("sums", torch.stack([weights, weights * frequencies_hz, flat], dim=1), persistent=False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """State of a stream that has heard only silence: past samples."""
        return [torch.zeros(batch, self.window - self.hop, device=self.hann.device)]

    def step(self, audio: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Features of the next whole frames of a stream.

        audio: [batch, frames * hop]. Returns: [A-weighted level in dB from -100 up, centroid in Hz, depth in dB], each
        [batch, frames], and the state after them. The centroid is the mean frequency by A-weighted power. To the powers
        of both -100 dB at 1 kHz are added, so that silence has a centroid of 1 kHz and a depth of 0 dB.
        """
        spectrum = torch.fft.rfft(frames_of(audio, state[0], self.window, self.hop) * self.hann)
        sums = (spectrum.real.square() + spectrum.imag.square()) @ self.sums
        loudness_db = 10.0 * torch.log10(sums[..., 0].clamp(min=self.floor_power))
        weighted, unweighted = sums[..., 0] + self.floor_power, sums[..., 2] + self.floor_power
        centroid_hz = (sums[..., 1] + self.floor_power * self.silent_centroid_hz) / weighted
        depth_db = 10.0 * torch.log10(unweighted / weighted)
        past = torch.cat([state[0], audio], dim=1)
        return [loudness_db, centroid_hz, depth_db], [past[:, past.shape[1] - (self.window - self.hop) :]]

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Features of a whole sound [batch, samples], each [batch, samples // hop]; see `step`."""
        usable = audio.shape[1] // self.hop * self.hop
        return self.step(audio[:, :usable], self.initial_state(audio.shape[0]))[0]
