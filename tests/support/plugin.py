"""A Neutone model of known answer, in the wrapper that the plug-in loads."""

import json
from pathlib import Path

import torch
from neutone_sdk import ContinuousNeutoneParameter, NeutoneParameter, SampleQueueWrapper, WaveformToWaveformBase
from support.played import RATE, DelayLine
from torch import Tensor


class PluginDelay(WaveformToWaveformBase):
    """The delay line, times twice its knob `Gain`, in native buffers of 64 and 128 samples."""

    def __init__(self, delay_samples: int, channels: int) -> None:
        self.stereo = channels == 2
        self.delay_samples, self.rate = delay_samples, RATE
        super().__init__(DelayLine(delay_samples, channels=channels))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model(x[None])[0] * (2.0 * params["Gain"])

    @torch.jit.export
    def reset_model(self) -> bool:
        self.model.reset()
        return True

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        return self.delay_samples

    @torch.jit.export
    def is_input_mono(self) -> bool:
        return not self.stereo

    @torch.jit.export
    def is_output_mono(self) -> bool:
        return not self.stereo

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return [self.rate]

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        return [64, 128]

    def get_neutone_parameters(self) -> list[NeutoneParameter]:
        spare = ContinuousNeutoneParameter("Spare", "Not used", 0.5, used=False)
        return [spare, ContinuousNeutoneParameter("Gain", "Twice of it", 0.5)]

    def get_model_name(self) -> str:
        return "delay"

    def get_model_authors(self) -> list[str]:
        return ["nobody"]

    def get_model_short_description(self) -> str:
        return "A delay."

    def get_model_long_description(self) -> str:
        return "A delay."

    def get_technical_description(self) -> str:
        return "A delay."

    def get_tags(self) -> list[str]:
        return ["delay"]

    def get_model_version(self) -> str:
        return "1.0"

    def is_experimental(self) -> bool:
        return False


def write_plugin(path: Path, delay_samples: int, channels: int = 1) -> Path:
    """Write the model as a .nm file."""
    wrapped = SampleQueueWrapper(PluginDelay(delay_samples, channels))
    wrapped.prepare_for_inference()
    scripted = torch.jit.script(wrapped)
    torch.jit.save(scripted, str(path), _extra_files={"metadata.json": json.dumps(scripted.to_metadata())})
    return path
