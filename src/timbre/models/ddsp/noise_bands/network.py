"""The DDSP network of sounds without a pitch, audio in, audio out: features, adaptation, decoder, synthesiser."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.features.colour import ColourExtractor
from timbre.features.loudness import FLOOR_DB
from timbre.models.control import neutral_settings
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
    puts that right. `settings` are the values of `controls`, neutral at first, and may change between steps; `knobs`
    name those that a plug-in shows. `encode_step` and `decode_step` are a stream in two parts, with the features as
    `code` between them and no adaptation.
    """

    channels = 1
    controls = LEVEL_CONTROLS + COLOUR_CONTROLS
    code = (
        "loudness in dB over -100 dB (A): 0 is silence",
        "centroid in Hz",
        "depth in dB: the level over the A-weighted one",
    )

    def __init__(self, features: dict, statistics: dict, hidden: int, layers: int, narrow_bands: int) -> None:
        super().__init__()
        rate = features["sample_rate"]
        self.sample_rate = rate
        self.hop = max(SHORTEST_HOP_SAMPLES, features["hop_samples"] // FRAMES_OF_A_FEATURE_FRAME)
        self.extractor_config = dict(features)
        self.extractor = ColourExtractor(rate, self.hop, HOPS_OF_A_WINDOW * self.hop)
        self.delay = self.extractor.alignment_frames * self.hop
        self.tail_samples = 0
        self.register_buffer("settings", neutral_settings(self.controls), persistent=False)
        self.knobs = ["brightness_octaves", "input_gain_db", "gate_dbfs", "loudness_offset_db"]
        # Of `code`: what a host sends where nothing is patched, 0, must be silence.
        self.floor_db = FLOOR_DB
        self.glide = Glide(rate / self.hop)
        self.adaptation = LevelAdaptation(statistics["loudness_db"], rate / self.hop)
        self.decoder = BandDecoder(hidden, layers, narrow_bands, rate)
        self.synthesiser = BandSynthesiser(narrow_bands, self.hop, rate)

    def initial_state(self, batch: int) -> list[Tensor]:
        """The parts' states, one after the other."""
        state = self.extractor.initial_state(batch) + self._initial_glide(batch)
        return state + self.adaptation.initial_state(batch) + self._initial_instrument(batch)

    def initial_encoder_state(self, batch: int) -> list[Tensor]:
        """Of the extractor."""
        return self.extractor.initial_state(batch)

    def initial_decoder_state(self, batch: int) -> list[Tensor]:
        """Of glide, decoder and synthesiser."""
        return self._initial_glide(batch) + self._initial_instrument(batch)

    def _initial_glide(self, batch: int) -> list[Tensor]:
        return self.glide.initial_state(batch, len(self.settings), self.settings.device)

    def _initial_instrument(self, batch: int) -> list[Tensor]:
        return self.decoder.initial_state(batch) + self.synthesiser.initial_state(batch)

    def fold(self) -> None:
        """Compute once what a stream needs of the trained weights: nothing."""

    def step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The next whole hops of a stream. [batch, 1, frames * hop] -> the same, and the state after them."""
        features, extractor_state = self.extractor.step(audio.squeeze(1), state[0:1])
        values, glide_state = self.glide.step(self.settings, features[0].shape[1], state[1:2])
        (loudness_db, _), adaptation_state = self.adaptation.step(features[0], values, state[2:5])
        sound, instrument_state = self._play(loudness_db, features[1], features[2], values, state[5:])
        return sound, extractor_state + glide_state + adaptation_state + instrument_state

    def encode_step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Audio [batch, 1, frames * hop] -> `code` [batch, 3, frames]."""
        features, state = self.extractor.step(audio.squeeze(1), state)
        return torch.stack([features[0] - self.floor_db, features[1], features[2]], dim=1), state

    def decode_step(self, code: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """`code` [batch, 3, frames] -> audio, with the settings of loudness offset and brightness."""
        values, glide_state = self.glide.step(self.settings, code.shape[2], state[:1])
        loudness_db, _ = self.adaptation.shifted(code[:, 0] + self.floor_db, values)
        sound, instrument_state = self._play(loudness_db, code[:, 1], code[:, 2], values, state[1:])
        return sound, glide_state + instrument_state

    def _play(
        self, loudness_db: Tensor, centroid_hz: Tensor, depth_db: Tensor, values: Tensor, state: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Features as the instrument is to hear them -> audio. state: of decoder and synthesiser."""
        centroid_hz = centroid_hz * 2.0 ** values[..., 4]
        gains, decoder_state = self.decoder.step([loudness_db, centroid_hz, depth_db], state[0:1])
        sound, synthesiser_state = self.synthesiser.step(gains, state[1:3])
        return sound.unsqueeze(1), decoder_state + synthesiser_state

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
