"""Mel pictures: levels, scale, and bytes that repeat."""

import io

import numpy as np
import pytest
import torchaudio
from matplotlib.image import imread

from timbre.evaluation.plots import Panel, mel_db, picture, slaney_mel


def test_the_mel_scale_is_slaneys():
    from torchaudio.functional.functional import _hz_to_mel

    for frequency in (100.0, 999.0, 1000.0, 5000.0, 20000.0):
        assert slaney_mel(frequency) == pytest.approx(_hz_to_mel(frequency, "slaney"), rel=1e-6), torchaudio.__version__


def test_a_full_scale_sine_is_bright_where_it_lies(rate):
    levels = mel_db(np.sin(2 * np.pi * 2000 * np.arange(rate) / rate).astype(np.float32), rate)
    low, high = slaney_mel(30.0), slaney_mel(rate / 2)
    expected = (slaney_mel(2000.0) - low) / (high - low) * len(levels)
    assert levels.mean(axis=1).argmax() == pytest.approx(expected, abs=1.5)
    assert levels.max() == pytest.approx(0.0, abs=2.0)


@pytest.mark.parametrize("title", ["flute.wav", "cost $1_a$ <b>", "音.wav"])
def test_the_same_panels_give_the_same_plain_png(tone, rate, title):
    levels = mel_db(tone(), rate)
    panels = [
        Panel("input", levels, 2.0, np.arange(10) * 0.1, np.full(10, 220.0)),
        Panel("silence", np.full_like(levels, -120.0), 2.0, np.arange(10) * 0.1, np.full(10, np.nan)),
    ]
    first, second = picture(title, panels, rate), picture(title, panels, rate)
    assert first == second
    assert not any(word in first for word in (b"tEXt", b"tIME", b"Software"))
    pixels = imread(io.BytesIO(first))
    assert pixels.shape[1] == 1056 and pixels.std() > 0.05
