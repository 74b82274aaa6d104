"""What a model must offer to be trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor, nn


class Task(Protocol):
    """A network with its losses; a `torch.nn.Module` whose sub-module `network` is what is kept in the end.

    crop_frames, lead_frames, delay_frames: the crops it wants (see `timbre.cache.crops.CropShape`).
    """

    network: nn.Module
    crop_frames: int
    lead_frames: int
    delay_frames: int

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """Parameters by name of the optimiser that moves them."""

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group whose turn it is, the loss to differentiate, and figures to log."""

    def validation_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Figures to average over the validation set; the lowest `loss` marks the best weights."""
