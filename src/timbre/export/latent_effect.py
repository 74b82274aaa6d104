"""A network with a latent code as hosts play it: also in two halves, with the code between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.export.effect import StreamingEffect


class LatentEffect(StreamingEffect):
    """A streaming effect with `encode` and `decode`.

    The halves have states of their own, so that they and `forward` may be used in turn. They take whole frames of `hop`
    samples and no queue makes them later; `decode(encode(x))` is `forward(x)` without its wait for a hop.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.latent_dimensions: int = network.latent_dimensions
        self.latent_told = f"decode takes latent frames of the shape [batch, {self.latent_dimensions}, frames]"
        self.block_told = f"encode takes blocks whose samples are a multiple of {self.hop}"
        self.encoding = torch.jit.annotate(list[Tensor], network.initial_encoder_state(1))
        self.decoding = torch.jit.annotate(list[Tensor], network.initial_decoder_state(1))

    @torch.jit.export
    def reset(self) -> None:
        """Forget everything heard, in all three."""
        self._begin(self.waiting.shape[0], self.waiting.device)
        self.encoding = self.network.initial_encoder_state(self.encoding[0].shape[0])
        self.decoding = self.network.initial_decoder_state(self.decoding[0].shape[0])

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        """Audio [batch, channels, frames * hop] -> latent [batch, latent_dimensions, frames]."""
        if x.dim() != 3 or x.shape[1] != self.channels:
            raise ValueError(self.shape_told)
        if x.shape[2] % self.hop != 0:
            raise ValueError(self.block_told)
        with torch.no_grad():
            if x.shape[0] != self.encoding[0].shape[0] or x.device != self.encoding[0].device:
                self.encoding = self.network.initial_encoder_state(x.shape[0])
            heard = torch.nan_to_num(x, 0.0).clamp(-self.loudest, self.loudest)
            z, self.encoding = self.network.encode_step(heard, self.encoding)
            return z

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        """Latent [batch, latent_dimensions, frames] -> audio [batch, channels, frames * hop]."""
        if z.dim() != 3 or z.shape[1] != self.latent_dimensions:
            raise ValueError(self.latent_told)
        with torch.no_grad():
            if z.shape[0] != self.decoding[0].shape[0] or z.device != self.decoding[0].device:
                self.decoding = self.network.initial_decoder_state(z.shape[0])
            heard = torch.nan_to_num(z, 0.0).clamp(-self.loudest, self.loudest)
            y, self.decoding = self.network.decode_step(heard, self.decoding, 0)
            return y


def effect_of(network: nn.Module) -> StreamingEffect:
    """The effect that a network makes, its controls at their defaults: with a latent code where it has one."""
    network.settings = [control.default for control in network.controls]
    return LatentEffect(network) if hasattr(network, "encode_step") else StreamingEffect(network)
