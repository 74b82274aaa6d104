"""The RAVE network, audio to bands to latent code and back (Caillon & Esling 2021, arXiv 2111.05011)."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from timbre.dsp.noise import hashed_normal
from timbre.models.control import Control, neutral_settings
from timbre.models.rave.blocks import encoder_v1, encoder_v2
from timbre.models.rave.decoder import Decoder
from timbre.models.rave.latent import make_latent
from timbre.models.rave.latent_basis import dimensions_for
from timbre.nn.conv import Weighted
from timbre.nn.pqmf import Analysis, Synthesis, pair_delay_samples


class Rave(nn.Module):
    """Codes audio [batch, channels, samples] into a latent of one frame in `hop` samples and decodes it again.

    `step` takes whole hops; what it plays belongs to the sound `delay` samples earlier: that of the filter bank and,
    where the network looks ahead, of that. `forward`, the whole sound, puts that right. The latent is turned to its
    principal axes, and `latent_dimensions` of them are kept: all, until `keep` is asked for fewer.
    `settings` are the values of `controls`; `knobs` name those that a plug-in shows.
    """

    controls: ClassVar[list[Control]] = [
        Control("temperature", 0.0, 4.0, 0.0, 0.0, "standard deviations",
                "Chance in the latent: 0 plays its mean, 1 what training heard. The same in every run.", (0.0, 2.0)),
        Control("input_gain_db", -40.0, 40.0, 0.0, 0.0, "dB",
                "Makes a quiet input louder before anything else hears it.", (-20.0, 20.0)),
        Control("latent_1_offset", -8.0, 8.0, 0.0, 0.0, "",
                "Added to the latent dimension that varies most.", (-3.0, 3.0)),
        Control("latent_2_offset", -8.0, 8.0, 0.0, 0.0, "",
                "Added to the dimension that varies second most.", (-3.0, 3.0)),
    ]  # fmt: skip
    knobs = ("latent_1_offset", "latent_2_offset", "temperature", "input_gain_db")

    def __init__(
        self,
        sample_rate: int,
        channels: int,
        blocks: str,
        capacity: int,
        ratios: list[int],
        dilations: list[list[int]],
        activation: str,
        noise: bool,
        no_latency: bool,
        pqmf_bands: int,
        pqmf_attenuation_db: float,
        latent_size: int,
        regularisation: str,
    ) -> None:
        super().__init__()
        self.sample_rate, self.channels, self.latent_size = sample_rate, channels, latent_size
        self.ratio = math.prod(ratios)
        self.hop = pqmf_bands * self.ratio
        self.pqmf_delay = pair_delay_samples(pqmf_bands, pqmf_attenuation_db)
        bands = channels * pqmf_bands
        self.analysis = Analysis(pqmf_bands, pqmf_attenuation_db, channels)
        self.synthesis = Synthesis(pqmf_bands, pqmf_attenuation_db, channels)
        self.latent = make_latent(regularisation, latent_size)
        raw_size = self.latent.raw_size
        if blocks == "v1":
            self.encoder = encoder_v1(bands, capacity, ratios, raw_size, activation, no_latency)
        else:
            self.encoder = encoder_v2(bands, capacity, ratios, dilations, raw_size, activation, no_latency)
        self.decoder = Decoder(
            blocks, bands, latent_size, capacity, ratios, dilations, activation, noise, no_latency, self.encoder.delay
        )
        self.delay = self.pqmf_delay + pqmf_bands * self.decoder.delay
        # Of the means on the validation set: principal axes about zero as rows, and the share that the first explain.
        self.register_buffer("latent_axes", torch.eye(latent_size))
        self.register_buffer("latent_explained", torch.arange(1, latent_size + 1) / latent_size)
        self.latent_dimensions = latent_size
        self.moved_axes = min(2, latent_size)
        self.register_buffer("settings", neutral_settings(self.controls), persistent=False)
        # From one setting of the input gain to the next.
        self.register_buffer("ramp", torch.arange(1, self.hop + 1) / self.hop, persistent=False)
        frames = self.encoder.inputs_for(self.decoder.body.inputs_for(self.decoder.waveform.inputs_for(1)))
        self.receptive_samples = pqmf_bands * frames + 2 * self.pqmf_delay
        self.tail_samples = self.receptive_samples

    @torch.jit.ignore
    def keep(self, fidelity: float) -> None:
        """Keep just as many principal axes as explain a share `fidelity` of the latent's variance."""
        self.latent_dimensions = dimensions_for(self.latent_explained, fidelity)

    @torch.jit.ignore
    def fold(self) -> None:
        """Make every weight the plain matrix that streams need; the network cannot be trained any more."""
        for module in self.modules():
            if isinstance(module, Weighted):
                module.fold()

    def initial_state(self, batch: int) -> list[Tensor]:
        """The parts' states, one after the other."""
        return self.initial_encoder_state(batch) + self.initial_decoder_state(batch)

    def initial_encoder_state(self, batch: int) -> list[Tensor]:
        """Frames heard, the input gain (as a factor), then the states of filter bank and encoder."""
        device = self.latent_axes.device
        heard = torch.zeros(batch, dtype=torch.int64, device=device)
        gain = torch.zeros(batch, 1, 1, device=device)
        return [heard, gain] + self.analysis.initial_state(batch) + self.encoder.initial_state(batch)

    def initial_decoder_state(self, batch: int) -> list[Tensor]:
        """Frames heard, then the states of decoder and filter bank."""
        heard = torch.zeros(batch, dtype=torch.int64, device=self.latent_axes.device)
        return [heard] + self.decoder.initial_state(batch) + self.synthesis.initial_state(batch)

    def step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The next whole hops of a stream. [batch, channels, frames * hop] -> the same, and the state after them."""
        at = 3 + self.encoder.states
        z, encoder_state = self.encode_step(audio, state[:at])
        y, decoder_state = self.decode_step(z, state[at:], self.encoder.delay)
        return y, encoder_state + decoder_state

    def encode_step(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Audio -> kept latent dimensions [batch, latent_dimensions, frames], late by `encoder.delay` frames."""
        heard = state[0]
        audio, gain = self._gained(audio, heard, state[1])
        rows, analysis_state = self.analysis.step(audio, state[2:3])
        raw, encoder_state = self.encoder.step(rows, state[3:])
        z = self._code(raw.transpose(1, 2), heard - self.encoder.delay)
        return z, [heard + z.shape[2], gain] + analysis_state + encoder_state

    def decode_step(self, z: Tensor, state: list[Tensor], late: int = 0) -> tuple[Tensor, list[Tensor]]:
        """Latent frames [batch, dimensions, frames], `late` of them from before the sound -> audio.

        Any number of dimensions will do, the first are the largest.
        """
        heard = state[0]
        rows = self._decodable(z, heard - late).transpose(1, 2)
        first_sample = heard * self.ratio - self.decoder.delay
        rows, decoder_state = self.decoder.step(rows, state[1:-1], first_sample)
        y, synthesis_state = self.synthesis.step(rows, state[-1:])
        return y, [heard + z.shape[2]] + decoder_state + synthesis_state

    def _gained(self, audio: Tensor, heard: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """Audio with the input gain, which reaches a new setting within the first hop; and that gain."""
        gain = (10.0 ** (self.settings[1] / 20.0)).to(audio.dtype)
        last = torch.where(heard.view(-1, 1, 1) == 0, gain, last)
        first = audio[:, :, : self.hop] * torch.lerp(last, gain, self.ramp)
        return torch.cat([first, audio[:, :, self.hop :] * gain], dim=2), gain.expand_as(last)

    def _code(self, raw: Tensor, first_frame: Tensor) -> Tensor:
        """The encoder's output as kept dimensions. first_frame: [batch] int64, for the chance that is set."""
        z = self.latent.mean(raw)
        if self._chance_counts():
            z = z + self.settings[0] * self.latent.spread(raw) * self._chance(first_frame, raw.shape[2])
        axes = self.latent_axes[: self.latent_dimensions]
        return torch.matmul(axes, z)

    def _decodable(self, z: Tensor, first_frame: Tensor) -> Tensor:
        """Latent dimensions as the decoder wants them: the others at zero or by chance, nothing before frame 0."""
        kept, frames = z.shape[1], z.shape[2]
        full = torch.matmul(self.latent_axes[:kept].t(), z)
        offsets = self.settings[2 : 2 + self.moved_axes].to(z.dtype)
        full = full + torch.matmul(offsets, self.latent_axes[: self.moved_axes]).unsqueeze(1)
        if kept < self.latent_size and self._chance_counts():
            # Frames count from 2^40 here, so that this chance is not the encoder's.
            chance = self._chance(first_frame + (1 << 40) // self.latent_size, frames)
            full = full + self.settings[0] * torch.matmul(self.latent_axes[kept:].t(), chance[:, kept:])
        index = first_frame[:, None] + torch.arange(frames, device=z.device)
        return full * (index >= 0).unsqueeze(1)

    def _chance_counts(self) -> bool:
        """Whether the temperature is over 0; in a graph without branches it always counts, times the temperature."""
        if not torch.jit.is_scripting():
            if torch.onnx.is_in_onnx_export():
                return True
        return bool(self.settings[0] > 0.0)

    def _chance(self, first_frame: Tensor, frames: int) -> Tensor:
        """Standard normal numbers [batch, latent_size, frames], a function of the frame's index."""
        numbers = hashed_normal(first_frame * self.latent_size, frames * self.latent_size)
        return numbers.view(first_frame.shape[0], frames, self.latent_size).transpose(1, 2)

    @torch.jit.ignore
    def resynthesise(self, z: Tensor, first_sample: Tensor, skipped: int = 0) -> tuple[Tensor, Tensor]:
        """For training: latent frames [batch, latent_size, frames] -> bands, and audio late by `pqmf_delay`.

        first_sample: [batch] int64, index of the first band sample, for the noise. skipped: how many of the first band
        samples are left out of both; the audio then begins with what the filter bank makes of silence before.
        """
        bands = self.decoder(z, first_sample, skipped)
        return bands, self.synthesis(bands)

    @torch.jit.ignore
    def forward(self, audio: Tensor) -> Tensor:
        """The whole sound, aligned with its input. [batch, channels, samples] -> the same shape, any length."""
        batch, _, samples = audio.shape
        audio = audio * (10.0 ** (self.settings[1] / 20.0)).to(audio.dtype)
        # A network that looks ahead sounds before its input does and hears beyond its end, as it would in a stream.
        ahead = self.decoder.delay > 0
        before = -(-self.receptive_samples // self.hop) if ahead else 0
        after = self.receptive_samples if ahead else self.pqmf_delay
        padded = nn.functional.pad(audio, [before * self.hop, after + -(samples + after) % self.hop])
        first = torch.full([batch], -before, dtype=torch.int64, device=audio.device)
        z = self._decodable(self._code(self.encoder(self.analysis(padded)), first), first)
        y = self.synthesis(self.decoder(z, first * self.ratio))
        begin = before * self.hop + self.pqmf_delay
        return y[:, :, begin : begin + samples]
