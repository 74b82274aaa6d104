"""Copies that are planted, and what only sounds like them."""

import tracemalloc

import numpy as np
import pytest
import soxr
from scipy.signal import butter, lfilter, sosfilt
from support.materials import DARK, MATERIALS

from timbre.audit.dataset.fingerprint import REGION_BINS, REGIONS
from timbre.audit.dataset.shelf import Shelf
from timbre.audit.dataset.similar import find_similar
from timbre.audit.meters.sketch import Sketch

RATE = 48000
LIMIT = 0.1
KINDS = ("plucked", "drum", "speech", "noise")
COPIES = {
    "mp3": lambda x, coded: coded(x, "MP3", "MPEG_LAYER_III", 0.5),
    "vorbis": lambda x, coded: coded(x, "OGG", "VORBIS", 0.5),
    "opus": lambda x, coded: coded(x, "OGG", "OPUS", 0.5),
    "20 dB less, in 16 bits": lambda x, coded: np.round(3276.8 * x) / 32768.0,
    "20 dB more": lambda x, coded: 10.0 * x,
    "upside down": lambda x, coded: -x,
    "at another rate": lambda x, coded: soxr.resample(soxr.resample(x, RATE, 44100), 44100, RATE),
    "37 ms later": lambda x, coded: np.append(np.zeros(round(0.037 * RATE)), x),
    "5 s later": lambda x, coded: np.append(np.zeros(5 * RATE), x),
    "with noise": lambda x, coded: x + 0.01 * np.std(x) * np.random.default_rng(0).standard_normal(len(x)),
    "with other treble": lambda x, coded: x + sosfilt(butter(1, 3000.0, "highpass", fs=RATE, output="sos"), x),
}
DELAYS = {"37 ms later": 0.037, "5 s later": 5.0}


@pytest.fixture(scope="module")
def takes():
    return {kind: [MATERIALS[kind](10.0, seed) for seed in range(3)] for kind in KINDS}


@pytest.fixture(scope="module")
def sketches(takes, sketch_of):
    return {kind: [sketch_of(take) for take in takes[kind]] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", COPIES)
def test_a_changed_copy_is_found(kind, change, takes, sketches, sketch_of, coded):
    copy = sketch_of(COPIES[change](takes[kind][0], coded))
    (match,) = find_similar([*sketches[kind], copy], LIMIT)
    assert (match.file, match.of) == (3, 0)
    assert match.error_rate < 0.05
    assert match.seconds > 8.0
    assert match.at - match.of_at == pytest.approx(DELAYS.get(change, 0.0), abs=0.005)


def test_other_takes_are_no_copies(sketches, sketch_of):
    others = [sketch_of(DARK[kind](10.0, seed)) for kind in ("clarinet", "legato") for seed in range(3)]
    assert find_similar([sketch for kind in KINDS for sketch in sketches[kind]] + others, LIMIT) == []


def test_another_pitch_is_not_noticed(takes, sketches, sketch_of):
    """A copy played a semitone faster has other landmarks and other phases: nothing here finds it."""
    faster = soxr.resample(takes["plucked"][0], RATE * 2.0 ** (1.0 / 12.0), RATE)
    assert find_similar([*sketches["plucked"], sketch_of(faster)], 0.5) == []


def melody(score, seed, jitter_seconds):
    """Plucked notes (Karplus & Strong 1983) at given times, of strings that are struck anew each time."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(12 * RATE)
    for start, hertz in score:
        delay = round(RATE / hertz)
        burst = np.zeros(RATE // 2)
        burst[:delay] = rng.uniform(-1.0, 1.0, delay)
        note = lfilter([1.0], np.r_[1.0, np.zeros(delay - 1), -0.5, -0.49], burst) * rng.uniform(0.7, 1.0)
        at = max(0, round((start + jitter_seconds * rng.standard_normal()) * RATE))
        audio[at : at + len(note)] += note[: len(audio) - at]
    return (0.1 * audio + 1e-4 * rng.standard_normal(len(audio))).astype(np.float32)


@pytest.mark.parametrize("jitter_seconds", [0.0, 0.01])
def test_a_melody_played_twice_is_no_copy(jitter_seconds, sketch_of):
    rng = np.random.default_rng(1)
    score = [(0.3 * number, 110.0 * 2.0 ** (rng.integers(0, 24) / 12.0)) for number in range(38)]
    takes = [melody(score, seed, jitter_seconds) for seed in range(4)]
    assert find_similar([sketch_of(take) for take in takes], 0.2) == []


def test_a_part_of_another_recording(takes, sketches, sketch_of, coded):
    part = takes["speech"][0][2 * RATE : 8 * RATE]
    around = [takes["noise"][1][: 3 * RATE], takes["noise"][2][: 3 * RATE]]
    mixed = coded(np.concatenate([around[0], 0.5 * part, around[1]]), "OGG", "VORBIS")
    (match,) = find_similar([sketches["speech"][0], sketch_of(mixed)], LIMIT)
    assert match.error_rate < 0.05 and 5.0 <= match.seconds <= 7.5
    assert match.at == pytest.approx(3.0, abs=0.8) and match.at - match.of_at == pytest.approx(1.0, abs=0.02)


def test_a_few_seconds_in_common_are_not_worth_a_word(takes, sketches, sketch_of):
    part = takes["speech"][0][2 * RATE : 4 * RATE]
    mixed = np.concatenate([takes["noise"][1][: 4 * RATE], part, takes["noise"][2][: 4 * RATE]])
    assert find_similar([sketches["speech"][0], sketch_of(mixed)], LIMIT) == []


def test_all_of_a_short_recording_in_a_long_one(takes, sketches, sketch_of):
    short = sketch_of(takes["plucked"][0][4 * RATE : 7 * RATE])
    (match,) = find_similar([short, sketches["plucked"][0]], LIMIT)
    assert match.seconds == pytest.approx(3.0, abs=1.0) and match.at == pytest.approx(4.0, abs=0.8)


@pytest.mark.parametrize("kind", ["engine", "notes", "hiss", "zeros"])
def test_what_never_changes_is_no_copy_of_its_like(kind, engine, sketch_of):
    time = np.arange(8 * RATE) / RATE

    def make(seed):
        rng = np.random.default_rng(seed)
        if kind == "engine":
            return engine(8.0, seed, start=rng.uniform(0.0, 1.0))
        if kind == "notes":
            hertz = 220.0 * 2.0 ** rng.uniform(-0.01, 0.01)
            tone = sum(np.sin(2.0 * np.pi * hertz * n * time + rng.uniform(0.0, 6.0)) / n for n in range(1, 9))
            return 0.1 * tone * np.minimum(1.0, np.minimum(time, time[::-1]) / 0.05) + 1e-4 * rng.standard_normal(
                len(time)
            )
        return np.zeros(len(time)) if kind == "zeros" else 1e-4 * rng.standard_normal(len(time))

    assert find_similar([sketch_of(make(seed)) for seed in range(6)], LIMIT) == []


def test_loops_end(takes, sketch_of):
    """A bar that is repeated for minutes agrees with its copy at every bar; one of them is told."""
    bar = takes["drum"][0][RATE : 3 * RATE]
    looped = sketch_of(np.tile(bar, 30))
    (match,) = find_similar([looped, sketch_of(0.3 * np.tile(bar, 30))], LIMIT)
    assert match.seconds > 30.0


def made_up(rng, rows=43):
    """The sketch of a second of anything."""
    words = rng.integers(0, 3**16, 6).astype(np.uint32)
    moments = np.sort(rng.choice(2 * rows, 6, replace=False)).astype(np.uint32)
    bins = rng.integers(REGION_BINS[:-1], REGION_BINS[1:], (rows, REGIONS))
    phases = (bins + (rng.integers(0, 64, (rows, REGIONS)) << 10)).astype(np.uint16)
    nothing = np.zeros((0, 0), np.float32)
    return Sketch(words, moments, phases, nothing, nothing, nothing, nothing)


def test_ten_thousand_files_of_a_second(tmp_path):
    rng = np.random.default_rng(0)
    with Shelf(tmp_path) as shelf:
        made = [made_up(rng) for _ in range(10_000)]
        # A word that is everywhere, as an attack out of silence is, tells nothing and costs nothing.
        for sketch in made:
            sketch.words[0] = 7
        for number in range(50):
            made[9000 + number] = made[100 * number]
        kept = [shelf.keep(sketch) for sketch in made]
        del made
        tracemalloc.start()
        matches = find_similar(kept, LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert [(match.of, match.file) for match in matches] == [(100 * number, 9000 + number) for number in range(50)]
    assert peak < 64e6


def test_what_lies_on_the_shelf_is_what_was_put_there(tmp_path, sketches):
    with Shelf(tmp_path) as shelf:
        kept = [shelf.keep(sketch) for sketch in sketches["speech"]]
        for stored, sketch in zip(kept, sketches["speech"], strict=True):
            assert len(stored.phases) == len(sketch.phases)
            assert np.array_equal(stored.phases[:], sketch.phases)
            assert np.array_equal(stored.phases[17:90], sketch.phases[17:90])
            assert np.array_equal(stored.phases[-5:10_000], sketch.phases[-5:])
        assert find_similar([*kept, kept[0]], LIMIT) == find_similar(
            [*sketches["speech"], sketches["speech"][0]], LIMIT
        )
    assert list(tmp_path.iterdir()) == []
