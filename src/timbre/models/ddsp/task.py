"""What training does with a DDSP network."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from timbre.dsp.pooled import mean_of_all
from timbre.dsp.spectral import fft_sizes_from, multi_scale_spectral_loss
from timbre.features.loudness import frame_loudness_db
from timbre.models.ddsp.network import Ddsp
from timbre.models.material import too_little
from timbre.models.phase import Phase

# Frames before a crop that the recurrent network hears first, so that it is not judged on its cold start.
WARM_UP_FRAMES = 8
LEAST_CONFIDENCE = 0.1
# Of a dB of loudness in the loss, which spectra alone leave a dB off: they count every bin alike, the ear does not.
LOUDNESS_WEIGHT = 0.1
# What is softer is a rest.
SOUNDING_DB = -60.0


def confidence(voiced: Tensor, clarity: Tensor) -> Tensor:
    """How much each moment counts, [batch, frames]: by its clarity where a pitch is claimed, else fully.

    Where the tracker doubts its pitch, the network would learn to play a wrong one well.
    """
    return torch.where(voiced > 0.5, clarity.clamp(min=LEAST_CONFIDENCE), torch.ones_like(clarity))


class DdspTask(nn.Module):
    """Resynthesis of recordings from their own pitch and loudness, judged by the multi-scale spectral loss."""

    betas = (0.9, 0.999)

    def __init__(self, network: Ddsp, preset: dict) -> None:
        super().__init__()
        self.network = network
        self.fft_sizes = fft_sizes_from(preset["fft_seconds"], network.sample_rate)
        self.crop_seconds: float = preset["crop_seconds"]
        self.crop_frames = max(1, round(self.crop_seconds * network.sample_rate / network.hop))
        self.lead_frames = WARM_UP_FRAMES
        self.delay_frames = network.delay // network.hop
        self.phases = [Phase("resynthesis", preset["steps"], {"generator": preset["learning_rate"]}, "best")]

    def unmet(self, frames: int) -> list[str]:
        """A crop that is longer than all recordings together."""
        frame_seconds = self.network.hop / self.network.sample_rate
        if frames >= self.crop_frames:
            return []
        demand = f"crop_seconds: a crop of {self.crop_seconds:g} s"
        largest = math.floor(10.0 * frames * frame_seconds) / 10.0
        return [too_little(demand, self.crop_frames * frame_seconds, frames * frame_seconds, largest, least=0.1)]

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """One optimiser for all."""
        return {"generator": self.network.parameters()}

    def learned_parts(self) -> list[nn.Module]:
        """The decoder; what it controls are oscillators and filters, which want single precision."""
        return [self.network.decoder]

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group to train now, its loss, and what to log of it."""
        loss = self._loss(batch, batch["position_samples"] + step * self.network.sample_rate)
        return "generator", loss, {"loss": loss.detach()}

    def start_validation(self) -> None:
        """Nothing is gathered."""

    def validation_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Figures to average over the validation set; `loss`, the lower the better, picks the best weights."""
        return {"loss": self._loss(batch, batch["position_samples"])}

    def finish_validation(self) -> dict[str, float]:
        """No figures but the means."""
        return {}

    def listen(self, batch: dict[str, Tensor]) -> Tensor:
        """The resynthesis of the crops' features, aligned with their audio. [batch, 1, samples]."""
        return self._resynthesis(batch, batch["position_samples"]).unsqueeze(1)

    def remarks(self, training_rows: list[dict], validation_rows: list[dict]) -> list[str]:
        """None of its own."""
        return []

    def _loss(self, batch: dict[str, Tensor], first_sample: Tensor) -> Tensor:
        sound = self._resynthesis(batch, first_sample)
        audio = batch["audio"].squeeze(1)
        trusted = confidence(batch["voiced"], batch["clarity"])[:, self.lead_frames :]
        spectral = multi_scale_spectral_loss(sound, audio, self.fft_sizes, trusted)
        return spectral + LOUDNESS_WEIGHT * self.loudness_error_db(sound, audio)

    def loudness_error_db(self, sound: Tensor, audio: Tensor) -> Tensor:
        """Mean difference in dB of the A-weighted level of sounds [batch, samples], where the second is no rest."""
        extractor = self.network.extractor
        ours, theirs = (
            frame_loudness_db(x.unfold(1, extractor.window, extractor.hop), extractor.hann, extractor.loudness_weights)
            for x in (sound, audio)
        )
        heard = (theirs > SOUNDING_DB).to(ours.dtype)
        return ((ours - theirs).abs() * heard).sum() / mean_of_all(heard.sum()).clamp(min=1.0)

    def _resynthesis(self, batch: dict[str, Tensor], first_sample: Tensor) -> Tensor:
        features = [batch["f0_hz"], batch["voiced"], batch["loudness_db"]]
        return self.network.resynthesise(features, self.lead_frames, first_sample)
