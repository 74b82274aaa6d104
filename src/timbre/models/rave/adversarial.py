"""Losses of the game between the decoder and its discriminators.

Features are those of `timbre.models.rave.discriminators`: for each net a list of tensors, the last of them its score.
Each loss is an average over nets, so that it does not depend on how many there are; no weight is applied here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from timbre.dsp.pooled import mean_of_all

Features = list[list[Tensor]]
# A layer that is silent on recordings shall not make the relative distance infinite.
LEAST_MAGNITUDE = 1e-6


def hinge_discriminator(real_features: Features, fake_features: Features) -> Tensor:
    """What discriminators minimise: mean max(0, 1 - D(real)) + max(0, 1 + D(fake)) (Lim & Ye 2017, "Geometric GAN")."""
    losses = [
        torch.relu(1.0 - real[-1]).mean() + torch.relu(1.0 + fake[-1]).mean()
        for real, fake in zip(real_features, fake_features, strict=True)
    ]
    return torch.stack(losses).mean()


def hinge_generator(fake_features: Features) -> Tensor:
    """What the decoder minimises against them: -mean D(fake) (Lim & Ye 2017)."""
    return -torch.stack([fake[-1].mean() for fake in fake_features]).mean()


def feature_matching(real_features: Features, fake_features: Features, relative: bool) -> Tensor:
    """How far features of the decoder's sound are from those of the recording, averaged over layers, then over nets.

    The mean |real - fake| of each layer but the score (Kumar et al. 2019, "MelGAN"; Caillon & Esling 2021, "RAVE").
    relative: each divided by the mean |real| of its layer, and without the first layer, as in RAVE's version 2. No
    gradient goes to the real features.
    """
    losses = []
    for real, fake in zip(real_features, fake_features, strict=True):
        layers = slice(1 if relative else 0, -1)
        losses.append(
            torch.stack([_distance(a.detach(), b, relative) for a, b in zip(real[layers], fake[layers], strict=True)])
        )
    return torch.stack([of_layers.mean() for of_layers in losses]).mean()


def _distance(real: Tensor, fake: Tensor, relative: bool) -> Tensor:
    distance = torch.nn.functional.l1_loss(fake, real)
    return distance / mean_of_all(real.abs().mean()).clamp(min=LEAST_MAGNITUDE) if relative else distance
