"""Pauses: which are found, what stays, how it is joined, and that any place can be found again."""

import numpy as np
import pytest

from timbre.audit.meters.pauses import FRAMES_PER_SECOND, SILENCE_DBFS
from timbre.normalize import trim
from timbre.normalize.trim import LEAST_CUT_SECONDS, PauseFinder, cut

RATE = 8000


def trimmed(samples, padding=0.1, blocks=None, rate=RATE):
    """What is left [samples, channels], and what it is of."""
    samples = np.asarray(samples, np.float32).reshape(len(samples), -1)
    parts = [samples] if blocks is None else np.split(samples, blocks)
    finder = PauseFinder(rate, samples.shape[1])
    for part in parts:
        finder.add(part)
    sound = finder.sound(padding)
    return np.concatenate(list(cut(parts, sound))), sound


def notes(*seconds, level=0.1, noise=1e-5, seed=0):
    """Noise, loud and almost silent by turns; the first of `seconds` is silent."""
    rng = np.random.default_rng(seed)
    parts = [
        (level if number % 2 else noise) * rng.standard_normal(round(each * RATE))
        for number, each in enumerate(seconds)
    ]
    return np.concatenate(parts).astype(np.float32)


def test_a_pause_is_what_the_audit_calls_silent():
    assert trim.FRAMES_PER_SECOND == FRAMES_PER_SECOND
    assert 10.0 * np.log10(trim.SILENT_POWER) == pytest.approx(SILENCE_DBFS)


def test_pauses_go_but_for_the_padding():
    sound = notes(1.0, 0.5, 2.0, 0.5, 0.2, 0.5, 1.5)
    found, kept = trimmed(sound, padding=0.1)
    # In seconds: a fade and the padding, the note; padding, fade, padding; the others with the short pause between.
    assert len(found) / RATE == pytest.approx(0.11 + 0.5 + 0.21 + 1.2 + 0.11, abs=1e-6)
    assert kept.trimmed_seconds == pytest.approx((len(sound) - len(found)) / RATE, abs=1e-9)
    assert [first / RATE for first, _ in kept.kept] == pytest.approx([0.9, 3.4])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("padding", [0.0, 0.05, 0.5])
def test_every_sounding_sample_stays_as_it_was_and_is_found_again(seed, padding):
    rng = np.random.default_rng(seed)
    sound = notes(*rng.uniform(0.02, 0.9, 12), level=rng.uniform(0.003, 0.5), seed=seed)
    found, kept = trimmed(sound, padding)
    left = np.zeros(len(sound), bool)
    for start, source, length in kept.places():
        here, there, samples = (round(each * RATE) for each in (start, source, length))
        np.testing.assert_array_equal(found[here : here + samples, 0], sound[there : there + samples])
        left[there : there + samples] = True
    assert (np.abs(sound[~left]) < 0.0101).all()
    frames = sound[: len(sound) // 400 * 400].reshape(-1, 400)
    loud = np.repeat((frames**2).mean(axis=1) > 1.01e-6, 400)
    assert left[: len(loud)][loud].all()


def test_a_gain_or_an_offset_moves_no_cut():
    sound = notes(1.0, 0.5, 2.0, 0.5, 1.0)
    _, kept = trimmed(sound)
    assert trimmed(sound + np.float32(0.25))[1].kept == kept.kept
    # The level that decides is that of the file: what is written with a gain was cut before it.
    assert len(kept.kept) == 2


def test_joints_make_no_click():
    # Hum of 50 Hz just under the limit, in every pause: a step in it would show far above.
    at = np.arange(10 * RATE) / RATE
    sound = 9e-4 * np.sqrt(2.0) * np.sin(2.0 * np.pi * 50.0 * at)
    for start in (2.13, 5.01, 8.07):
        first = round(start * RATE)
        sound[first : first + RATE // 2] += 0.2 * np.hanning(RATE // 2) * np.sin(300.0 * at[: RATE // 2])
    found, kept = trimmed(sound, padding=0.07)
    assert len(kept.kept) == 3 and len(found) < len(sound) / 2
    for start, source, _ in kept.places():
        assert source > 0.0
        joint = round(start * RATE) + np.arange(-kept.fade, 3)
        joint = joint[joint >= 0]
        # The hum bends by 2e-6 from sample to sample, and so does the fade of it; a step would be up to 2e-3.
        assert np.abs(np.diff(found[joint, 0], 2)).max() < 1e-5
    assert abs(found[0, 0]) < 1e-5 and abs(found[-1, 0]) < 1e-5


def test_a_pause_that_is_hardly_one_stays():
    longest = 2 * 0.1 + LEAST_CUT_SECONDS
    for pause, parts in ((longest - 0.051, 1), (longest + 0.051, 2)):
        assert len(trimmed(notes(0.0, 0.5, pause, 0.5))[1].kept) == parts


def test_what_never_pauses_or_never_sounds_stays_whole():
    for sound in (notes(0.0, 2.0), notes(2.0), notes(0.03), np.full(RATE, 0.3), notes(0.0, 0.01)):
        found, kept = trimmed(sound)
        np.testing.assert_array_equal(found[:, 0], np.asarray(sound, np.float32))
        assert kept.trimmed_seconds == 0.0 and kept.places() == [(0.0, 0.0, len(sound) / RATE)]


def test_channels_are_cut_alike_and_only_where_both_pause():
    left, right = notes(0.0, 0.5, 4.5), notes(3.0, 0.5, 1.5, seed=1)
    found, kept = trimmed(np.stack([left, right], axis=1))
    (first, second) = kept.places()
    assert [second[1], second[2]] == pytest.approx([2.9, 0.7])
    assert [first[1], first[2]] == pytest.approx([0.0, 0.6])
    # Sides that cancel each other are no pause.
    assert len(trimmed(np.stack([left, -left], axis=1))[1].kept) == 1
    assert trimmed(np.stack([left, -left], axis=1))[1].kept[0][1] == pytest.approx(0.6 * RATE)
    alone = trimmed(left)[0]
    np.testing.assert_array_equal(found[: len(alone) - 80, :1], alone[:-80])


def test_blocks_do_not_matter():
    sound = np.stack(
        [notes(0.7, 0.5, 2.0, 0.5, 0.9, 0.1, 1.0), notes(0.7, 0.5, 2.0, 0.5, 0.9, 0.1, 1.0, seed=1)], axis=1
    )
    whole, kept = trimmed(sound)
    rng = np.random.default_rng(0)
    for blocks in (np.sort(rng.integers(0, len(sound), 40)), range(0, len(sound), 17)):
        found, again = trimmed(sound, blocks=list(blocks))
        np.testing.assert_array_equal(found, whole)
        assert again == kept
