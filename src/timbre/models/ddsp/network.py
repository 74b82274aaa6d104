"""The DDSP network, audio in, audio out: features, adaptation, decoder, synthesiser, reverb."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.features.extractor import extractor_of
from timbre.features.loudness import FLOOR_DB
from timbre.models.control import neutral_settings
from timbre.models.ddsp.adaptation import Adaptation, shifted_hz
from timbre.models.ddsp.controls import LEVEL_CONTROLS, PITCH_CONTROLS, Glide
from timbre.models.ddsp.decoder import Decoder
from timbre.models.ddsp.synthesiser import Synthesiser
from timbre.nn.reverb import Reverb

# Places in the state: what the adaptation knows of the input so far, and where oscillators and noise are.
ADAPTATION_STATE = range(3, 11)
PHASE_STATE = (15, 16)


class Ddsp(nn.Module):
    """Plays its timbre with the pitch and loudness of mono audio [batch, 1, samples].

    `step` takes whole hops and is causal: what it plays belongs to the sound `delay` samples earlier, since a feature
    describes the middle of its window. `forward`, the whole sound, puts that right. `settings` are the values of
    `controls`, neutral at first, and may change between steps; `knobs` name those that a plug-in shows. `encode_step`
    and `decode_step` are a stream in two parts, with the features as `code` between them and no adaptation.
    """

    channels = 1
    controls = LEVEL_CONTROLS + PITCH_CONTROLS
    code = ("pitch in Hz, 0 where there is none", "loudness in dB over -100 dB (A): 0 is silence")

    def __init__(
        self,
        features: dict,
        statistics: dict,
        hidden: int,
        layers: int,
        harmonics: int,
        noise_bands: int,
        reverb_seconds: float,
        loudness_skip: bool,
        aligned: bool,
    ) -> None:
        super().__init__()
        rate, hop = features["sample_rate"], features["hop_samples"]
        self.sample_rate = rate
        self.hop = hop
        self.extractor_config = dict(features)
        self.register_buffer("settings", neutral_settings(self.controls), persistent=False)
        room = "reverb_mix" if reverb_seconds > 0.0 else "gate_dbfs"
        self.knobs = ["pitch_shift_semitones", "harmonic_noise_balance", room, "loudness_offset_db"]
        self.extractor = extractor_of(features)
        self.delay = self.extractor.alignment_frames * hop if aligned else 0
        # Of `code`: what a host sends where nothing is patched, 0, must be silence.
        self.floor_db = FLOOR_DB
        self.glide = Glide(rate / hop)
        self.adaptation = Adaptation(statistics, rate / hop, self.extractor.first_f0_hz)
        self.decoder = Decoder(hidden, layers, harmonics, noise_bands, rate, loudness_skip)
        self.synthesiser = Synthesiser(harmonics, noise_bands, hop, rate)
        taps = max(hop, round(reverb_seconds * rate))
        self.reverb = Reverb(taps, hop) if reverb_seconds > 0.0 else None
        # How long it may ring after its input has ended.
        self.tail_samples = taps if reverb_seconds > 0.0 else 0

    def initial_state(self, batch: int) -> list[Tensor]:
        """The parts' states, one after the other."""
        state = self.extractor.initial_state(batch) + self._initial_glide(batch)
        return state + self.adaptation.initial_state(batch) + self._initial_instrument(batch)

    def initial_encoder_state(self, batch: int) -> list[Tensor]:
        """Of the extractor."""
        return self.extractor.initial_state(batch)

    def initial_decoder_state(self, batch: int) -> list[Tensor]:
        """The pitch held in Hz, then the states of glide and instrument."""
        glide = self._initial_glide(batch)
        held = torch.full([batch, 1], self.extractor.first_f0_hz, device=glide[0].device)
        return [held] + glide + self._initial_instrument(batch)

    def _initial_glide(self, batch: int) -> list[Tensor]:
        return self.glide.initial_state(batch, len(self.settings), self.settings.device)

    def _initial_instrument(self, batch: int) -> list[Tensor]:
        """Of decoder, synthesiser and reverb."""
        state = self.decoder.initial_state(batch) + self.synthesiser.initial_state(batch)
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
        values, glide_state = self.glide.step(self.settings, features[0].shape[1], state[3:4])
        adapted, adaptation_state = self.adaptation.step(features, values, state[4:11])
        sound, instrument_state = self._play(adapted, values, state[3], state[11:])
        return sound, extractor_state + glide_state + adaptation_state + instrument_state

    def encode_step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Audio [batch, 1, frames * hop] -> `code` [batch, 2, frames]."""
        features, state = self.extractor.step(audio.squeeze(1), state)
        return torch.stack([features[0] * features[1], features[2] - self.floor_db], dim=1), state

    def decode_step(self, code: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """`code` [batch, 2, frames] -> audio, with the settings of pitch, loudness, balance and room."""
        values, glide_state = self.glide.step(self.settings, code.shape[2], state[1:2])
        loudness_db, opened = self.adaptation.level.shifted(code[:, 1] + self.floor_db, values)
        voiced = opened & (code[:, 0] > 0.0)
        # Where there is no pitch, or no sound, the last one is held.
        steps = torch.arange(code.shape[2] + 1, device=code.device) * nn.functional.pad(voiced, [1, 0])
        pitches = torch.cat([state[0], code[:, 0]], dim=1)
        f0_hz = pitches.gather(1, torch.cummax(steps, dim=1)[0])[:, 1:]
        adapted = [shifted_hz(f0_hz, values[..., 5] / 12.0), voiced.to(code.dtype), loudness_db]
        sound, instrument_state = self._play(adapted, values, state[1], state[2:])
        return sound, [f0_hz[:, -1:]] + glide_state + instrument_state

    def _play(
        self, adapted: list[Tensor], values: Tensor, last_values: Tensor, state: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Features as the instrument is to hear them -> audio. state: of decoder, synthesiser and reverb."""
        controls, decoder_state = self.decoder.step(adapted, state[0:1])
        sound, synthesiser_state = self.synthesiser.step(adapted[0], self.balanced(controls, values), state[1:6])
        after = decoder_state + synthesiser_state
        if self.reverb is not None:
            wet, reverb_state = self.reverb.step(sound, state[6:8])
            sound = sound + self.mixed(wet, values, last_values)
            after = after + reverb_state
        return sound.unsqueeze(1), after

    def balanced(self, controls: list[Tensor], values: Tensor) -> list[Tensor]:
        """Tone and noise in the balance that is set."""
        balance = values[..., 6:7]
        return [controls[0] * (1.0 + balance).clamp(max=1.0), controls[1] * (1.0 - balance).clamp(max=1.0)]

    def mixed(self, wet: Tensor, values: Tensor, last: Tensor) -> Tensor:
        """The room's part of the sound [batch, samples] in the amount that is set, faded from frame to frame."""
        ends = values[..., 7]
        first = torch.where(torch.isnan(last[:, 7:8]), ends[:, :1], last[:, 7:8])
        starts = torch.cat([first, ends[:, :-1]], dim=1)
        ramp = torch.arange(1, self.hop + 1, device=wet.device) / self.hop
        amount = starts.unsqueeze(2) + (ends - starts).unsqueeze(2) * ramp
        return wet * amount.reshape(wet.shape[0], -1)

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
        frames = features[0].shape[1]
        begin = self.glide.initial_state(batch, len(self.settings), audio.device)
        values, _ = self.glide.step(self.settings, frames, begin)
        features, _ = self.adaptation.step(features, values, self.adaptation.initial_state(batch))
        controls = self.balanced(self.decoder(features), values)
        state = self.synthesiser.initial_state(batch)
        pieces = []
        for first in range(0, frames, 512):
            part = slice(first, first + 512)
            sound, state = self.synthesiser.step(
                features[0][:, part], [control[:, part] for control in controls], state
            )
            pieces.append(sound)
        sound = torch.cat(pieces, dim=1)
        if self.reverb is not None:
            sound = sound + self.mixed(self.reverb(sound), values, begin[0])
        return sound[:, self.delay : self.delay + samples].unsqueeze(1)
