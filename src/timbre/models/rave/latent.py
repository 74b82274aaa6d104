"""The latent code and what keeps it regular: four kinds with the same methods.

The encoder puts out `raw` [batch, raw_size, frames]; `forward` makes of it the code that training decodes and the loss
that regularises it, `mean` the code without chance, frame by frame, that validation and the exported model decode.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.pooled import rows_of_all
from timbre.models.rave.quantiser import ResidualQuantiser

LEAST_SPREAD = 1e-4
# Added to the raw spread: training begins with a spread of 0.05, since a code drowned in noise teaches the decoder to
# do without it (docs/rave.md has what that costs).
SPREAD_LOGIT = -3.0
# A latent dimension whose divergence from the prior stays under this is dead: it tells the decoder next to nothing.
DEAD_NATS = 0.05
DISCREPANCY_FRAMES = 1024


class Latent(nn.Module):
    """What all kinds share: the code is the raw output itself, without spread."""

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.raw_size = latent_size

    @torch.jit.export
    def mean(self, raw: Tensor) -> Tensor:
        """The code without chance. [batch, raw_size, frames] -> [batch, latent_size, frames]."""
        return raw

    @torch.jit.export
    def spread(self, raw: Tensor) -> Tensor:
        """Standard deviation of the code; 0 where the kind has none. Shapes as `mean`."""
        return torch.zeros_like(raw)


class Variational(Latent):
    """A normal distribution for each frame and dimension, held near the standard one (Kingma & Welling 2014)."""

    def __init__(self, latent_size: int) -> None:
        super().__init__(latent_size)
        self.raw_size = 2 * latent_size
        self.least_spread, self.spread_logit = LEAST_SPREAD, SPREAD_LOGIT

    @torch.jit.export
    def mean(self, raw: Tensor) -> Tensor:
        return raw[:, : self.latent_size]

    @torch.jit.export
    def spread(self, raw: Tensor) -> Tensor:
        return nn.functional.softplus(raw[:, self.latent_size :] + self.spread_logit) + self.least_spread

    @torch.jit.unused
    def forward(self, raw: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The code drawn with the noise given, the loss, and figures.

        raw: [batch, 2 latent_size, frames]; noise: standard normal, [batch, latent_size, frames].
        The loss is mu^2 + s^2 - ln s^2 - 1, summed over dimensions and averaged over batch and frames: twice the
        divergence of Kingma & Welling (2014, appendix B), as RAVE weighs it. Figures: `kl`, the same number, and
        `dead_latents`, the share of dimensions whose divergence (with the factor 1/2) is under 0.05 nats.
        """
        mean, spread = self.mean(raw), self.spread(raw)
        power = spread.square()
        of_dimension = (mean.square() + power - power.log() - 1.0).mean(dim=(0, 2))
        loss = of_dimension.sum()
        dead = (0.5 * of_dimension.detach() < DEAD_NATS).to(raw.dtype).mean()
        return mean + spread * noise, loss, {"kl": loss.detach(), "dead_latents": dead}


class Wasserstein(Latent):
    """A code without noise whose distribution as a whole is held near the standard normal (Tolstikhin et al. 2018)."""

    @torch.jit.unused
    def forward(self, raw: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The raw code, its discrepancy from the noise, and that as the figure `mmd`.

        raw: [batch, latent_size, frames]; noise: standard normal, of the same shape. At most 1024 frames, evenly spaced
        over the batch, are compared.
        """
        x, y = (rows_of_all(signal.transpose(1, 2).flatten(0, 1)) for signal in (raw, noise))
        frames = len(x)
        count = min(DISCREPANCY_FRAMES, frames)
        chosen = torch.arange(count, device=raw.device) * frames // count
        loss = maximum_mean_discrepancy(x[chosen], y[chosen])
        return raw, loss, {"mmd": loss.detach()}


class Spherical(Latent):
    """A code of unit power in each frame: only its direction counts (Davidson et al. 2018, without their noise).

    The norm is sqrt(latent_size) rather than 1, so that dimensions are of the size of standard normal noise, as in the
    other kinds. Nothing stays nothing.
    """

    @torch.jit.export
    def mean(self, raw: Tensor) -> Tensor:
        return raw * torch.rsqrt(raw.square().mean(dim=1, keepdim=True) + 1e-8)

    @torch.jit.unused
    def forward(self, raw: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The code, no loss, no figures; the noise is not used. raw: [batch, latent_size, frames]."""
        return self.mean(raw), raw.new_zeros(()), {}


class Discrete(Latent):
    """A code out of sixteen codebooks (residual vector quantisation; Zeghidour et al. 2021, SoundStream)."""

    def __init__(self, latent_size: int) -> None:
        super().__init__(latent_size)
        self.quantiser = ResidualQuantiser(latent_size)

    @torch.jit.export
    def mean(self, raw: Tensor) -> Tensor:
        frames = raw.transpose(1, 2)
        quantised = self.quantiser.quantise(frames.reshape(-1, self.latent_size))
        return self._heard(raw, quantised.reshape(frames.shape).transpose(1, 2))

    def _heard(self, raw: Tensor, code: Tensor) -> Tensor:
        """The code of digital silence, where the encoder puts out exact zeros, is zero as in the other kinds."""
        return code * (raw != 0.0).any(dim=1, keepdim=True)

    @torch.jit.unused
    def forward(self, raw: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The quantised code, the commitment loss, and figures; the noise is not used.

        raw: [batch, latent_size, frames]. The gradient passes the quantiser as if it were not there (straight through,
        van den Oord et al. 2017). Figures: `commitment`, the loss; `perplexity`, how many codes of a book are in use.
        """
        frames = raw.transpose(1, 2)
        quantised, loss, perplexity = self.quantiser(frames.reshape(-1, self.latent_size))
        quantised = self._heard(raw, quantised.reshape(frames.shape).transpose(1, 2))
        return raw + (quantised - raw).detach(), loss, {"commitment": loss.detach(), "perplexity": perplexity}


KINDS = {"variational": Variational, "wasserstein": Wasserstein, "spherical": Spherical, "discrete": Discrete}


def make_latent(kind: str, latent_size: int) -> Latent:
    """The latent of a kind: variational, wasserstein, spherical or discrete."""
    return KINDS[kind](latent_size)


def maximum_mean_discrepancy(x: Tensor, y: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two samples, [count, dims] each, 0 in expectation where they are alike.

    The unbiased estimate with the inverse multiquadratic kernel C / (C + |x - y|^2), C = 2 dims, the expected squared
    distance of two standard normal points (Tolstikhin et al. 2018, "Wasserstein auto-encoders", algorithm 2 and
    section 4).
    """
    count, dims = x.shape
    scale = 2.0 * dims

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        distance = a.square().sum(dim=1, keepdim=True) + b.square().sum(dim=1) - 2.0 * a @ b.T
        return scale / (scale + distance.clamp(min=0.0))

    def within(a: Tensor) -> Tensor:
        # The diagonal, each point with itself, is 1.
        return (kernel(a, a).sum() - count) / max(1, count * (count - 1))

    return within(x) + within(y) - 2.0 * kernel(x, y).mean()
