"""What a model must offer to be trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor, nn

from timbre.models.phase import Phase


class Task(Protocol):
    """A network with its losses; a `torch.nn.Module` whose sub-module `network` is what is kept in the end.

    crop_frames, lead_frames, delay_frames: the crops it wants (see `timbre.cache.crops.CropShape`). phases: in their
    order; one of 0 steps is skipped. betas: of Adam. All that changes within a task while it trains is in parameters
    and buffers: what is not is lost where a run is stopped and taken up again.
    """

    network: nn.Module
    crop_frames: int
    lead_frames: int
    delay_frames: int
    phases: list[Phase]
    betas: tuple[float, float]

    def unmet(self, frames: int) -> list[str]:
        """What of its preset so many frames of recordings to train on cannot meet: lines that begin with keys."""

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """Parameters by name of the optimiser that moves them."""

    def learned_parts(self) -> list[nn.Module]:
        """Sub-modules in which most of the time goes and that bear less than single precision; they may be compiled.

        Their `forward` is called as such, with tensors. All else, losses above all, stays as it is.
        """

    def training_step(self, batch: dict[str, Tensor], step: int) -> tuple[str, Tensor, dict[str, Tensor]]:
        """The group whose turn it is, the loss to differentiate, and figures to log.

        step counts over all phases. The loss gives gradients to the parameters of that group only. A figure may be
        missing in some steps; logged is its mean over those that have it. `loss` is the generator's.
        A batch may be a part of a step's: the losses of its parts are averaged. What a loss must know of the whole step
        it asks `timbre.dsp.pooled`. batch["chance"] holds a seed for each crop, on the host: there is no other chance.
        No number of the device is looked at, which would wait for it.
        """

    def start_validation(self) -> None:
        """Forget what the last validation gathered."""

    def validation_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Figures to average over the validation crops; the lowest `loss` marks the best weights."""

    def finish_validation(self) -> dict[str, float]:
        """Figures of all validation crops together; may set buffers of `network` from what was gathered."""

    def listen(self, batch: dict[str, Tensor]) -> Tensor:
        """What the network makes of batch["audio"], aligned with it. [batch, channels, samples].

        The crops may be longer than `crop_frames`, by whole multiples of it.
        """

    def remarks(self, training_rows: list[dict], validation_rows: list[dict]) -> list[str]:
        """Plain sentences about what the curves show of this model, each with its kind before a colon."""
