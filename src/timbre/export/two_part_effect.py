"""Networks as hosts play them in two parts, with what describes the sound between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.export.effect import StreamingEffect, cleaned
from timbre.models.control import default_settings


class TwoPartEffect(StreamingEffect):
    """A streaming effect whose network has a code.

    The parts have states of their own, so that they and `forward` may be used in turn. A code has one frame in `hop`
    samples.
    """

    def __init__(self, network: nn.Module, code_channels: int) -> None:
        super().__init__(network)
        self.code_channels = code_channels
        self.code_told = f"the code of this model has the shape [batch, {code_channels}, frames], one frame or more"
        self.encoding = torch.jit.annotate(list[Tensor], network.initial_encoder_state(1))
        self.decoding = torch.jit.annotate(list[Tensor], network.initial_decoder_state(1))

    @torch.jit.export
    def reset(self) -> None:
        """Forget everything heard, in all three."""
        self.state = self.network.initial_state(self.state[0].shape[0])
        self.encoding = self.network.initial_encoder_state(self.encoding[0].shape[0])
        self.decoding = self.network.initial_decoder_state(self.decoding[0].shape[0])

    def _encoded(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            heard = self._heard(x)
            if self._begins(x, self.encoding):
                self.encoding = self.network.initial_encoder_state(x.shape[0])
            code, self.encoding = self.network.encode_step(heard, self.encoding)
            return code

    def _decoded(self, code: Tensor, loudest: float) -> Tensor:
        with torch.no_grad():
            if self._begins(code, self.decoding):
                self.decoding = self.network.initial_decoder_state(code.shape[0])
            y, self.decoding = self.network.decode_step(cleaned(code, loudest), self.decoding)
            return y


class FeatureEffect(TwoPartEffect):
    """One whose code are features that a player can also make: `features` and `controls`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, len(network.code))
        self.highest = 0.5 * network.sample_rate

    @torch.jit.export
    def features(self, x: Tensor) -> Tensor:
        """Audio [batch, 1, frames * hop] -> what the network knows of it [batch, features, frames]."""
        return self._encoded(x)

    @torch.jit.export
    def controls(self, code: Tensor) -> Tensor:
        """Such features, or others' -> audio [batch, 1, frames * hop]."""
        if code.dim() != 3 or code.shape[1] != self.code_channels or code.shape[2] == 0:
            raise ValueError(self.code_told)
        return self._decoded(code, self.highest)


class _Rave(nn.Module):
    """Where RAVE-VST looks for what a model is like, up to its version of 2023."""

    def __init__(self, sample_rate: int, latent_size: int, stereo: bool) -> None:
        super().__init__()
        self.register_buffer("sampling_rate", torch.tensor(sample_rate))
        self.register_buffer("latent_size", torch.tensor(latent_size))
        self.stereo = stereo

    def forward(self) -> None:
        """Nothing to do."""


class LatentEffect(TwoPartEffect):
    """One with a latent code: `encode` and `decode`, and what RAVE-VST asks for.

    `decode` takes the dimensions that `encode` gives, or all `full_latent_size` of them; those that are missing are
    chance as strong as the temperature. `stereo` tells RAVE-VST that it may decode the two sides as a batch of two; in
    stereo mode such a batch comes out as two channels.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, network.latent_dimensions)
        self.latent_dimensions: int = network.latent_dimensions
        self.latent_size: int = network.latent_dimensions
        self.full_latent_size: int = network.latent_size
        self.sampling_rate: int = network.sample_rate
        self.sr: int = network.sample_rate
        self.stereo: bool = network.channels == 1
        self.stereo_mode: bool = False
        self.stereo_told = "stereo mode is for models of one channel: it decodes a batch of two as left and right"
        self.code_told = (
            f"decode takes latent frames of the shape [batch, {self.latent_dimensions}, frames], or "
            f"[batch, {self.full_latent_size}, frames] with all dimensions, one frame or more"
        )
        self._rave = _Rave(network.sample_rate, network.latent_size, self.stereo)

    @torch.jit.export
    def set_stereo_mode(self, stereo: bool) -> None:
        """Whether `decode` takes a batch of two for the two sides: [2, dimensions, frames] -> [1, 2, samples]."""
        if stereo and not self.stereo:
            raise ValueError(self.stereo_told)
        self.stereo_mode = stereo

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        """Audio [batch, channels, frames * hop] -> latent [batch, latent_dimensions, frames]."""
        return self._encoded(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        """Latent [batch, dimensions, frames] -> audio [batch, channels, frames * hop]."""
        known = z.dim() == 3 and (z.shape[1] == self.latent_dimensions or z.shape[1] == self.full_latent_size)
        if not known or z.shape[2] == 0:
            raise ValueError(self.code_told)
        if self.stereo_mode and z.shape[0] % 2 != 0:
            raise ValueError(self.stereo_told)
        y = self._decoded(z, 1e3)
        return torch.cat(y.chunk(2, dim=0), dim=1) if self.stereo_mode else y


def effect_of(network: nn.Module) -> TwoPartEffect:
    """The effect that a network makes, its controls at their defaults: with a latent code where it has one."""
    network.settings = default_settings(network.controls).to(network.settings.device)
    return LatentEffect(network) if hasattr(network, "latent_dimensions") else FeatureEffect(network)
