"""Whether a model plays different things to different inputs."""

from __future__ import annotations

import numpy as np

from timbre.evaluation.metrics.spectra import frame_sizes, magnitude_frames, mel_filters

MEL_BANDS = 40
# Long enough that two draws of one noise look alike, short enough to tell notes apart.
FRAME_SECONDS = 0.1
LONGEST_SECONDS = 10.0
RANGE_DB = 80.0
# Under it the outputs are the same whatever the input.
DEGENERATE = 0.1


def outline_db(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Levels in dB of 40 mel bands every 0.1 s of at most the first 10 s of audio [samples]: [frames, bands]."""
    size, hop = frame_sizes(rate_hz)
    to_mel = mel_filters(size, rate_hz, MEL_BANDS)
    audio = audio[: round(LONGEST_SECONDS * rate_hz)]
    powers = np.concatenate(
        [(frames.square() @ to_mel).double().numpy() for frames in magnitude_frames(audio, size, hop)]
    )
    each = max(1, round(FRAME_SECONDS * rate_hz / hop))
    # The last frame is the mean of what is left.
    means = np.array([powers[start : start + each].mean(axis=0) for start in range(0, len(powers), each)])
    return 10.0 * np.log10(np.maximum(means, 1e-12))


def mean_distance_db(outlines: list[np.ndarray]) -> float | None:
    """Mean over all pairs of sounds of the mean |difference| in dB of their outlines; None for fewer than two.

    outlines: [frames, bands] each; two are compared over the length of the shorter. What lies over 80 dB under the
    highest of all counts as lying there.
    """
    if len(outlines) < 2:
        return None
    floor = max(float(outline.max()) for outline in outlines) - RANGE_DB
    raised = [np.maximum(outline, floor) for outline in outlines]
    distances = []
    for index, first in enumerate(raised):
        for second in raised[index + 1 :]:
            frames = min(len(first), len(second))
            distances.append(float(np.abs(first[:frames] - second[:frames]).mean()))
    return float(np.mean(distances))


def degeneracy(inputs: list[np.ndarray], outputs: list[np.ndarray]) -> float | None:
    """How much the outputs differ from each other, in parts of how much the inputs do; see `mean_distance_db`.

    inputs, outputs: outlines of sounds that are not silent, in the same order. 1 where the outputs differ as much, 0
    for the same output whatever the input. None where there are not two inputs that differ.
    """
    before, after = mean_distance_db(inputs), mean_distance_db(outputs)
    if not before or after is None:
        return None
    return after / before
