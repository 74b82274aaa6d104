"""Levels, and the silence that a model falls to."""

import numpy as np
import pytest
import torch
from support.played import DelayLine, delay_player

from timbre.evaluation.levels import level_dbfs, silence_dbfs_after_1s
from timbre.playing.torchscript import TorchScriptPlayer


class Hum(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0.01


def test_silence_after_a_second(noise, rate):
    assert silence_dbfs_after_1s(delay_player(100), noise(3.0)[None], 512) == -120.0
    # What rings for 1.5 s is heard over half of the measured second.
    ringing = TorchScriptPlayer(delay_player(rate * 3 // 2).module, "model.ts")
    ringing.module.delay_samples = 0
    assert silence_dbfs_after_1s(ringing, np.ones((1, rate)), 512) == pytest.approx(10 * np.log10(0.5))
    humming = TorchScriptPlayer(torch.jit.script(Hum(0)), "model.ts")
    assert silence_dbfs_after_1s(humming, noise(0.3)[None], 512) == pytest.approx(-40)


def test_levels():
    assert level_dbfs(np.zeros(10)) == -120.0
    assert level_dbfs(np.full(10, 1e-9)) == -120.0
    assert level_dbfs(np.full(10, 0.1, np.float32)) == pytest.approx(-20.0)
