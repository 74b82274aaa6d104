"""A network's stream as a graph: audio, controls and state in, audio and state out."""

from __future__ import annotations

import copy
import io
import warnings

import onnx
import torch
from torch import Tensor, nn

from timbre.export.effect import cleaned
from timbre.export.onnx.symbolics import missing_operators

OPSET = 17


class HopForm(nn.Module):
    """One hop of a network's stream as a function of everything it depends on.

    Every state begins as zeros, whatever the network's own begins as: the first integer of a network's state counts
    what it has heard, and while that is 0 the graph takes the network's own beginnings. Empty states do not show. A
    control beyond its limits counts as the limit, one that is no number as its default.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.beginning = network.initial_state(1)
        self.shown = [index for index, part in enumerate(self.beginning) if part.numel() > 0]
        integers = [index for index in self.shown if self.beginning[index].dtype == torch.int64]
        self.counter = self.shown.index(integers[0])
        limits = [[control.least, control.most, control.default] for control in network.controls]
        self.register_buffer("limits", torch.tensor(limits, dtype=torch.float32).t())

    def zeros(self) -> list[Tensor]:
        """The state that a host begins with."""
        return [torch.zeros_like(self.beginning[index]) for index in self.shown]

    def forward(self, audio: Tensor, controls: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        """audio: [1, channels, hop]; controls: [controls] float32. Returns: audio, then the states as given."""
        least, most, default = self.limits.unbind()
        settings = torch.where(torch.isnan(controls), default, controls).clamp(least, most)
        self.network.settings = settings.to(torch.float64)
        begins = given[self.counter].flatten()[0] == 0
        state = list(self.beginning)
        for index, part in zip(self.shown, given, strict=True):
            beginning = self.beginning[index]
            state[index] = torch.where(begins, beginning, part) if beginning.to(torch.bool).any() else part
        y, after = self.network.step(cleaned(audio), state)
        return (y, *(after[index] for index in self.shown))


def traced(network: nn.Module) -> onnx.ModelProto:
    """The graph of a network as torch writes it: audio, controls, state_00, ... -> audio_out, next_state_00, ..."""
    network = copy.deepcopy(network).eval()
    network.fold()
    form = HopForm(network)
    names = [f"state_{number:02d}" for number in range(len(form.shown))]
    inputs = (torch.zeros(1, network.channels, network.hop), form.limits[2], *form.zeros())
    written = io.BytesIO()
    with torch.no_grad(), missing_operators(OPSET), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, which torch keeps but would rather be rid of
        torch.onnx.export(
            form,
            inputs,
            written,
            dynamo=False,
            opset_version=OPSET,
            input_names=["audio", "controls", *names],
            output_names=["audio_out", *(f"next_{name}" for name in names)],
        )
    return onnx.load_from_string(written.getvalue())
