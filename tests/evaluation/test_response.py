"""Timing and level of models whose answers are known."""

import numpy as np
import pytest
import torch
from support.played import RATE, DelayLine, delay_player

from timbre.evaluation.response import (
    DEAF_DB,
    EVENTS,
    event_starts,
    jitter_samples,
    level_linearity_db,
    streaming_max_diff,
)
from timbre.playing.torchscript import TorchScriptPlayer


def player(module) -> TorchScriptPlayer:
    return TorchScriptPlayer(torch.jit.script(module), "model.ts")


def test_a_delay_line_answers_on_time_and_evenly():
    found = jitter_samples(delay_player(100, gain=0.5), 512, {})
    assert found["delay_onset_samples"] == pytest.approx(100, abs=1)
    assert found["delay_jitter_impulse_samples"] == pytest.approx(0.0, abs=1e-6)
    assert found["delay_jitter_onset_samples"] == 0.0


def test_a_delay_that_is_not_reported_is_heard():
    late = delay_player(300)
    late.module.delay_samples = 100
    assert jitter_samples(late, 512, {})["delay_onset_samples"] == pytest.approx(300, abs=1)


class Frames(DelayLine):
    """What it hears in a frame of 256 samples comes at the end of the frame, all of it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames = x.reshape(1, 1, -1, 256)
        held = torch.zeros_like(frames)
        held[..., 255] = frames.abs().amax(dim=-1)
        return held.reshape(x.shape)


def test_a_model_that_works_in_frames_jitters_by_one():
    """16 places in the frame, 0 to 240: late by 255 to 15, of which the 5th to the 95th percentile span nine tenths."""
    found = jitter_samples(player(Frames(0, hop=256)), 512, {})
    assert found["delay_jitter_impulse_samples"] == pytest.approx(0.9 * 240, abs=0.1)
    assert 150 < found["delay_jitter_onset_samples"] <= 256


def test_events_lie_at_all_places_of_a_frame():
    starts = event_starts(RATE, 256)
    assert (starts % 256).tolist() == list(range(0, 256, 256 // EVENTS))
    assert np.diff(starts).min() >= RATE / 2
    assert len(set(event_starts(RATE, 1) % 8000)) == 1


def test_a_silent_model_has_no_timing():
    assert set(jitter_samples(delay_player(0, gain=0.0), 512, {}).values()) == {None}


class Root(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sign() * x.abs().sqrt()


class Hum(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, 0.1)


@pytest.mark.parametrize(
    ("module", "expected"), [(DelayLine(0, 0.3), 0.0), (Root(0), DEAF_DB / 2), (Hum(0), DEAF_DB)], ids=type
)
def test_level_linearity_of_known_models(noise, module, expected):
    assert level_linearity_db(player(module), noise()[None], 512, {}) == pytest.approx(expected, abs=1e-3)


def test_silence_has_no_level_to_follow(rate):
    assert level_linearity_db(delay_player(0), np.zeros((1, rate), np.float32), 512, {}) is None


class Edges(DelayLine):
    """Adds 0.25 to the first sample of each block."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y[..., 0] += 0.25
        return y


def test_a_seam_between_blocks_is_the_difference(noise):
    audio = noise()[None]
    assert streaming_max_diff(delay_player(100), audio, 512) == 0.0
    assert streaming_max_diff(player(Edges(0, hop=64)), audio, 512) == pytest.approx(0.25, abs=1e-6)
