"""The set in numbers."""

import numpy as np

from timbre.audit.dataset.facts import SetFacts
from timbre.audit.summary import METRICS, metrics, summarise


def test_numbers_or_nothing(judge, row):
    pair = {"file": "b.wav", "of": "a.wav", "error_rate": 0.1, "at_seconds": 0, "of_at_seconds": 0, "seconds": 9}
    facts = SetFacts(similar=[pair], variety={"vendi": 7.5, "windows": 100, "spread": 2.0})
    rows = [row("a.wav", duration_seconds=1800.0), row("b.wav", duration_seconds=1800.0, hum_db=20.0)]
    rows += [row("test/c.wav", held_out=True, duration_seconds=360.0), row("d.wav", silence_percent=100.0)]
    found = metrics(summarise(*judge(*rows, facts=facts)))
    assert tuple(found) == METRICS
    assert (found["usable_hours"], found["held_out_hours"], found["sounding_hours"]) == (1.0, 0.1, 0.95)
    assert (found["near_copies"], found["vendi"], found["environments"]) == (1, 7.5, None)
    assert (found["faulty_percent"], found["lost_percent"]) == (50.0, round(100 * 700 / 4660, 3))
    assert found["errors"] == 1


def test_what_cannot_be_measured_is_null(judge, row):
    found = summarise(*judge(row("a.wav", snr_db=np.nan, polyphony=np.nan, pitched_percent=np.nan)))
    assert found["snr_median_db"] is found["polyphony"] is found["pitched_percent"] is found["vendi"] is None
    assert found["loudness_spread_lu"] is None
