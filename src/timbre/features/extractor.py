"""The extractor: audio in, pitch, voicing, clarity and loudness per frame out; whole files or a stream of blocks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.features import VERSION
from timbre.features.loudness import frame_loudness_db, loudness_weights
from timbre.features.pitch import gate_pitch, track_pitch


class FeatureExtractor(nn.Module):
    """Causal features of mono audio: frame k sees only samples before (k + 1) hops.

    A window's features describe its middle. `alignment_frames` is how many frames later than the sound at a hop's end
    its features come: training shifts the track by so much, and a live model is late by it.
    """

    def __init__(
        self,
        sample_rate: int,
        hop_samples: int,
        window_samples: int,
        f0_min_hz: float,
        f0_max_hz: float,
        voiced_on: float,
        voiced_off: float,
        f0_method: str = "yin",
    ) -> None:
        super().__init__()
        self.sample_rate = float(sample_rate)
        self.hop = hop_samples
        self.window = window_samples
        self.f0_min_hz = f0_min_hz
        self.f0_max_hz = f0_max_hz
        # What is held before anything voiced was heard: the middle of the range.
        self.first_f0_hz = math.sqrt(f0_min_hz * f0_max_hz)
        self.voiced_on = voiced_on
        self.voiced_off = voiced_off
        self.f0_method = f0_method
        self.alignment_frames = window_samples // (2 * hop_samples)
        hann, weights = loudness_weights(window_samples, sample_rate)
        self.register_buffer("hann", hann, persistent=False)
        self.register_buffer("loudness_weights", weights, persistent=False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """State of a stream that has heard only silence: past samples, pitches held (see `gate_pitch`), voiced."""
        device = self.hann.device
        return [
            torch.zeros(batch, self.window - self.hop, device=device),
            torch.full([batch, 2], self.first_f0_hz, device=device),
            torch.zeros(batch, 1, device=device),
        ]

    def measure(self, audio: Tensor, history: Tensor) -> list[Tensor]:
        """What each frame shows by itself: [pitch in Hz, clarity, loudness in dB], each [batch, frames].

        audio: [batch, frames * hop]; history: [batch, window - hop], the samples before it.
        """
        return self._shown(torch.cat([history, audio], dim=1))

    def _shown(self, heard: Tensor) -> list[Tensor]:
        """`measure` of the audio with what came before it in front."""
        frames = heard.unfold(1, self.window, self.hop)
        f0_hz, clarity = track_pitch(frames, self.sample_rate, self.f0_min_hz, self.f0_max_hz, self.f0_method)
        return [f0_hz, clarity, frame_loudness_db(frames, self.hann, self.loudness_weights)]

    def gate(self, f0_hz: Tensor, clarity: Tensor, state: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Held pitch and voiced (0 or 1), given what the frames show and the state before; and the pitch's new state.

        All [batch, frames]; what is returned of the state takes the place of its second and third part.
        """
        pitch_hz, voiced = gate_pitch(f0_hz, clarity, self.voiced_on, self.voiced_off, state[1], state[2])
        return pitch_hz[..., 0], voiced, [pitch_hz[:, -1], voiced[:, -1:]]

    def step(self, audio: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Features of the next whole frames of a stream.

        audio: [batch, frames * hop]. Returns: [f0 in Hz (held where unvoiced), voiced (0 or 1), loudness in dB,
        clarity], each [batch, frames], and the state after them.
        """
        heard = torch.cat([state[0], audio], dim=1)
        shown = self._shown(heard)
        f0_hz, voiced, gate_state = self.gate(shown[0], shown[1], state)
        kept = heard[:, heard.shape[1] - (self.window - self.hop) :]
        return [f0_hz, voiced, shown[2], shown[1]], [kept, gate_state[0], gate_state[1]]

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Features of a whole sound [batch, samples], each [batch, samples // hop]; see `step`.

        Worked through in pieces of a few hundred frames, so that memory stays flat whatever the length.
        """
        usable = audio.shape[1] // self.hop * self.hop
        state = self.initial_state(audio.shape[0])
        pieces: list[list[Tensor]] = []
        for piece in torch.split(audio[:, :usable], 512 * self.hop, dim=1):
            if piece.shape[1] > 0:
                features, state = self.step(piece, state)
                pieces.append(features)
        if len(pieces) == 0:
            return [torch.zeros(audio.shape[0], 0, device=audio.device) for _ in range(4)]
        return [torch.cat([piece[index] for piece in pieces], dim=1) for index in range(4)]


def feature_config(sample_rate: int, features: dict) -> dict:
    """What defines every feature value: the extractor's arguments and the version of its code."""
    return {"sample_rate": sample_rate, **features, "version": VERSION}


def extractor_of(config: dict) -> FeatureExtractor:
    """Build the extractor of a `feature_config`."""
    return FeatureExtractor(**{key: value for key, value in config.items() if key != "version"})
