"""A network in the form that Neutone's SDK wraps. The SDK takes seconds to import: only `make` imports this."""

from __future__ import annotations

import json

import torch
from neutone_sdk import ContinuousNeutoneParameter, NeutoneParameter, WaveformToWaveformBase
from torch import Tensor, nn

from timbre.export.effect import cleaned
from timbre.export.neutone.buffers import native_buffer_sizes
from timbre.export.neutone.texts import default_of, description_of, knobs_of, label_of

# Of date_created: the same in every run.
NO_DATE = 0.0
# A knob so near its default stands there: the plug-in sends single precision and takes the mean over a buffer.
NEAR = 1e-5


class PluginModel(WaveformToWaveformBase):
    """Plays a network in whole buffers of the plug-in, its state inside.

    texts: as `timbre.export.neutone.texts.describe` gives them. The knobs, 0 to 1, set the network's `knobs`, at their
    defaults exactly where they stand at theirs; the other controls stay as they are.
    """

    def __init__(self, network: nn.Module, texts: dict) -> None:
        # All that the SDK's constructor asks for.
        self.name: str = texts["name"]
        self.authors: list[str] = texts["authors"]
        self.short_description: str = texts["short_description"]
        self.long_description: str = texts["long_description"]
        self.technical_description: str = texts["technical_description"]
        self.tags: list[str] = texts["tags"]
        self.version: str = texts["version"]
        self.experimental: bool = texts["experimental"]
        self.mono: bool = network.channels == 1
        self.sample_rates: list[int] = [network.sample_rate]
        self.buffer_sizes: list[int] = native_buffer_sizes(network.hop)
        super().__init__(network)
        self.CURRENT_TIME = NO_DATE
        self.metadata_json_str = json.dumps(self.to_metadata(), indent=4, sort_keys=True)
        self.delay_samples: int = network.delay
        self.near: float = NEAR
        self.state = torch.jit.annotate(list[Tensor], network.initial_state(1))
        knobs, names = knobs_of(network), [control.name for control in network.controls]
        ranges = torch.tensor([control.knob for control in knobs], dtype=torch.float64)
        self.register_buffer("least", ranges[:, 0])
        self.register_buffer("most", ranges[:, 1])
        self.register_buffer("knob_defaults", torch.tensor([default_of(control) for control in knobs]).double())
        self.register_buffer("defaults", torch.tensor([control.default for control in knobs], dtype=torch.float64))
        self.register_buffer("places", torch.tensor([names.index(control.name) for control in knobs]))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        with torch.no_grad():
            turned = torch.cat([params[name] for name in self.neutone_parameter_names]).to(torch.float64)
            # Written so that what is no number is the default too.
            moved = (turned - self.knob_defaults).abs() > self.near
            wanted = self.least + turned.clamp(0.0, 1.0) * (self.most - self.least)
            self.model.settings.index_copy_(0, self.places, torch.where(moved, wanted, self.defaults))
            y, self.state = self.model.step(cleaned(x.unsqueeze(0)), self.state)
            return y[0]

    @torch.jit.export
    def reset_model(self) -> bool:
        self.state = self.model.initial_state(1)
        return True

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        return self.delay_samples

    @torch.jit.export
    def is_input_mono(self) -> bool:
        return self.mono

    @torch.jit.export
    def is_output_mono(self) -> bool:
        return self.mono

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return self.sample_rates

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        return self.buffer_sizes

    def get_neutone_parameters(self) -> list[NeutoneParameter]:
        return [
            ContinuousNeutoneParameter(label_of(control), description_of(control), default_of(control))
            for control in knobs_of(self.model)
        ]

    def get_model_name(self) -> str:
        return self.name

    def get_model_authors(self) -> list[str]:
        return self.authors

    def get_model_short_description(self) -> str:
        return self.short_description

    def get_model_long_description(self) -> str:
        return self.long_description

    def get_technical_description(self) -> str:
        return self.technical_description

    def get_tags(self) -> list[str]:
        return self.tags

    def get_model_version(self) -> str:
        return self.version

    def is_experimental(self) -> bool:
        return self.experimental
