"""Excerpts: cut, loudness and pitch."""

import base64
import io

import numpy as np
import pytest
import soundfile

from timbre.audio.loudness import integrated_lufs
from timbre.evaluation.excerpts import cut_of, excerpt_of
from timbre.evaluation.metrics.tracks import tracks_of


def decoded(flac: str) -> np.ndarray:
    return soundfile.read(io.BytesIO(base64.b64decode(flac)))[0]


@pytest.mark.parametrize("level", [0.003, 0.1])
def test_sounds_are_brought_to_one_loudness(noise, rate, extractor, level):
    audio = noise(3.0, level)
    excerpt = excerpt_of(audio, tracks_of(audio, extractor), (0, len(audio)), rate, extractor.hop, extractor.window)
    assert excerpt.below_target_db == 0.0
    assert integrated_lufs(decoded(excerpt.flac_base64), rate) == pytest.approx(-20.0, abs=0.05)


def test_the_cut_takes_the_loudest_stretch_and_its_pitch(tone, rate, extractor):
    audio = np.concatenate([tone(220.0, level=0.02), tone(440.0)])
    assert cut_of(audio, rate, 10.0) == (0, len(audio))
    start, end = cut_of(audio, rate, 1.0)
    assert end - start == rate and start > 2 * rate
    excerpt = excerpt_of(audio, tracks_of(audio, extractor), (start, end), rate, extractor.hop, extractor.window)
    assert excerpt.seconds == 1.0
    assert np.nanmedian(excerpt.f0_hz) == pytest.approx(440.0, rel=0.005)
    assert excerpt.frame_seconds.min() >= 0.0 and excerpt.frame_seconds.max() < 1.0
    assert len(excerpt.loudness_db) == len(excerpt.frame_seconds) and np.ptp(excerpt.loudness_db) < 20.0
