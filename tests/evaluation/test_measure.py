"""Figures of a stretch with their anchors, and means over stretches and draws."""

import numpy as np
import pytest

from timbre.evaluation.measure import (
    excess_ratio,
    hear,
    mean_figures,
    named,
    of_draws,
    reconstruction_figures,
    transfer_figures,
)
from timbre.evaluation.metrics.ltas import band_powers


def test_a_perfect_reconstruction_and_an_anchor(tone, noise, extractor):
    audio, before = hear(tone()[None], extractor), hear(noise(level=0.05)[None], extractor)
    figures = reconstruction_figures(audio, [audio], {"untrained": before}, extractor, 50.0)
    assert figures["mss"] == 0.0 and figures["f0_within_50_cents"] == figures["f0_rca50"] == 1.0
    assert figures["harmonics_l1_db"] == 0.0 and figures["onset_f"] == figures["voicing_recall"] == 1.0
    other = reconstruction_figures(audio, [before], {}, extractor, 50.0)
    assert {key: figures[f"{key}_untrained"] for key in other} == other
    assert not any("_" in key and key.endswith("untrained") for key in other)


def test_a_figure_is_the_mean_over_the_draws_of_the_noise(tone, noise, extractor):
    audio = hear(tone()[None], extractor)
    draws = [hear((tone() + noise(level=0.01, seed=seed))[None].astype(np.float32), extractor) for seed in range(3)]
    each = [reconstruction_figures(audio, [draw], {}, extractor, 50.0) for draw in draws]
    found = reconstruction_figures(audio, draws, {}, extractor, 50.0)
    assert len({figures["mss"] for figures in each}) == 3
    for key in ("mss", "lsd_db", "harmonics_l1_db", "loudness_l1_db"):
        assert found[key] == pytest.approx(np.mean([figures[key] for figures in each]))


def test_doing_nothing_is_the_identity_anchor(tone, noise, rate, extractor):
    audio, target = hear(tone()[None], extractor), band_powers(noise(), rate)
    figures = transfer_figures(audio, [audio], {"identity": audio}, rate, target, 50.0)
    assert figures["f0_rca50"] == 1.0 and figures["loudness_r"] == pytest.approx(1.0)
    assert all(figures[key] == figures[f"{key}_identity"] for key in ("f0_rca50", "loudness_r", "ltas_db"))
    alone = transfer_figures(audio, [audio], {"identity": audio}, rate, None, 50.0)
    assert alone["ltas_db"] is None and alone["ltas_db_identity"] is None


def test_a_take_of_the_target_is_an_anchor_of_content_alone(tone, noise, rate, extractor):
    audio, other = hear(tone()[None], extractor), hear(noise()[None], extractor)
    figures = transfer_figures(
        audio, [audio], {"target": other, "unadapted": other}, rate, band_powers(noise(), rate), 50.0
    )
    keys = ("f0_rca50", "loudness_r", "onset_f")
    without = transfer_figures(audio, [other], {}, rate, band_powers(noise(), rate), 50.0)
    assert [figures[f"{key}_target"] for key in keys] == [without[key] for key in keys]
    assert figures["ltas_db_unadapted"] == without["ltas_db"]
    assert "ltas_db_target" not in figures and "leap_frames_target" not in figures


def test_the_key_tells_the_tolerance(tone, rate, extractor):
    audio = hear(tone()[None], extractor)
    assert {"f0_within_25_cents", "f0_rca25"} <= reconstruction_figures(audio, [audio], {}, extractor, 25.0).keys()
    assert "f0_rca25" in transfer_figures(audio, [audio], {}, rate, None, 25.0)


def test_means_weigh_by_length_and_faults_count_at_their_worst():
    parts = [
        (30.0, {"mss": 1.0, "onset_f": None, "buzz_db": -50.0, "leap_frames_unadapted": 1, "f0_rca50": 0.1}),
        (10.0, {"mss": 3.0, "onset_f": 0.5, "buzz_db": -20.0, "leap_frames_unadapted": 4, "f0_rca50": 0.1}),
        (20.0, {"mss": None, "onset_f": None, "buzz_db": None, "leap_frames_unadapted": None, "f0_rca50": 0.1}),
    ]
    assert mean_figures(parts) == {
        "mss": 1.5, "onset_f": 0.5, "buzz_db": -20.0, "leap_frames_unadapted": 4, "f0_rca50": 0.1,
    }  # fmt: skip
    assert mean_figures([(1.0, {"mss": None})]) == {"mss": None}


def test_draws_and_anchors_keep_apart():
    found = named([1.0, 2.0], {"untrained": 5.0, "silence": None})
    assert of_draws("kad_mfcc", found) == {"kad_mfcc": 1.5, "kad_mfcc_untrained": 5.0, "kad_mfcc_silence": None}


def test_excess_ratio():
    assert excess_ratio(6.0, 10.0, 4.0) == pytest.approx(1 / 3)
    assert excess_ratio(6.0, 4.0, 4.0) is None
    assert excess_ratio(None, 10.0, 4.0) is None


def test_stereo_is_measured_on_the_mean_of_its_channels(tone, noise, extractor):
    heard, mean = hear(np.stack([tone(), noise()]), extractor), (tone() + noise()) / 2
    assert np.array_equal(heard.audio, mean)
    assert np.array_equal(heard.tracks.loudness_db, hear(mean[None], extractor).tracks.loudness_db)


def test_a_stretch_in_the_middle_of_a_sound_does_not_begin_with_an_onset(tone, extractor):
    audio = tone(seconds=3.0)[None, 16000:]
    assert len(hear(audio, extractor).onsets_seconds) == 1
    assert len(hear(audio, extractor, begins=False).onsets_seconds) == 0
