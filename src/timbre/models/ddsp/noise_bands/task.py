"""What training does with a network of noise bands."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor, nn

from timbre.dsp.spectral import fft_sizes_from, multi_scale_spectral_loss
from timbre.models.ddsp.noise_bands.network import NoiseBands
from timbre.models.material import too_little
from timbre.models.phase import Phase

# Start of a crop that is not judged, since there the recurrent network is cold: so long, and at most such a share.
UNJUDGED_SECONDS = 0.1
UNJUDGED_SHARE = 0.5


class NoiseBandTask(nn.Module):
    """Resynthesis of recordings from their own level, centroid and depth, judged by the multi-scale spectral loss.

    preset: of params.yaml (`timbre.params.DdspSize`); hop_samples: of the cache, in whose frames crops are cut.
    """

    betas = (0.9, 0.999)

    def __init__(self, network: NoiseBands, preset: dict, hop_samples: int) -> None:
        super().__init__()
        self.network = network
        self.fft_sizes = fft_sizes_from(preset["fft_seconds"], network.sample_rate)
        self.crop_seconds: float = preset["crop_seconds"]
        self.frame_seconds = hop_samples / network.sample_rate
        self.crop_frames = max(1, round(self.crop_seconds / self.frame_seconds))
        # It takes its own features of the audio.
        self.lead_frames = self.delay_frames = 0
        crop_samples = self.crop_frames * hop_samples
        self.unjudged = min(round(UNJUDGED_SECONDS * network.sample_rate), int(UNJUDGED_SHARE * crop_samples))
        self.phases = [Phase("resynthesis", preset["steps"], {"generator": preset["learning_rate"]}, "best")]

    def unmet(self, frames: int) -> list[str]:
        """A crop that is longer than all recordings together."""
        if frames >= self.crop_frames:
            return []
        demand = f"crop_seconds: a crop of {self.crop_seconds:g} s"
        seconds = frames * self.frame_seconds
        largest = math.floor(10.0 * seconds) / 10.0
        return [too_little(demand, self.crop_frames * self.frame_seconds, seconds, largest, least=0.1)]

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """One optimiser for all."""
        return {"generator": self.network.parameters()}

    def learned_parts(self) -> list[nn.Module]:
        """The decoder; what it controls are oscillators and filters, which want single precision."""
        return [self.network.decoder]

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group to train now, its loss, and what to log of it. All crops of a step hear the same noise."""
        loss = self._loss(batch, step * self.crop_frames)
        return "generator", loss, {"loss": loss.detach()}

    def start_validation(self) -> None:
        """Nothing is gathered."""

    def validation_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Figures to average over the validation set; `loss`, the lower the better, picks the best weights."""
        return {"loss": self._loss(batch, 0)}

    def finish_validation(self) -> dict[str, float]:
        """No figures but the means."""
        return {}

    def listen(self, batch: dict[str, Tensor]) -> Tensor:
        """What the network makes of the crops, aligned with their audio. [batch, 1, samples]."""
        return self.network(batch["audio"])

    def remarks(self, training_rows: list[dict], validation_rows: list[dict]) -> list[str]:
        """None of its own."""
        return []

    def _loss(self, batch: dict[str, Tensor], first_hop: int) -> Tensor:
        audio, late = batch["audio"].squeeze(1), self.network.delay
        played = self.network.resynthesise(audio, first_hop)[:, self.unjudged + late :]
        return multi_scale_spectral_loss(played, audio[:, self.unjudged : audio.shape[1] - late], self.fft_sizes)
