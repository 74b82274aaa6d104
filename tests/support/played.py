"""Modules of known answer with the attributes of an exported effect."""

import torch
from torch import Tensor, nn

from timbre.playing.torchscript import TorchScriptPlayer

RATE = 16000


class DelayLine(nn.Module):
    """Its input, some samples later and times a gain. It has no controls."""

    control_names: list[str]
    control_limits: list[tuple[float, float]]
    control_units: list[str]

    def __init__(self, delay_samples: int, gain: float = 1.0, channels: int = 1, hop: int = 1) -> None:
        super().__init__()
        self.gain, self.sample_rate, self.channels, self.hop = gain, RATE, channels, hop
        self.delay_samples: int = delay_samples
        self.control_names, self.control_limits, self.control_units = [], [], []
        self.register_buffer("line", torch.zeros(1, channels, delay_samples))

    @torch.jit.export
    def reset(self) -> None:
        self.line = torch.zeros_like(self.line)

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        raise ValueError(name)

    @torch.jit.export
    def get_control(self, name: str) -> float:
        raise ValueError(name)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] % self.hop == 0
        joined = torch.cat([self.line, x], dim=-1)
        self.line = joined[..., x.shape[-1] :]
        return joined[..., : x.shape[-1]] * self.gain


class Knobs(nn.Module):
    """Its input times a gain in dB; with the other control at 1 a hum of 110 Hz in its place."""

    def __init__(self, gain_db: float = 6.0) -> None:
        super().__init__()
        self.sample_rate, self.channels, self.hop, self.delay_samples = RATE, 1, 1, 0
        self.control_names = ["input_gain_db", "harmonic_noise_balance"]
        self.control_limits = [(-24.0, 24.0), (-1.0, 1.0)]
        self.control_units = ["dB", ""]
        self.values = {"input_gain_db": gain_db, "harmonic_noise_balance": 0.0}
        self.phase = 0.0

    @torch.jit.export
    def reset(self) -> None:
        self.phase = 0.0

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        assert name in self.values
        self.values[name] = value

    @torch.jit.export
    def get_control(self, name: str) -> float:
        return self.values[name]

    def forward(self, x: Tensor) -> Tensor:
        gain = 10.0 ** (self.values["input_gain_db"] / 20.0)
        if self.values["harmonic_noise_balance"] < 1.0:
            return x * gain
        phase = self.phase + 110.0 / 16000.0 * torch.arange(x.shape[-1], device=x.device)
        self.phase = float(phase[-1]) + 110.0 / 16000.0
        return 0.01 * gain * torch.sin(2.0 * torch.pi * phase).expand(x.shape)


def delay_player(delay_samples: int, hop: int = 1, gain: float = 1.0, channels: int = 1) -> TorchScriptPlayer:
    """A player of a delay line."""
    return TorchScriptPlayer(torch.jit.script(DelayLine(delay_samples, gain, channels, hop)), "model.ts")
