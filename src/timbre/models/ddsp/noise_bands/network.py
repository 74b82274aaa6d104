"""The DDSP network of sounds without a pitch, audio in, audio out: features, adaptation, decoder, synthesiser."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.features.colour import ColourExtractor
from timbre.models.ddsp.adaptation import LevelAdaptation
from timbre.models.ddsp.controls import COLOUR_CONTROLS, LEVEL_CONTROLS, Glide
from timbre.models.ddsp.noise_bands.decoder import BandDecoder
from timbre.models.ddsp.noise_bands.synthesiser import BandSynthesiser

# Its frames are so many times shorter than those of pitch, for sharp attacks; and no shorter than this.
FRAMES_OF_A_FEATURE_FRAME = 4
SHORTEST_HOP_SAMPLES = 32
HOPS_OF_A_WINDOW = 4
# Frames that are synthesised at once offline, to keep memory flat.
PIECE_FRAMES = 512


class NoiseBands(nn.Module):
    """Plays its timbre with the loudness and colour of mono audio [batch, 1, samples].

    features: of the cache; only rate and hop are used. `step` takes whole hops and is causal: what it plays belongs to
    the sound `delay` samples earlier, since a feature describes the middle of its window. `forward`, the whole sound,
    puts that right. `settings` are the values of `controls`, neutral at first, and may change between steps.
    """

    channels = 1
    controls = LEVEL_CONTROLS + COLOUR_CONTROLS

    def __init__(self, features: dict, statistics: dict, hidden: int, layers: int, narrow_bands: int) -> None:
        super().__init__()
        rate = features["sample_rate"]
        self.sample_rate = rate
        self.hop = max(SHORTEST_HOP_SAMPLES, features["hop_samples"] // FRAMES_OF_A_FEATURE_FRAME)
        self.extractor_config = dict(features)
        self.extractor = ColourExtractor(rate, self.hop, HOPS_OF_A_WINDOW * self.hop)
        self.delay = self.extractor.alignment_frames * self.hop
        self.tail_samples = 0
        self.settings = [control.neutral for control in self.controls]
        self.glide = Glide(rate / self.hop)
        self.adaptation = LevelAdaptation(statistics["loudness_db"], rate / self.hop)
        self.decoder = BandDecoder(hidden, layers, narrow_bands, rate)
        self.synthesiser = BandSynthesiser(narrow_bands, self.hop, rate)

    def initial_state(self, batch: int) -> list[Tensor]:
        """The parts' states, one after the other."""
        state = self.extractor.initial_state(batch)
        state = state + self.glide.initial_state(batch, len(self.settings), state[0].device)
        state = state + self.adaptation.initial_state(batch) + self.decoder.initial_state(batch)
        return state + self.synthesiser.initial_state(batch)

    def step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The next whole hops of a stream. [batch, 1, frames * hop] -> the same, and the state after them."""
        features, extractor_state = self.extractor.step(audio.squeeze(1), state[0:1])
        values, glide_state = self.glide.step(self.settings, features[0].shape[1], state[1:2])
        (loudness_db, _), adaptation_state = self.adaptation.step(features[0], values, state[2:5])
        centroid_hz = features[1] * 2.0 ** values[..., 4]
        gains, decoder_state = self.decoder.step([loudness_db, centroid_hz, features[2]], state[5:6])
        sound, synthesiser_state = self.synthesiser.step(gains, state[6:8])
        after = extractor_state + glide_state + adaptation_state + decoder_state + synthesiser_state
        return sound.unsqueeze(1), after

    @torch.jit.ignore
    def resynthesise(self, audio: Tensor, first_hop: int) -> Tensor:
        """What a neutral stream of it plays to audio, late by `delay`, in one piece (memory grows with its length).

        audio: [batch, frames * hop]; first_hop: where in the loops to begin. Returns: the same shape.
        """
        features = self.extractor(audio)
        state = self.synthesiser.initial_state(audio.shape[0])
        state[1] += first_hop
        return self.synthesiser.step(self.decoder(features), state)[0]

    @torch.jit.ignore
    def forward(self, audio: Tensor) -> Tensor:
        """The whole sound, aligned with its input. [batch, 1, samples] -> the same shape, any length."""
        samples = audio.shape[2]
        padded = nn.functional.pad(audio, [0, -samples % self.hop + self.delay])
        state, pieces = self.initial_state(audio.shape[0]), []
        for piece in torch.split(padded, PIECE_FRAMES * self.hop, dim=2):
            sound, state = self.step(piece, state)
            pieces.append(sound)
        return torch.cat(pieces, dim=2)[:, :, self.delay : self.delay + samples]
