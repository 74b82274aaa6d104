"""Pictures without words: where colours and lines lie, and bytes that repeat."""

import io

import numpy as np
from PIL import Image

from timbre.evaluation.page.strips import difference_strip, mel_strip, pitch_lines

SIZE = (200, 100)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_high_is_above_and_loud_is_bright():
    levels = np.linspace(-80.0, 0.0, 50)[:, None] + np.zeros(30)
    seen = pixels(mel_strip(levels, 0.0, SIZE)).sum(axis=2)
    assert seen.shape == (100, 200)
    assert seen[0, 100] > 500 > 20 > seen[99, 100]
    assert mel_strip(levels, 0.0, SIZE) == mel_strip(levels.copy(), 0.0, SIZE)


def test_two_sounds_on_one_scale_are_as_bright_as_they_are_loud():
    loud, soft = (pixels(mel_strip(np.full((50, 30), level), 0.0, SIZE)).sum() for level in (-10.0, -30.0))
    assert loud > soft > 0


def test_the_pitch_is_drawn_where_it_lies():
    across = np.linspace(0.0, 1.0, 11)
    f0_hz = np.where(across > 0.45, 1000.0, np.nan)
    f0_hz[0] = 500.0
    lines = pitch_lines(f0_hz, across, 16000)
    assert [len(line) for line in lines] == [1, 6]
    assert lines[1][0, 0] == 0.5 and 0.0 < lines[0][0, 1] < lines[1][0, 1] < 1.0
    seen = pixels(mel_strip(np.full((50, 30), -200.0), 0.0, SIZE, lines))
    rows, columns = np.nonzero(seen[:, :, 2] > 200)
    assert columns[columns > 10].min() >= 97
    assert abs(np.median(rows[columns > 97]) - (1.0 - lines[1][0, 1]) * 100) <= 2


def test_more_and_less_have_colours_of_their_own_and_silence_none():
    reference = np.full((50, 30), -40.0)
    levels = reference.copy()
    levels[:, :10] += 30.0
    levels[:, 10:20] -= 30.0
    seen = pixels(difference_strip(levels, reference, 0.0, SIZE))
    more, less, same = seen[50, 30], seen[50, 100], seen[50, 170]
    assert more[0] > 200 > more[2] and less[2] > 200 > less[0] and same.sum() < 20
    quiet = pixels(difference_strip(np.full((50, 30), -90.0), np.full((50, 30), -140.0), 0.0, SIZE))
    assert quiet.sum(axis=2).max() < 20, "both are more than 80 dB down"
