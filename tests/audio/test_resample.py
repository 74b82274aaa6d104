"""Sample rate conversion: aliases far down, and no trace of the blocks."""

import numpy as np
import pytest

from timbre.audio.resample import resample, resample_blocks


@pytest.mark.parametrize(
    ("source", "target", "hertz"), [(96000, 48000, 30000), (48000, 44100, 23000), (48000, 16000, 9000)]
)
def test_what_does_not_fit_is_gone(source, target, hertz):
    tone = np.sin(2.0 * np.pi * hertz * np.arange(2 * source) / source).astype(np.float32)
    middle = resample(tone, source, target)[target // 2 : -target // 2]
    assert 20.0 * np.log10(np.sqrt(2.0 * np.mean(middle.astype(np.float64) ** 2)) + 1e-12) < -120.0


def test_what_fits_stays():
    rate = 44100
    tone = np.sin(2.0 * np.pi * 997.0 * np.arange(rate) / rate)
    wanted = np.sin(2.0 * np.pi * 997.0 * np.arange(48000) / 48000)
    error = resample(tone.astype(np.float32), rate, 48000)[4800:-4800] - wanted[4800:-4800]
    assert 20.0 * np.log10(np.sqrt(np.mean(error**2))) < -120.0


@pytest.mark.parametrize(("source", "target"), [(44100, 48000), (48000, 16000), (8000, 48000), (48000, 48000)])
@pytest.mark.parametrize("shape", [(30000,), (30000, 1), (30000, 2)])
def test_blocks_make_no_difference(source, target, shape):
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(shape).astype(np.float32)
    cuts = np.sort(rng.integers(0, len(samples), 9))
    joined = np.concatenate(list(resample_blocks(np.split(samples, cuts), source, target, (*shape, 1)[1])))
    np.testing.assert_array_equal(joined, resample(samples, source, target))
    assert len(joined) == pytest.approx(len(samples) * target / source, abs=1.0)
