"""One note at a time, or several."""

import numpy as np
import pytest
from scipy.signal import fftconvolve
from support.materials import DARK, MATERIALS, RATE, bowed

from timbre.audit.meters.meter import Block
from timbre.audit.meters.polyphony import Polyphony
from timbre.demo import inputs

CHORDS = {
    "fifth": (0, 7),
    "third": (0, 4),
    "sixth": (0, 9),
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "seventh": (0, 4, 7, 10),
}
# Amplitude of partial n.
TIMBRES = {
    "bright": lambda n: 1.0 / n,
    "soft": lambda n: 1.0 / n**2,
    "hollow": lambda n: 1.0 / n if n % 2 else 0.05 / n,
}


def measured(audio, rate=RATE, blocks=1):
    meter = Polyphony(rate, len(audio))
    for part in np.array_split(np.asarray(audio, np.float32), blocks):
        meter.add(Block(part[None], part))
    return meter.result()["polyphony"]


def played(chords, amplitude, rate=RATE, seconds=0.6):
    """Chords of MIDI numbers, one after the other, slightly out of tune, over faint noise."""
    rng = np.random.default_rng(0)
    times = np.arange(round(seconds * rate)) / rate
    fade = np.minimum(1.0, np.minimum(times, seconds - times) / 0.03)
    sounds = []
    for chord in chords:
        sound = np.zeros(len(times))
        for midi in chord:
            f0_hz = 440.0 * 2.0 ** ((midi - 69 + rng.uniform(-0.05, 0.05)) / 12.0)
            for n in range(1, min(15, int(0.45 * rate / f0_hz)) + 1):
                sound += amplitude(n) * np.sin(2.0 * np.pi * n * f0_hz * times + rng.uniform(0.0, 6.28))
        sounds.append(fade * sound)
    audio = np.concatenate(sounds)
    return 0.4 * audio / np.abs(audio).max() + 1e-4 * rng.standard_normal(len(audio))


@pytest.mark.parametrize("timbre", TIMBRES)
@pytest.mark.parametrize("chord", CHORDS)
def test_chords(chord, timbre):
    roots = np.random.default_rng(1).integers(45, 70, 8)
    found = measured(played([[root + step for step in CHORDS[chord]] for root in roots], TIMBRES[timbre]))
    assert found > 1.7
    assert found == pytest.approx(len(CHORDS[chord]), abs=0.9)


@pytest.mark.parametrize("rate", (16000, 44100, 48000))
@pytest.mark.parametrize("timbre", TIMBRES)
def test_melodies(timbre, rate):
    notes = np.random.default_rng(2).integers(45, 80, (8, 1))
    assert measured(played(notes, TIMBRES[timbre], rate), rate) < 1.2


@pytest.mark.parametrize("name", ("plucked", "speech", "clarinet", "bass", "legato"))
def test_single_voices_of_many_kinds(name):
    assert np.mean([measured((MATERIALS | DARK)[name](6.0, seed)) for seed in range(3)]) < 1.15


def test_a_flute_with_breath():
    assert measured(inputs.flute(np.random.default_rng(0))[0]) < 1.1


def test_one_bowed_string_and_two():
    one, other = bowed(6.0, 0), bowed(6.0, 1)
    assert measured(one) < 1.15 and measured(other) < 1.15
    assert measured(0.5 * (one + other)) > 1.5


def test_a_melody_in_a_room():
    rng = np.random.default_rng(0)
    times = np.arange(RATE) / RATE
    response = 0.01 * rng.standard_normal(len(times)) * 10.0 ** (-3.0 * times)
    response[0] += 1.0
    dry = played(np.random.default_rng(2).integers(45, 80, (8, 1)), TIMBRES["bright"])
    assert measured(0.5 * fftconvolve(dry, response)[: len(dry)]) < 1.3


@pytest.mark.parametrize("name", ("drum", "noise", "kick"))
def test_unpitched_sounds_have_no_notes(name):
    found = measured((MATERIALS | DARK)[name](6.0, 0))
    assert np.isnan(found) or found < 1.3


def test_silence_short_sounds_and_blocks():
    assert np.isnan(measured(np.zeros(RATE))) and np.isnan(measured(np.ones(10)))
    audio = played([[60, 64, 67], [60], [62, 69]], TIMBRES["bright"])
    assert measured(audio) == measured(audio, blocks=500) > 1.3
    assert measured(0.02 * audio + 0.1) == pytest.approx(measured(audio), abs=0.2)


def test_the_number_of_frames_is_bounded():
    meter = Polyphony(8000, 8000 * 600)
    part = played([[60], [64]], TIMBRES["bright"], 8000, 5.0).astype(np.float32)
    for _ in range(60):
        meter.add(Block(part[None], part))
    meter.result()
    assert 100 < meter._frames <= 200
