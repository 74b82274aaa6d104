"""Where notes and hits begin, and whether they begin together in two sounds."""

from __future__ import annotations

import mir_eval
import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from timbre.evaluation.metrics.spectra import frame_sizes, magnitude_frames, mel_filters

# How far two onsets may lie apart and still be one; the field's common choice (MIREX).
WINDOW_SECONDS = 0.05
# Of a frame's hop, which is rounded to whole samples.
HOP_SECONDS = 0.005
MEL_BANDS = 80
# Bands this far under the sound's loudest begin to count; the logarithm is soft there.
COMPRESSION_DB = 60.0
# A level is compared with the highest of so many bands this long before: vibrato moves partials, but not so far.
WIDTH_BANDS = 3
LAG_SECONDS = 0.025
# An onset is the highest strength within 30 ms of it and lies over the mean of 100 ms around it by the threshold, which
# steady noise does not reach and soft, tongued notes do.
NEAR_SECONDS = 0.03
AROUND_SECONDS = 0.1
THRESHOLD = 0.06
APART_SECONDS = 0.05


def onset_f(reference_seconds: np.ndarray, output_seconds: np.ndarray) -> float | None:
    """F-measure (0 to 1) of the output's onsets against the reference's, both in seconds, [onsets].

    An onset within 50 ms of one of the reference's, each used once, is right (mir_eval.onset; Böck, Krebs and Schedl
    2012, "Evaluating the online capabilities of onset detection methods"). None where the reference has none.
    """
    if len(reference_seconds) == 0:
        return None
    if len(output_seconds) == 0:
        return 0.0
    return float(mir_eval.onset.f_measure(reference_seconds, output_seconds, window=WINDOW_SECONDS)[0])


def onsets_seconds(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """When notes and hits of audio [samples] begin, in seconds, rising; within about 10 ms for hits.

    Peaks of `onset_strength`, picked as in Böck and Widmer 2013. A gain changes nothing.
    """
    strength = onset_strength(audio, rate_hz)
    near, around = (2 * round(seconds / HOP_SECONDS) + 1 for seconds in (NEAR_SECONDS, AROUND_SECONDS))
    highest = strength == maximum_filter1d(strength, near, mode="constant")
    standing_out = strength >= uniform_filter1d(strength, around, mode="constant") + THRESHOLD
    found: list[float] = []
    for frame in np.flatnonzero(highest & standing_out):
        seconds = frame * round(HOP_SECONDS * rate_hz) / rate_hz
        if not found or seconds - found[-1] >= APART_SECONDS:
            found.append(seconds)
    return np.array(found)


def onset_strength(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """How much of audio [samples] gets louder around every 5 ms, from 0 up: [frames], frame k at k hops.

    Spectral flux whose past is widened over neighbouring bands, so that vibrato counts little (Böck and Widmer 2013,
    "Maximum filter vibrato suppression for onset detection"), here on 80 mel bands: the mean over them of how much
    log10(1 + 1000 M / highest M) has risen in 25 ms, M the magnitude in a band.
    """
    size, hop = frame_sizes(rate_hz)[0], round(HOP_SECONDS * rate_hz)
    lag = round(LAG_SECONDS / HOP_SECONDS)
    to_mel = mel_filters(size, rate_hz, MEL_BANDS)
    # As much silence before the sound as the first frames look back: a sound that begins at once has an onset there.
    # None after it, since the edge of a sound that is cut off is heard as a click.
    padded = np.pad(audio, (size // 2 + lag * hop, max(0, size // 2 - len(audio))))
    bands = np.concatenate([(part.square() @ to_mel).sqrt().numpy() for part in magnitude_frames(padded, size, hop)])
    highest = float(bands.max())
    if highest <= 1e-5:
        return np.zeros(len(bands) - lag)
    levels = np.log10(1.0 + 10.0 ** (COMPRESSION_DB / 20.0) * bands / highest)
    before = maximum_filter1d(levels, WIDTH_BANDS, axis=1)[:-lag]
    return np.maximum(levels[lag:] - before, 0.0).mean(axis=1)
