"""What training does with a RAVE network: first a representation, then a decoder that plays against discriminators."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from timbre.dsp.augmentation import augment, pitch_input_samples
from timbre.dsp.spectral import sizes_within, spectral_distance
from timbre.models.phase import Phase
from timbre.models.rave import remarks
from timbre.models.rave.adversarial import feature_matching, hinge_discriminator, hinge_generator
from timbre.models.rave.discriminators import Discriminators
from timbre.models.rave.latent_basis import StreamingCovariance, dimensions_for, principal_axes
from timbre.models.rave.network import Rave

FFT_SIZES = [2048, 1024, 512, 256, 128]
BAND_FFT_SIZES = [2048, 1024, 512, 256, 128, 64, 32]
# Share of a crop's start (and of its end, where the network looks ahead) that is at most left out of the losses, since
# there the network hears the silence around the crop instead of what was played.
UNJUDGED_SHARE = 0.5
# Shares of the first phase in which the regularisation rises from nothing, and the waveform's weight falls to it.
WARM_UP_SHARE = 0.2
WAVEFORM_SHARE = 0.8
# Of the two terms of the second phase, by the generation of the blocks; each is applied once.
FEATURE_MATCHING_WEIGHT = {"v1": 10.0, "v2": 20.0}
ADVERSARIAL_WEIGHT = 1.0
DISCRIMINATOR_RATE = 1e-4
FIDELITIES = (0.8, 0.9, 0.95, 0.99)


class RaveTask(nn.Module):
    """Phase 1 trains encoder and decoder by spectral distances; phase 2 the decoder alone, against discriminators.

    preset: of params.yaml (`timbre.params.RaveSize`); hop_samples: of the cache, in whose frames crops are cut.
    """

    def __init__(self, network: Rave, preset: dict, hop_samples: int) -> None:
        super().__init__()
        self.network = network
        self.preset = preset
        self.augmentations: list[str] = preset["augmentations"]
        self.crop_samples: int = preset["crop_samples"]
        heard = self.crop_samples
        if "pitch" in self.augmentations:
            heard = pitch_input_samples(heard)
        self.crop_frames, self.lead_frames, self.delay_frames = -(-heard // hop_samples), 0, 0
        names = preset["discriminators"]
        adversarial = round(preset["adversarial_share"] * preset["steps"])
        self.first_steps = preset["steps"] - adversarial
        rate = preset["learning_rate"]
        self.phases = [
            Phase("representation", self.first_steps, {"generator": rate}, "best"),
            # The decoder begins where it ended, so it moves by smaller steps.
            Phase("adversarial", adversarial, {"generator": 0.1 * rate, "discriminator": DISCRIMINATOR_RATE}, "last"),
        ]
        # As neural codecs and vocoders have them (Kong et al. 2020, HiFi-GAN): both phases like a short memory.
        self.betas = (0.8, 0.99)
        self.discriminators = Discriminators(names, network.channels, preset["capacity"]) if adversarial else None
        bands = network.analysis.bands
        unjudged = min(network.receptive_samples, int(UNJUDGED_SHARE * self.crop_samples))
        self.unjudged_rows = unjudged // bands
        self.unjudged_end_rows = self.unjudged_rows if network.decoder.delay > 0 else 0
        self.covariance = StreamingCovariance(network.latent_size)

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """The network, and what it plays against."""
        groups: dict[str, Iterable[nn.Parameter]] = {"generator": self.network.parameters()}
        if self.discriminators is not None:
            groups["discriminator"] = self.discriminators.parameters()
        return groups

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group to train now, its loss, and what to log of it."""
        chance = torch.Generator().manual_seed(step)
        with torch.no_grad():
            audio = augment(batch["audio"], self.augmentations, self.crop_samples, chance)
            bands = self.network.analysis(audio)
        first_sample = (batch["position_samples"] + step * self.network.sample_rate) // self.network.analysis.bands
        if step < self.first_steps:
            return self._representation(audio, bands, first_sample, chance, step / self.first_steps)
        if (step - self.first_steps) % self.preset["discriminator_every"] == 0:
            return self._discriminators_turn(audio, bands, first_sample, chance)
        return self._decoders_turn(audio, bands, first_sample, chance)

    def _representation(
        self, audio: Tensor, bands: Tensor, first_sample: Tensor, chance: torch.Generator, progress: float
    ) -> tuple[str, Tensor, dict[str, Tensor]]:
        raw = self.network.encoder(bands)
        z, irregular, figures = self.network.latent(raw, self._noise(raw, chance))
        played_bands, played = self.network.resynthesise(z, first_sample)
        loss, terms = self._distance(audio, bands, played, played_bands)
        weight = self.preset["waveform_weight"] * max(0.0, 1.0 - progress / WAVEFORM_SHARE)
        if weight > 0.0:
            target, estimate = self._judged_bands(bands), self._judged_bands(played_bands)
            terms["waveform"] = (target - estimate).square().mean() / (target.square().mean() + 1e-9)
            loss = loss + weight * terms["waveform"]
        loss = loss + self.preset["regularisation_weight"] * min(1.0, progress / WARM_UP_SHARE) * irregular
        return "generator", loss, _logged({"loss": loss, **terms, **figures})

    def _discriminators_turn(
        self, audio: Tensor, bands: Tensor, first_sample: Tensor, chance: torch.Generator
    ) -> tuple[str, Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            _, played = self.network.resynthesise(self._frozen_code(bands, chance), first_sample)
            real, fake = self._judged(audio, played)
        self.discriminators.requires_grad_(True)
        real_features, fake_features = self.discriminators.both(real, fake)
        loss = hinge_discriminator(real_features, fake_features)
        figures = {
            "discriminator_loss": loss,
            "score_real": torch.stack([features[-1].mean() for features in real_features]).mean(),
            "score_fake": torch.stack([features[-1].mean() for features in fake_features]).mean(),
        }
        return "discriminator", loss, _logged(figures)

    def _decoders_turn(
        self, audio: Tensor, bands: Tensor, first_sample: Tensor, chance: torch.Generator
    ) -> tuple[str, Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            z = self._frozen_code(bands, chance)
        played_bands, played = self.network.resynthesise(z, first_sample)
        loss, terms = self._distance(audio, bands, played, played_bands)
        real, fake = self._judged(audio, played)
        # The way through the discriminators is differentiated, their weights are not.
        self.discriminators.requires_grad_(False)
        real_features, fake_features = self.discriminators.both(real, fake)
        blocks = self.preset["blocks"]
        terms["adversarial"] = hinge_generator(fake_features)
        terms["feature_matching"] = feature_matching(real_features, fake_features, relative=blocks == "v2")
        loss = loss + ADVERSARIAL_WEIGHT * terms["adversarial"]
        loss = loss + FEATURE_MATCHING_WEIGHT[blocks] * terms["feature_matching"]
        return "generator", loss, _logged({"loss": loss, **terms})

    def start_validation(self) -> None:
        """Forget the latent of the last validation."""
        self.covariance = StreamingCovariance(self.network.latent_size)

    def validation_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The spectral distance of what the mean of the latent sounds like; `loss` picks the best weights."""
        audio = batch["audio"][:, :, : self.crop_samples]
        bands = self.network.analysis(audio)
        raw = self.network.encoder(bands)
        z = self.network.latent.mean(raw)
        self.covariance.add(z)
        first_sample = batch["position_samples"] // self.network.analysis.bands
        played_bands, played = self.network.resynthesise(z, first_sample)
        loss, terms = self._distance(audio, bands, played, played_bands)
        self.network.latent.eval()  # codebooks rest
        _, _, figures = self.network.latent(raw, self._noise(raw, torch.Generator().manual_seed(0)))
        return {"loss": loss, **terms, **figures}

    def finish_validation(self) -> dict[str, float]:
        """Turn the latent to the principal axes of the validation set; how many of them reach which fidelity."""
        axes, explained = principal_axes(self.covariance.covariance)
        network = self.network
        for name, value in (("mean", self.covariance.mean), ("axes", axes), ("explained", explained)):
            getattr(network, f"latent_{name}").copy_(value.to(network.latent_mean))
        return {f"dimensions_{share:.0%}": float(dimensions_for(explained, share)) for share in FIDELITIES}

    def listen(self, batch: dict[str, Tensor]) -> Tensor:
        """What the network makes of a batch, [batch, channels, samples]."""
        return self.network(batch["audio"])

    def remarks(self, training_rows: list[dict], validation_rows: list[dict]) -> list[str]:
        """What the curves show of the two ways in which this training fails."""
        return remarks.remarks(training_rows, validation_rows, self.preset["regularisation_weight"])

    def _noise(self, raw: Tensor, chance: torch.Generator) -> Tensor:
        shape = [raw.shape[0], self.network.latent_size, raw.shape[2]]
        return torch.randn(shape, generator=chance).to(raw.device)

    def _frozen_code(self, bands: Tensor, chance: torch.Generator) -> Tensor:
        """A draw of the latent as it is after the first phase; codebooks rest too."""
        self.network.latent.eval()
        raw = self.network.encoder(bands)
        return self.network.latent.mean(raw) + self.network.latent.spread(raw) * self._noise(raw, chance)

    def _judged_bands(self, bands: Tensor) -> Tensor:
        return bands[:, :, self.unjudged_rows : bands.shape[2] - self.unjudged_end_rows]

    def _judged(self, audio: Tensor, played: Tensor) -> tuple[Tensor, Tensor]:
        """Target and sound, the target as much later as the filter bank makes the sound."""
        bands, delay = self.network.analysis.bands, self.network.pqmf_delay
        begin = self.unjudged_rows * bands
        end = audio.shape[2] - max(self.unjudged_end_rows * bands, delay)
        return audio[:, :, begin:end], played[:, :, begin + delay : end + delay]

    def _distance(
        self, audio: Tensor, bands: Tensor, played: Tensor, played_bands: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Spectral distance of the full band and of the bands, their sum first."""
        target, sound = self._judged(audio, played)
        full = spectral_distance(target, sound, sizes_within(FFT_SIZES, target.shape[2]))
        target, sound = self._judged_bands(bands), self._judged_bands(played_bands)
        split = spectral_distance(target, sound, sizes_within(BAND_FFT_SIZES, target.shape[2])[:5])
        return full + split, {"full_band": full, "bands": split}


def _logged(figures: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in figures.items()}
