"""Which model, and how much more it wants."""

import numpy as np
import pytest

from timbre.audit.advice.model import advise_on_amount, advise_on_model


@pytest.mark.parametrize(
    ("minutes", "pitched", "notes", "onsets", "choose", "words"),
    [
        (11, 95.0, 1.0, 1.0, "ddsp harmonic_noise", ["95 % of what sounds has a clear pitch, one note at a time"]),
        (180, 95.0, 1.0, 1.0, "ddsp harmonic_noise", ["enough for `model: rave` too"]),
        (11, 95.0, np.nan, np.nan, "ddsp harmonic_noise", ["95 % of what sounds has a clear pitch. "]),
        (180, 90.0, 3.1, 2.0, "rave", ["about 3.1 notes at once", "there is enough of it"]),
        (20, 90.0, 3.1, 2.0, "rave", ["once there is enough of it", "noise_bands"]),
        (20, 8.0, np.nan, 5.5, "ddsp noise_bands", ["8 %", "5.5 onsets a second: percussion"]),
        (20, 8.0, np.nan, 0.5, "ddsp noise_bands", ["noises, breath or effects"]),
        (180, 8.0, np.nan, 5.5, "rave", ["percussion", "there is enough of it"]),
        (20, 60.0, 1.0, 1.0, "ddsp harmonic_noise", ["follows the pitched part", "Try both"]),
        (20, 40.0, 1.0, 1.0, "ddsp noise_bands", ["holds no pitch"]),
        (20, 60.0, 2.0, 1.0, "ddsp noise_bands", ["about 2.0 notes at once"]),
        (180, 50.0, 1.0, 1.0, "rave", ["50 %"]),
        (20, np.nan, np.nan, np.nan, None, ["Nothing sounds"]),
    ],
)  # fmt: skip
def test_the_model(judge, row, minutes, pitched, notes, onsets, choose, words):
    heard = {"pitched_percent": pitched, "polyphony": notes, "onsets_per_second": onsets}
    recordings, _ = judge(row("a.wav", duration_seconds=60.0 * minutes, **heard))
    told = advise_on_model(recordings)
    assert told["choose"] == choose
    assert all(word in told["text"] for word in words), told["text"]
    assert told["figures"]["minutes"] == minutes
    assert told["figures"]["pitched_percent"] == (None if np.isnan(pitched) else pitched)


def test_what_params_are_set_to_needs_no_command(judge, row, params):
    recordings, _ = judge(row("a.wav"))
    told = advise_on_model(recordings)
    assert told["command"] == "" and told["text"].endswith("That is what params.yaml is set to.")
    recordings, _ = judge(row("a.wav"), settings=params("x").model_copy(update={"model": "rave"}))
    assert advise_on_model(recordings)["command"] == "dvc exp run -S model=ddsp -S synth=harmonic_noise"


def test_figures_weigh_as_what_sounds_of_a_file(judge, row):
    long = row("a.wav", pitched_percent=90.0, duration_seconds=400.0, silence_percent=50.0)
    short = row("b.wav", pitched_percent=30.0, duration_seconds=100.0, silence_percent=0.0, polyphony=None)
    recordings, _ = judge(long, short, row("test/c.wav", held_out=True, pitched_percent=0.0))
    figures = advise_on_model(recordings)["figures"]
    assert figures["pitched_percent"] == pytest.approx((200 * 90 + 100 * 30) / 300)
    assert figures["polyphony"] == 1.0


@pytest.mark.parametrize(
    ("minutes", "model", "choose", "more", "words"),
    [
        (4.0, "ddsp harmonic_noise", "more", 6.0, ["4 minutes to train on", "add 6 minutes", "rave wants 2 hours"]),
        (9.98, "ddsp harmonic_noise", "enough", 0.0, ["10 minutes to train on", "enough for ddsp"]),
        (11.0, "ddsp noise_bands", "enough", 0.0, ["rave wants 2 hours: 1.8 hours more"]),
        (30.0, "rave", "more", 90.0, ["rave wants 2 hours or more: add 1.5 hours", "It is enough for ddsp too."]),
        (240.0, "rave", "enough", 0.0, ["4 hours to train on, of which 3.8 hours sound", "enough for rave"]),
        (1.0, None, "more", 9.0, ["1 minute to train on"]),
    ],
)
def test_the_amount(judge, row, minutes, model, choose, more, words):
    recordings, _ = judge(row("a.wav", duration_seconds=60.0 * minutes))
    told = advise_on_amount(recordings, model)
    assert (told["choose"], told["figures"]["more_minutes"]) == (choose, pytest.approx(more, abs=0.1))
    assert all(word in told["text"] for word in words), told["text"]
