"""Clicks are found in any sound, and attacks, pulses and noise are not taken for them."""

import numpy as np
import pytest
from support.materials import DARK, MATERIALS

from timbre.audit.meters.clicks import Clicks
from timbre.audit.meters.meter import Block
from timbre.demo import inputs

RATE = 48000
LIMIT = 5.0
KINDS = {name: made for name, made in (MATERIALS | DARK).items() if name != "bowed"}


def judge(samples, rate=RATE, blocks=1):
    meter = Clicks(rate)
    for block in np.array_split(np.asarray(samples, np.float32), blocks):
        meter.add(Block(block[None], block))
    row = meter.result()
    return row["clicks_per_minute"], row["click_at_seconds"]


def clicked(samples, count, amplitude, seed=0):
    """Pops of one to three samples at random places."""
    rng = np.random.default_rng(seed)
    damaged = samples.copy()
    for at in rng.integers(RATE // 5, len(samples) - RATE // 5, count):
        length = int(rng.integers(1, 4))
        damaged[at : at + length] += rng.choice([-1, 1]) * amplitude * np.array([1.0, -0.6, 0.3])[:length]
    return np.clip(damaged, -1.0, 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_clicks_in_music(kind):
    samples = KINDS[kind](10.0, 0)
    assert judge(samples)[0] == 0.0
    assert judge(clicked(samples, 8, 0.4))[0] > LIMIT


@pytest.mark.parametrize("kind", ["drums", "flute", "noise"])
def test_none_in_clean_inputs(kind):
    assert judge(getattr(inputs, kind)(np.random.default_rng(0))[0])[0] == 0.0


@pytest.mark.parametrize("f0_hz", [40.0, 82.4, 220.0])
@pytest.mark.parametrize("alternate", [0.0, 0.3])
def test_the_pulses_of_a_tone_are_none(f0_hz, alternate):
    pulses = np.zeros(4 * RATE)
    places = np.arange(0.1, 3.9, 1.0 / f0_hz)
    pulses[np.rint(places * RATE).astype(int)] = 0.5 * (1.0 - alternate * (np.arange(len(places)) % 2))
    assert judge(pulses)[0] == 0.0


def test_an_attack_and_a_cut_end_are_none():
    tone = 0.4 * np.sin(2.0 * np.pi * 440.0 * np.arange(4 * RATE) / RATE + 1.0)
    assert judge(tone * (np.arange(len(tone)) // (RATE // 4) % 2))[0] == 0.0


def test_a_jump_in_a_tone_is_one():
    tone = 0.4 * np.sin(2.0 * np.pi * 440.0 * np.arange(4 * RATE) / RATE)
    per_minute, at = judge(np.concatenate([tone[:70000], tone[70040:]]))
    assert per_minute == pytest.approx(4.0) and at == pytest.approx(70000 / RATE, abs=1e-3)


def test_dropped_samples_are_ones():
    tone = 0.4 * np.sin(2.0 * np.pi * 440.0 * np.arange(10 * RATE) / RATE + 1.0)
    for second in range(1, 9):
        tone[second * RATE : second * RATE + 3] = 0.0
    assert judge(tone)[0] == pytest.approx(8 * 60.0 / 15.0)


def test_the_clearest_is_named():
    noise = 0.001 * np.random.default_rng(0).standard_normal(3 * RATE)
    noise[[RATE, 2 * RATE]] += (0.2, 0.4)
    assert judge(noise)[1] == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize("rate", [4000, 11025, 44100, 192000])
def test_any_rate(rate):
    samples = 0.4 * np.sin(2.0 * np.pi * 220.0 * np.arange(6 * rate) / rate)
    assert judge(samples, rate)[0] == 0.0
    samples[rate :: 2 * rate] += 0.3
    assert judge(samples, rate)[0] == pytest.approx(3 * 4.0)


def test_faint_ones_short_sounds_and_none_at_all():
    faint = np.zeros(RATE)
    faint[RATE // 2] = 0.002
    for samples in (faint, np.zeros(RATE), np.ones(500), np.zeros(0)):
        per_minute, at = judge(samples)
        assert per_minute == 0.0 and np.isnan(at)


def test_blocks_make_no_difference():
    samples = clicked(KINDS["plucked"](5.0, 1), 5, 0.3)
    assert judge(samples)[0] > 0.0
    assert judge(samples) == judge(samples, blocks=7) == judge(samples, blocks=1000)
