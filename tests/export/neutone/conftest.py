"""A network of few lines that a knob can be heard on, and model.nm without the SDK's checks."""

import json
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from timbre.models.control import Control, default_settings


class Toy(torch.nn.Module):
    """Two channels, later by a hop, times four settings of five; the second knob's default is a third of its range."""

    channels, hop, delay, tail_samples, sample_rate = 2, 128, 128, 128, 16000
    controls: ClassVar[list[Control]] = [
        Control("gain", 0.0, 4.0, 1.0, 1.0, "", "Louder.", (0.0, 2.0)),
        Control("hidden", 0.0, 1.0, 0.7, 1.0, "", "Not a knob."),
        Control("more_gain", 0.0, 4.0, 1.0, 1.0, "", "Louder.", (0.0, 3.0)),
        Control("level_db", 0.0, 4.0, 1.0, 1.0, "dB", "Louder.", (0.5, 2.0)),
        Control("side", 0.0, 4.0, 1.0, 1.0, "", "Louder.", (1.0, 3.0)),
    ]
    knobs = ("more_gain", "gain", "side", "level_db")

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("settings", default_settings(self.controls), persistent=False)

    @torch.jit.ignore
    def fold(self) -> None:
        pass

    def initial_state(self, batch: int) -> list[torch.Tensor]:
        return [torch.zeros(batch, 2, 128)]

    def step(self, audio: torch.Tensor, state: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        joined = torch.cat([state[0], audio], dim=2)
        gain = self.settings.prod() / self.settings[1]
        return (gain * joined[:, :, :-128]).to(audio.dtype), [joined[:, :, -128:]]

    @torch.jit.ignore
    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return ((self.settings.prod() / self.settings[1]) * audio).to(audio.dtype)


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture(scope="session")
def plugin_model():
    """A network as the SDK wraps it."""
    from timbre.export.neutone.plugin_model import PluginModel
    from timbre.export.neutone.texts import describe
    from timbre.params import load

    settings = load(Path(__file__).parents[3] / "params.yaml").export.neutone

    def make(network, kind: type = PluginModel) -> PluginModel:
        network.settings = default_settings(network.controls)
        return kind(network.requires_grad_(False).eval(), describe(network, settings))

    return make


@pytest.fixture
def save(tmp_path):
    """Write a wrapped network as the SDK does, without its checks. Returns: the file."""

    def write(model) -> str:
        from neutone_sdk import SampleQueueWrapper
        from neutone_sdk.utils import model_to_torchscript

        script = model_to_torchscript(SampleQueueWrapper(model))
        metadata = json.dumps(script.to_metadata())
        torch.jit.save(script, tmp_path / "model.nm", _extra_files={"metadata.json": metadata})
        return str(tmp_path / "model.nm")

    return write
