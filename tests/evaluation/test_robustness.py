"""Extremes through models of known answer."""

import numpy as np
import pytest
import scipy.signal
import torch
from support.played import RATE, DelayLine, delay_player

from timbre.evaluation.robustness import probe_signals, robustness
from timbre.playing.torchscript import TorchScriptPlayer


def found_of(module, tail_samples: int = 0) -> dict:
    return robustness(TorchScriptPlayer(torch.jit.script(module), "model.ts"), 512, tail_samples)


def test_the_signals_are_full_scale_and_go_where_they_say():
    signals = probe_signals(48000)
    assert all(np.abs(signal).max() == pytest.approx(1.0, abs=1e-3) for signal in signals.values())
    assert np.array_equal(np.unique(signals["square"]), [-1.0, 1.0]) and set(signals["dc"]) == {1.0}
    frequency, _, power = scipy.signal.spectrogram(signals["sweep"], 48000, nperseg=2048)
    assert frequency[power.argmax(axis=0)][-1] > 15000 and frequency[power.argmax(axis=0)][0] < 50
    assert np.abs(probe_signals(16000)["sweep"]).max() <= 1.0


def test_a_gain_is_the_peak_and_nothing_stays():
    found = robustness(delay_player(100, gain=0.5), 512, 0)
    peaks = [found[f"{name}_peak_dbfs"] for name in ("square", "dc", "sweep")]
    assert peaks == pytest.approx([-6.02] * 3, abs=0.01)
    assert [found[f"{name}_after_dbfs"] for name in ("square", "dc", "sweep")] == [-120.0] * 3
    assert found["silence_floor_dbfs"] == -120.0 and found["finite"] == found["returns_to_silence"] == 1


class Hum(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0.01


def test_a_hum_is_the_floor_and_is_no_silence():
    found = found_of(Hum(0))
    assert found["silence_floor_dbfs"] == pytest.approx(-40.0, abs=0.01)
    assert found["finite"] == 1 and found["returns_to_silence"] == 0


class Fragile(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x < 1.0)


def test_what_is_no_number_is_told_and_the_rest_is_measured():
    found = found_of(Fragile(0))
    assert found["square_peak_dbfs"] is found["dc_after_dbfs"] is None
    assert found["silence_floor_dbfs"] == -120.0 and found["finite"] == found["returns_to_silence"] == 0


def test_the_tail_is_waited_for():
    ringing = DelayLine(2 * RATE, 1.0)
    ringing.delay_samples = 0
    assert found_of(ringing)["returns_to_silence"] == 0
    assert found_of(ringing, tail_samples=2 * RATE)["returns_to_silence"] == 1
