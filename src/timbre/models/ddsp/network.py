"""The DDSP network, audio in, audio out: features, decoder, synthesiser, reverb."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.features.extractor import extractor_of
from timbre.models.ddsp.decoder import Decoder
from timbre.models.ddsp.synthesiser import Synthesiser
from timbre.nn.reverb import Reverb


class Ddsp(nn.Module):
    """Plays its timbre with the pitch and loudness of mono audio [batch, 1, samples].

    `step` takes whole hops and is causal: what it plays belongs to the sound `delay` samples earlier, since a feature
    describes the middle of its window. `forward`, the whole sound, puts that right.
    """

    channels = 1

    def __init__(
        self,
        features: dict,
        hidden: int,
        layers: int,
        harmonics: int,
        noise_bands: int,
        reverb_seconds: float,
    ) -> None:
        super().__init__()
        rate, hop = features["sample_rate"], features["hop_samples"]
        self.sample_rate = rate
        self.hop = hop
        self.extractor_config = dict(features)
        self.extractor = extractor_of(features)
        self.delay = self.extractor.alignment_frames * hop
        self.decoder = Decoder(hidden, layers, harmonics, noise_bands, rate)
        self.synthesiser = Synthesiser(harmonics, noise_bands, hop, rate)
        taps = max(hop, round(reverb_seconds * rate))
        self.reverb = Reverb(taps, hop) if reverb_seconds > 0.0 else None
        # How long it may ring after its input has ended.
        self.tail_samples = taps if reverb_seconds > 0.0 else 0

    def initial_state(self, batch: int) -> list[Tensor]:
        """The parts' states, one after the other."""
        state = self.extractor.initial_state(batch) + self.decoder.initial_state(batch)
        state = state + self.synthesiser.initial_state(batch)
        if self.reverb is not None:
            state = state + self.reverb.initial_state(batch)
        return state

    def fold(self) -> None:
        """Compute once what a stream needs of the trained weights."""
        if self.reverb is not None:
            self.reverb.fold()

    def step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The next whole hops of a stream. [batch, 1, frames * hop] -> the same, and the state after them."""
        features, extractor_state = self.extractor.step(audio.squeeze(1), state[0:3])
        played, state_after = self.play(features, state[3:])
        return played, extractor_state + state_after

    def play(self, features: list[Tensor], state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """What features [batch, frames] sound like, from the state of decoder, synthesiser and reverb on."""
        controls, decoder_state = self.decoder.step(features, state[0:1])
        sound, synthesiser_state = self.synthesiser.step(features[0], controls, state[1:6])
        after = decoder_state + synthesiser_state
        if self.reverb is not None:
            wet, reverb_state = self.reverb.step(sound, state[6:8])
            sound = sound + wet
            after = after + reverb_state
        return sound.unsqueeze(1), after

    @torch.jit.ignore
    def resynthesise(self, features: list[Tensor], lead_frames: int, first_sample: Tensor) -> Tensor:
        """Sound of the frames after the first `lead_frames`, which only bring network and oscillators into swing.

        features: f0 in Hz, voiced, loudness in dB, each [batch, lead_frames + frames]; first_sample: [batch] int64, the
        noise's index to begin with. Returns: [batch, frames * hop], in one piece (memory grows with its length).
        """
        controls = self.decoder(features)
        state = self.synthesiser.initial_state(first_sample.shape[0])
        state[4] = first_sample
        near = lead_frames - 1
        sound, _ = self.synthesiser.step(features[0][:, near:], [control[:, near:] for control in controls], state)
        sound = sound[:, self.hop :]
        return sound if self.reverb is None else sound + self.reverb(sound)

    @torch.jit.ignore
    def forward(self, audio: Tensor) -> Tensor:
        """The whole sound, aligned with its input. [batch, 1, samples] -> the same shape, any length.

        Features, network and reverb see the whole at once; only the synthesiser goes in pieces, to keep memory flat.
        """
        batch, _, samples = audio.shape
        padded = nn.functional.pad(audio.squeeze(1), [0, -samples % self.hop + self.delay])
        features = self.extractor(padded)
        controls = self.decoder(features)
        state = self.synthesiser.initial_state(batch)
        pieces = []
        for first in range(0, features[0].shape[1], 512):
            part = slice(first, first + 512)
            sound, state = self.synthesiser.step(
                features[0][:, part], [control[:, part] for control in controls], state
            )
            pieces.append(sound)
        sound = torch.cat(pieces, dim=1)
        if self.reverb is not None:
            sound = sound + self.reverb(sound)
        return sound[:, self.delay : self.delay + samples].unsqueeze(1)
