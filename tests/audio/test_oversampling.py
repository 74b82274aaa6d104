"""Values between samples, against soxr, libebur128 and a bound that none may pass."""

import numpy as np
import pytest
import soxr
from scipy.signal import butter, sosfilt, upfirdn

from timbre.audio.oversampling import (
    CELL_SAMPLES,
    Oversampler,
    Windows,
    long_filters,
    long_oversampler,
    short_filters,
    strict_oversampler,
)

CELLS = 40


def padded(samples):
    row = np.zeros((CELLS + 2) * CELL_SAMPLES, np.float32)
    row[CELL_SAMPLES : CELL_SAMPLES + len(samples)] = samples
    return row


def sounds():
    rng = np.random.default_rng(0)
    noise, at = rng.standard_normal(CELLS * CELL_SAMPLES), np.arange(CELLS * CELL_SAMPLES)
    return {
        "noise": noise,
        "dark": sosfilt(butter(4, 0.05, output="sos"), noise),
        "tone": np.sin(0.05 * at),
        "highest": np.sin(0.49 * 2.0 * np.pi * at),
        "square": np.sign(np.sin(0.07 * at)),
        "click": (at == 777).astype(float),
        "offset": 1.0 + 1e-3 * noise,
    }


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", sounds())
def test_long_is_soxr(name, factor):
    row = padded(sounds()[name])
    whole = (
        np.abs(soxr.resample(row, 48000, factor * 48000, quality="HQ")).reshape(-1, CELL_SAMPLES, factor).max(axis=2)
    )
    cells = np.arange(CELLS)
    found = long_oversampler(factor).sizes(row, cells)
    np.testing.assert_allclose(found, whole[1:-1], atol=3e-6)
    # A few cells go another way.
    np.testing.assert_allclose(long_oversampler(factor).sizes(row, cells[3:5]), whole[4:6], atol=3e-6)


@pytest.mark.parametrize("name", sounds())
def test_short_is_a_windowed_sinc_of_49_taps(name):
    samples = sounds()[name]
    at = np.arange(-24, 25)
    taps = np.sinc(at / 4.0) * np.hanning(49)
    expected = np.abs(upfirdn(taps, samples, up=4))[24:][: 4 * len(samples)].reshape(-1, 4)
    found = Oversampler(short_filters(4), 4).sizes(padded(samples), np.arange(CELLS))
    # Here the gain of every place is one, there it is so within a thousandth.
    np.testing.assert_allclose(found.reshape(-1), expected.max(axis=1), rtol=2e-3, atol=2e-3 * np.abs(samples).max())


@pytest.mark.parametrize("make", [strict_oversampler, lambda: long_oversampler(2), lambda: long_oversampler(1)])
@pytest.mark.parametrize("name", sounds())
def test_nothing_passes_the_bound(name, make):
    row = padded(sounds()[name])
    found = make().sizes(row, np.arange(CELLS)).max(axis=1)
    # Over a whole row soxr's FFTs leave some rounding.
    assert (found <= make().bounds(row) + 1e-6 * np.abs(row).max()).all()


@pytest.mark.parametrize("name", ["dark", "tone", "offset"])
def test_the_bound_is_near_where_little_is_high(name):
    row = padded(sounds()[name])
    found = strict_oversampler().sizes(row, np.arange(CELLS)).max(axis=1)
    assert np.median(strict_oversampler().bounds(row) / found) < 1.1


@pytest.mark.parametrize("samples", [0, 1, 127, 128, 5000, Windows.samples - 128, Windows.samples, 100000])
def test_windows_join_to_the_stream(samples):
    stream = np.random.default_rng(0).standard_normal((samples, 2)).astype(np.float32)
    found = []
    for parts in ([], [10, 11, 40000], range(0, samples, 777)):
        windows = Windows(2)
        whole = [window for block in np.split(stream, list(parts)) for window in windows.take(block)]
        last, rest = windows.rest()
        assert all(len(window) == Windows.samples + 2 * CELL_SAMPLES for window in whole)
        assert len(last) % CELL_SAMPLES == 0 and len(last) >= rest + 2 * CELL_SAMPLES
        inner = [window[CELL_SAMPLES:-CELL_SAMPLES] for window in whole] + [last[CELL_SAMPLES : CELL_SAMPLES + rest]]
        joined = np.concatenate(inner)
        np.testing.assert_array_equal(joined, np.pad(stream, ((CELL_SAMPLES, 0), (0, 0))))
        for before, after in zip(whole, [*whole[1:], last], strict=False):
            np.testing.assert_array_equal(before[-2 * CELL_SAMPLES :], after[: 2 * CELL_SAMPLES])
        found.append([*whole, last])
    for others in found[1:]:
        assert all((one == other).all() for one, other in zip(found[0], others, strict=True))


def test_filters_pass_a_constant_and_a_slope():
    for filters in (long_filters(4), long_filters(2), short_filters(4)):
        np.testing.assert_allclose(filters.sum(axis=1), 1.0)
        at = np.arange(filters.shape[1]) - filters.shape[1] // 2
        np.testing.assert_allclose(filters @ at, np.arange(len(filters)) / len(filters), atol=0.02)
