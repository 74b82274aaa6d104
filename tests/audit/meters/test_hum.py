"""Mains hum is found under any music, and low notes are not taken for it."""

import numpy as np
import pytest
from support.materials import DARK, MATERIALS

from timbre.audit.meters.hum import Hum
from timbre.audit.meters.meter import Block

RATE = 48000
LIMIT_DB = 10.0
KINDS = {name: made for name, made in (MATERIALS | DARK).items() if name != "bowed"}
# What is heard of a transformer, of a rectifier, and of a bad cable, by multiple.
HUMS = ({1: 1.0, 2: 0.5, 3: 0.4, 4: 0.2, 5: 0.25}, {2: 1.0, 4: 0.5, 6: 0.25, 8: 0.12}, {1: 1.0, 3: 0.5, 5: 0.25})


def judge(samples, rate=RATE, blocks=1):
    meter = Hum(rate)
    for block in np.array_split(np.asarray(samples, np.float32), blocks):
        meter.add(Block(block[None], block))
    return meter.result()


def harmonics(levels, f0_hz, seconds, rate=RATE):
    times = np.arange(round(seconds * rate)) / rate
    return sum(level * np.sin(2.0 * np.pi * f0_hz * number * times + number) for number, level in levels.items())


def hum(levels, mains_hz, seconds, level_dbfs, rate=RATE):
    wave = harmonics(levels, mains_hz, seconds, rate)
    return 10.0 ** (level_dbfs / 20.0) * wave / wave.std()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mains_hz", [49.9, 60.05])
def test_hum_under_music(kind, mains_hz):
    samples = KINDS[kind](8.0, 0)
    assert judge(samples)["hum_db"] < 0.5 * LIMIT_DB
    for levels in HUMS:
        row = judge(samples + hum(levels, mains_hz, 8.0, -42.0))
        assert row["hum_db"] > LIMIT_DB and row["hum_hz"] == round(mains_hz)


@pytest.mark.parametrize("tuning_hz", [415.0, 432.0, 440.0, 443.0])
def test_held_notes_are_no_hum(tuning_hz):
    """Drones from A0 to A4 that never end, with all partials."""
    for semitone in range(-48, 1):
        drone = harmonics(
            {number: 1.0 / number for number in range(1, 20)}, tuning_hz * 2.0 ** (semitone / 12.0), 1.5, 8000
        )
        assert judge(0.1 * drone, 8000)["hum_db"] < LIMIT_DB, semitone


def test_two_lines_may_be_anything():
    assert judge(hum({1: 1.0, 2: 1.0}, 50.0, 5.0, -40.0))["hum_db"] == 0.0


def test_what_comes_and_goes_is_no_hum():
    notes = hum(HUMS[0], 50.0, 8.0, -20.0) * (np.arange(8 * RATE) // RATE % 2)
    assert judge(notes)["hum_db"] < 0.5 * LIMIT_DB


def test_what_nobody_hears_is_no_hum():
    assert judge(hum(HUMS[0], 50.0, 5.0, -85.0))["hum_db"] < 0.5 * LIMIT_DB


@pytest.mark.parametrize("rate", [4000, 11025, 44100, 96000])
def test_any_rate(rate):
    row = judge(hum(HUMS[0], 60.0, 4.0, -40.0, rate), rate)
    assert row["hum_db"] == pytest.approx(24.0, abs=6.0) and row["hum_hz"] == 60.0


def test_silence_and_too_short_to_tell():
    assert judge(np.zeros(RATE * 2))["hum_db"] == 0.0
    assert np.isnan(judge(np.zeros(RATE // 2))["hum_db"]) and np.isnan(judge(np.zeros(0))["hum_hz"])


def test_blocks_make_no_difference():
    samples = KINDS["drum"](5.0, 0) + hum(HUMS[1], 50.0, 5.0, -42.0)
    assert judge(samples) == judge(samples, blocks=7) == judge(samples, blocks=1000)
