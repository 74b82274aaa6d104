"""What training does with a DDSP network."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from timbre.dsp.spectral import fft_sizes_for, multi_scale_spectral_loss
from timbre.models.ddsp.network import Ddsp

# Frames before a crop that the recurrent network hears first, so that it is not judged on its cold start.
WARM_UP_FRAMES = 8


class DdspTask(nn.Module):
    """Resynthesis of recordings from their own pitch and loudness, judged by the multi-scale spectral loss."""

    def __init__(self, network: Ddsp, crop_seconds: float) -> None:
        super().__init__()
        self.network = network
        self.fft_sizes = fft_sizes_for(network.sample_rate)
        self.crop_frames = max(1, round(crop_seconds * network.sample_rate / network.hop))
        self.lead_frames = WARM_UP_FRAMES
        self.delay_frames = network.delay // network.hop

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """One optimiser for all."""
        return {"generator": self.network.parameters()}

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group to train now, its loss, and what to log of it."""
        loss = self._loss(batch, batch["position_samples"] + step * self.network.sample_rate)
        return "generator", loss, {"loss": loss.detach()}

    def validation_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Figures to average over the validation set; `loss`, the lower the better, picks the best weights."""
        return {"loss": self._loss(batch, batch["position_samples"])}

    def _loss(self, batch: dict[str, Tensor], first_sample: Tensor) -> Tensor:
        features = [batch["f0_hz"], batch["voiced"], batch["loudness_db"]]
        sound = self.network.resynthesise(features, self.lead_frames, first_sample)
        return multi_scale_spectral_loss(sound, batch["audio"], self.fft_sizes)
