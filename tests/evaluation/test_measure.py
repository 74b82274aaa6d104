"""Figures of an item with their anchors, and means over items."""

import numpy as np
import pytest
import torch

from timbre.evaluation.measure import (
    excess_ratio,
    hear,
    reconstruction_figures,
    rounded,
    summary,
    transfer_figures,
    untrained_render,
)
from timbre.evaluation.metrics.ltas import band_powers


def test_perfect_and_untrained_reconstruction(tone, noise, extractor):
    audio, before = hear(tone()[None], extractor), hear(noise(level=0.05)[None], extractor)
    figures = reconstruction_figures(audio, audio, before, extractor, 50.0)
    assert figures["mss"] == 0.0 and figures["f0_within_50_cents"] == 1.0
    assert figures["harmonics_l1_db"] == 0.0 and figures["onset_f"] == 1.0
    assert figures["mss_excess_ratio"] < 0.0, "better than two takes of one noise"
    untrained = reconstruction_figures(audio, before, before, extractor, 50.0)
    assert untrained["mss_excess_ratio"] == 1.0
    assert all(untrained[key] == untrained[f"{key}_untrained"] for key in ("mss", "lsd_db", "mcd_db", "logmel_l1"))
    assert "mss_untrained" not in reconstruction_figures(audio, audio, None, extractor, 50.0)


def test_doing_nothing_is_the_identity_anchor(tone, noise, rate, extractor):
    audio, target = hear(tone()[None], extractor), band_powers(noise(), rate)
    figures = transfer_figures(audio, audio, None, rate, target, 50.0)
    assert figures["f0_rca50"] == 1.0 and figures["loudness_r"] == pytest.approx(1.0)
    assert all(figures[key] == figures[f"{key}_identity"] for key in ("f0_rca50", "loudness_r", "ltas_db"))
    alone = transfer_figures(audio, audio, None, rate, None, 50.0)
    assert alone["ltas_db"] is None and alone["ltas_db_identity"] is None


def test_the_adaptation_is_an_anchor(tone, noise, rate, extractor):
    audio, other = hear(tone()[None], extractor), hear(noise()[None], extractor)
    figures = transfer_figures(audio, audio, other, rate, band_powers(noise(), rate), 50.0)
    keys = ("f0_rca50", "loudness_r", "ltas_db", "onset_f", "leap_frames")
    assert all(figures[f"{key}_unadapted"] != figures[key] for key in keys[:3])
    without = transfer_figures(audio, other, None, rate, band_powers(noise(), rate), 50.0)
    assert [figures[f"{key}_unadapted"] for key in keys] == [without[key] for key in keys]
    assert not any(key.endswith("_unadapted") for key in without)


def test_the_key_tells_the_tolerance(tone, rate, extractor):
    audio = hear(tone()[None], extractor)
    assert "f0_within_25_cents" in reconstruction_figures(audio, audio, None, extractor, 25.0)
    assert "f0_rca25" in transfer_figures(audio, audio, None, rate, None, 25.0)


def test_excess_ratio():
    assert excess_ratio(6.0, 10.0, 4.0) == pytest.approx(1 / 3)
    assert excess_ratio(6.0, 4.0, 4.0) is None
    assert excess_ratio(None, 10.0, 4.0) is None


def test_stereo_is_measured_on_the_mean_of_its_channels(tone, noise, extractor):
    heard, mean = hear(np.stack([tone(), noise()]), extractor), (tone() + noise()) / 2
    assert np.array_equal(heard.audio, mean)
    assert np.array_equal(heard.tracks.loudness_db, hear(mean[None], extractor).tracks.loudness_db)


@pytest.mark.parametrize("channels", (1, 2))
def test_an_untrained_model_is_heard_in_pieces(noise, rate, channels):
    audio = noise(21.0 * channels).reshape(channels, -1)
    assert np.array_equal(untrained_render(torch.nn.Identity(), audio, rate), audio)


def test_means_leave_out_what_does_not_apply(rate):
    rows = [
        {"kind": "transfer", "name": "a", "f0_rca50": 0.5, "loudness_r": None, "ltas_db": 1.23456789},
        {"kind": "transfer", "name": "b", "f0_rca50": None, "loudness_r": None, "ltas_db": 3.0},
    ]
    found = summary(rows, {"delay_samples": 3}, None, rate, 50.0)
    assert found["transfer"]["f0_rca50"] == 0.5
    assert found["transfer"]["f0_rca50_by_input"] == {"a": 0.5}
    assert found["transfer"]["loudness_r"] is None
    assert found["transfer"]["ltas_db"] == 2.117284
    assert found["reconstruction"]["mss"] is None and found["reconstruction"]["mss_excess_ratio"] is None
    assert found["model"] == {"delay_samples": 3}


def test_of_faults_the_worst_counts(rate):
    rows = [
        {"kind": "transfer", "name": "a", "buzz_db": -50.0, "leap_frames": None, "leap_frames_unadapted": None},
        {"kind": "transfer", "name": "b", "buzz_db": -20.0, "leap_frames": 2, "leap_frames_unadapted": 0},
        {"kind": "transfer", "name": "c", "buzz_db": None, "leap_frames": 0, "leap_frames_unadapted": 3},
    ]
    found = summary(rows, {}, None, rate, 50.0)["transfer"]
    assert (found["buzz_db"], found["leap_frames"], found["leap_frames_unadapted"]) == (-20.0, 2, 3)
    assert found["buzz_db_by_input"] == {"a": -50.0, "b": -20.0}
    assert found["leap_frames_by_input"] == {"b": 2, "c": 0}
    empty = summary([], {}, None, rate, 50.0)["transfer"]
    assert empty["buzz_db"] is None and empty["leap_frames_by_input"] == {}


def test_rounding_keeps_integers_and_none():
    assert rounded({"a": 1, "b": {"c": 0.12345678, "d": None}}) == {"a": 1, "b": {"c": 0.123457, "d": None}}
