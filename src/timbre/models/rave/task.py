"""What training does with a RAVE network: first a representation, then a decoder that plays against discriminators."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from timbre.dsp.augmentation import augment, pitch_input_samples
from timbre.dsp.chance import Chance, sent
from timbre.dsp.pooled import mean_of_all
from timbre.dsp.spectral import sizes_within, spectral_distance
from timbre.models.material import too_little
from timbre.models.phase import Phase
from timbre.models.rave import remarks
from timbre.models.rave.adversarial import feature_matching, hinge_discriminator, hinge_generator
from timbre.models.rave.discriminators import Discriminators
from timbre.models.rave.latent_basis import StreamingCovariance, dimensions_for, principal_axes
from timbre.models.rave.network import Rave

FFT_SIZES = [2048, 1024, 512, 256, 128]
BAND_FFT_SIZES = [2048, 1024, 512, 256, 128, 64, 32]
# Share of a crop (its start; its end too, where the network looks ahead) that is at most left out of the losses, since
# there the network hears the silence around the crop instead of what was played.
UNJUDGED_SHARE = 0.5
# Two windows of the smallest FFT.
LEAST_JUDGED_SAMPLES = 2 * min(FFT_SIZES)
# Share of the first phase in which the regularisation rises from nothing.
WARM_UP_SHARE = 0.2
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
        self.hop_samples = hop_samples
        self.crop_frames, self.lead_frames, self.delay_frames = self._heard_frames(self.crop_samples), 0, 0
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
        ends = 2 if network.decoder.delay > 0 else 1
        unjudged = min(network.receptive_samples, int(UNJUDGED_SHARE / ends * self.crop_samples))
        self.unjudged_rows = unjudged // bands
        self.unjudged_end_rows = self.unjudged_rows if ends == 2 else 0
        # What is neither judged nor heard by the filter bank in what is judged need not be played.
        heard_before = max(0, network.synthesis.context - network.pqmf_delay // bands)
        self.unplayed_rows = max(0, self.unjudged_rows - heard_before)
        self.covariance = StreamingCovariance(network.latent_size)

    def unmet(self, frames: int) -> list[str]:
        """A crop too short to be judged or longer than all recordings, or too many latent dimensions.

        There must be a frame of the code for each dimension.
        """
        network = self.network
        rate, samples, value = network.sample_rate, frames * self.hop_samples, self.crop_samples
        unit, late = math.lcm(network.hop, self.hop_samples), network.pqmf_delay
        least = -(-math.ceil((late + LEAST_JUDGED_SAMPLES) / (1.0 - UNJUDGED_SHARE)) // unit) * unit
        if value < least:
            return [
                f"crop_samples: of a crop of {value} too little is judged: up to half of it and the filter bank's "
                f"delay of {late} are left out. Write {least} or more."
            ]
        lines = []
        if frames < self.crop_frames:
            largest = value // unit * unit
            while largest > 0 and self._heard_frames(largest) > frames:
                largest -= unit
            needed = self.crop_frames * self.hop_samples / rate
            lines.append(too_little(f"crop_samples: a crop of {value}", needed, samples / rate, largest, least))
        codes = samples // network.hop
        if codes < network.latent_size:
            demand = f"latent_size: {network.latent_size} dimensions for only {codes} latent frames; a frame for each"
            lines.append(too_little(demand, network.latent_size * network.hop / rate, samples / rate, codes, least=1))
        return lines

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """The network, and what it plays against."""
        groups: dict[str, Iterable[nn.Parameter]] = {"generator": self.network.parameters()}
        if self.discriminators is not None:
            groups["discriminator"] = self.discriminators.parameters()
        return groups

    def learned_parts(self) -> list[nn.Module]:
        """All that convolves, but for the heads of the decoder, which put out sound."""
        nets = [] if self.discriminators is None else list(self.discriminators.nets)
        return [self.network.encoder, self.network.decoder.body, *nets]

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group to train now, its loss, and what to log of it."""
        chance = Chance(batch["chance"].tolist())
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
        self, audio: Tensor, bands: Tensor, first_sample: Tensor, chance: Chance, progress: float
    ) -> tuple[str, Tensor, dict[str, Tensor]]:
        raw = self.network.encoder(bands)
        z, irregular, figures = self.network.latent(raw, self._noise(raw, chance))
        played_bands, played = self._play(z, first_sample)
        loss, terms = self._distance(audio, bands, played, played_bands)
        weight = self.preset["waveform_weight"] * (1.0 - progress) ** 2
        if weight > 0.0:
            target, estimate = self._judged_bands(bands, played_bands)
            power = mean_of_all(target.square().mean())
            terms["waveform"] = (target - estimate).square().mean() / (power + 1e-9)
            loss = loss + weight * terms["waveform"]
        loss = loss + self.preset["regularisation_weight"] * min(1.0, progress / WARM_UP_SHARE) * irregular
        return "generator", loss, _logged({"loss": loss, **terms, **figures})

    def _discriminators_turn(
        self, audio: Tensor, bands: Tensor, first_sample: Tensor, chance: Chance
    ) -> tuple[str, Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            _, played = self._play(self._frozen_code(bands, chance), first_sample)
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
        self, audio: Tensor, bands: Tensor, first_sample: Tensor, chance: Chance
    ) -> tuple[str, Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            z = self._frozen_code(bands, chance)
        played_bands, played = self._play(z, first_sample)
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
        played_bands, played = self._play(z, first_sample)
        loss, terms = self._distance(audio, bands, played, played_bands)
        self.network.latent.eval()  # codebooks rest
        _, _, figures = self.network.latent(raw, self._noise(raw, Chance([0] * len(raw))))
        return {"loss": loss, **terms, **figures}

    def finish_validation(self) -> dict[str, float]:
        """Turn the latent to the principal axes of the validation set; how many of them reach which fidelity."""
        axes, explained = principal_axes(self.covariance.covariance)
        network = self.network
        network.latent_axes.copy_(axes)
        network.latent_explained.copy_(explained)
        return {f"dimensions_{share:.0%}": float(dimensions_for(explained, share)) for share in FIDELITIES}

    def listen(self, batch: dict[str, Tensor]) -> Tensor:
        """What the network makes of a batch, [batch, channels, samples]."""
        return self.network(batch["audio"])

    def remarks(self, training_rows: list[dict], validation_rows: list[dict]) -> list[str]:
        """What the curves show of the two ways in which this training fails."""
        return remarks.remarks(training_rows, validation_rows, self.preset["regularisation_weight"])

    def _heard_frames(self, crop_samples: int) -> int:
        """Frames of the cache that a crop is made from."""
        pitched = "pitch" in self.augmentations
        return -(-(pitch_input_samples(crop_samples) if pitched else crop_samples) // self.hop_samples)

    def _noise(self, raw: Tensor, chance: Chance) -> Tensor:
        return sent(chance.normal(self.network.latent_size, raw.shape[2]), raw.device)

    def _frozen_code(self, bands: Tensor, chance: Chance) -> Tensor:
        """A draw of the latent as it is after the first phase; codebooks rest too."""
        self.network.latent.eval()
        raw = self.network.encoder(bands)
        return self.network.latent.mean(raw) + self.network.latent.spread(raw) * self._noise(raw, chance)

    def _play(self, z: Tensor, first_sample: Tensor) -> tuple[Tensor, Tensor]:
        """Bands and audio, without their first `unplayed_rows`."""
        return self.network.resynthesise(z, first_sample, self.unplayed_rows)

    def _judged_bands(self, bands: Tensor, played: Tensor) -> tuple[Tensor, Tensor]:
        """Target and sound as bands."""
        begin, end = self.unjudged_rows, bands.shape[2] - self.unjudged_end_rows
        return bands[:, :, begin:end], played[:, :, begin - self.unplayed_rows : end - self.unplayed_rows]

    def _judged(self, audio: Tensor, played: Tensor) -> tuple[Tensor, Tensor]:
        """Target and sound, the target as much later as the filter bank makes the sound."""
        bands, delay = self.network.analysis.bands, self.network.pqmf_delay
        begin = self.unjudged_rows * bands
        end = audio.shape[2] - max(self.unjudged_end_rows * bands, delay)
        later = delay - self.unplayed_rows * bands
        return audio[:, :, begin:end], played[:, :, begin + later : end + later]

    def _distance(
        self, audio: Tensor, bands: Tensor, played: Tensor, played_bands: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Spectral distance of the full band and of the bands, their sum first."""
        target, sound = self._judged(audio, played)
        full = spectral_distance(target, sound, sizes_within(FFT_SIZES, target.shape[2]))
        target, sound = self._judged_bands(bands, played_bands)
        split = spectral_distance(target, sound, sizes_within(BAND_FFT_SIZES, target.shape[2])[:5])
        return full + split, {"full_band": full, "bands": split}


def _logged(figures: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in figures.items()}
