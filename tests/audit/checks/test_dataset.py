"""Checks of the whole set."""

import numpy as np
import pytest

from timbre.audit.dataset.facts import SetFacts


def of_set(warnings):
    return {one["check"]: one for one in warnings if one["file"] == ""}


def test_little_uneven_and_foreign(judge, row):
    quiet, loud = row("a.wav", loudness_lufs=-34.0, duration_seconds=30.0), row("b.wav", duration_seconds=30.0)
    found = of_set(judge(quiet, loud, foreign=["c.m4a"])[1])
    assert set(found) == {"small_dataset", "loudness_spread", "other_formats"}
    assert (found["small_dataset"]["value"], found["small_dataset"]["limit"]) == (1.0, 10.0)
    assert found["loudness_spread"]["value"] == pytest.approx(0.9 * 14.0)
    assert "c.m4a" in found["other_formats"]["advice"]
    assert {one["severity"] for one in found.values()} == {"warning"}


def test_each_model_wants_its_own_amount(judge, row, params):
    settings = params("x").model_copy(update={"model": "rave"})
    assert of_set(judge(row("a.wav"), settings=settings)[1])["small_dataset"]["limit"] == 120.0
    assert of_set(judge(row("a.wav", duration_seconds=7200.0), settings=settings)[1]) == {}


def test_less_than_a_slice_is_an_error(judge, row):
    found = of_set(judge(row("a.wav", duration_seconds=0.4))[1])
    assert (found["too_little"]["severity"], found["too_little"]["value"]) == ("error", 0.4)


@pytest.mark.parametrize(
    ("broken", "severity", "check"), [(4, None, None), (10, "warning", "lost"), (60, "error", "mostly_lost")]
)
def test_what_is_left_out_counts_also_where_nobody_knows_its_length(judge, row, broken, severity, check):
    rows = [row(f"{number}.wav", duration_seconds=100.0) for number in range(100 - broken)]
    rows += [
        row(f"x{number}.wav", readable=False, reason="is broken", duration_seconds=np.nan) for number in range(broken)
    ]
    found = of_set(judge(*rows)[1])
    lost = {name: one["severity"] for name, one in found.items() if name in ("lost", "mostly_lost")}
    assert lost == ({check: severity} if check else {})
    if check:
        assert found[check]["value"] == broken and f"Cannot be opened: {broken}." in found[check]["advice"]


@pytest.mark.parametrize(("share", "told"), [(0.2, False), (0.3, True)])
def test_serious_faults_of_much_of_the_material_are_an_error(judge, row, share, told):
    rows = [
        row("a.wav", duration_seconds=1000.0 * (1 - share)),
        row("b.wav", duration_seconds=500.0 * share, hum_db=20),
    ]
    rows.append(row("c.wav", duration_seconds=500.0 * share, clicks_per_minute=50.0, hum_db=20.0))
    # What is held out teaches nothing.
    rows.append(row("test/d.wav", held_out=True, duration_seconds=9000.0, hum_db=20.0))
    found = of_set(judge(*rows)[1])
    assert ("faulty" in found) == told
    if told:
        assert (found["faulty"]["severity"], found["faulty"]["value"]) == ("error", pytest.approx(100.0 * share))


@pytest.mark.parametrize(
    ("synth", "model", "percent", "limit"),
    [
        ("harmonic_noise", "ddsp", 29.0, 70.0), ("harmonic_noise", "ddsp", 31.0, None),
        ("noise_bands", "ddsp", 71.0, 70.0), ("noise_bands", "ddsp", 69.0, None),
        ("harmonic_noise", "rave", 0.0, None), ("noise_bands", "rave", 99.0, None),
        ("harmonic_noise", "ddsp", np.nan, None),
    ],
)  # fmt: skip
def test_a_synthesiser_that_does_not_suit_the_material(judge, row, params, synth, model, percent, limit):
    settings = params("x").model_copy(update={"synth": synth, "model": model})
    # The held-out file does not count, and a file weighs as long as it sounds.
    rows = [row("a.wav", pitched_percent=percent, duration_seconds=9000.0)]
    rows.append(row("test/b.wav", held_out=True, pitched_percent=50.0))
    if not np.isnan(percent):
        rows.append(row("c.wav", pitched_percent=50.0, silence_percent=97.9, duration_seconds=100.0))
    found = {name: one["limit"] for name, one in of_set(judge(*rows, settings=settings)[1]).items()}
    assert found == ({"synth_mismatch": limit} if limit else {})


def test_variety(judge, row):
    for vendi, check in ((1.2, "one_sound"), (9.0, None), (29.0, "many_sounds")):
        facts = SetFacts(variety={"vendi": vendi, "spread": 3.0, "windows": 600})
        assert list(of_set(judge(row("a.wav"), facts=facts)[1])) == ([check] if check else [])


def group(number, **changes):
    bands = [-10.0, -20.0, -30.0, -40.0]
    whole = {
        "number": number, "files": 1, "seconds": 60.0, "example": f"{number}.wav",
        "decay_seconds": 0.3, "ltas_db": bands, "noise_db": bands, "distance_db": 0.0,
    }  # fmt: skip
    return whole | changes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"distance_db": 9.0}, "its average spectrum by 9.0 dB"),
        ({"decay_seconds": 0.7}, "how long it rings on by a factor of 2.3"),
        ({"noise_db": [-40.0, -20.0, -30.0, -10.0]}, "the colour of its noise by 21.2 dB"),
        ({"distance_db": 7.0, "decay_seconds": 0.5, "noise_db": [0.0, -10.0, -20.0, -30.0]}, None),
        ({"distance_db": 7.0, "decay_seconds": None, "noise_db": [None] * 4}, None),
    ],
)
def test_groups_from_other_places(judge, row, changes, told):
    facts = SetFacts(environments=[group(1), group(2, **changes)])
    found = of_set(judge(row("1.wav"), row("2.wav"), facts=facts)[1])
    assert list(found) == (["environments"] if told else [])
    if told:
        assert told in found["environments"]["advice"] and "2.wav" in found["environments"]["advice"]


def test_several_rates(judge, row):
    found = of_set(judge(row("a.wav"), row("b.wav", sample_rate_hz=44100))[1])
    assert found["mixed_rates"]["severity"] == "info"
    assert "1 file at 44100 Hz, 1 file at 48000 Hz." in found["mixed_rates"]["advice"]
