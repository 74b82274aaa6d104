"""All advice: files, groups, variety, rates, what is held out."""

import json

import numpy as np

from timbre.audit.advice.advise import advise
from timbre.audit.dataset.facts import SetFacts


def test_every_piece_has_choice_figures_and_words_that_json_can_hold(judge, row):
    told = advise(*judge(row("a.wav", loudness_range_lu=np.nan, snr_db=np.nan)))
    assert set(told) == {"model", "amount", "normalize", "files", "groups", "variety", "rates", "held_out"}
    for piece in told.values():
        assert {"choose", "figures", "text"} <= set(piece) and piece["text"].endswith(".")
        assert all(value is None or isinstance(value, (int, float)) for value in piece["figures"].values())
    json.dumps(told, allow_nan=False)


def test_files_to_leave_redo_and_listen_to(judge, row):
    rows = [
        row("a.wav"),
        row("hum.wav", hum_db=20.0, loudness_lufs=-40.0, duration_seconds=60.0),
        row("quiet.wav", loudness_lufs=-40.0, duration_seconds=60.0),
        row("silent.wav", silence_percent=100.0, duration_seconds=60.0),
        row("copy.wav", pcm_sha256="a.wav", duration_seconds=60.0),
        row("dual.wav", channel_correlation=1.0, duration_seconds=60.0),
    ]
    told = advise(*judge(*rows))["files"]
    assert told["choose"] == {
        "left_out": [{"file": "copy.wav", "why": ["duplicate"]}, {"file": "silent.wav", "why": ["silent"]}],
        "redo": [{"file": "hum.wav", "why": ["hum", "quiet"]}],
        "listen": [{"file": "quiet.wav", "why": ["quiet"]}],
    }
    assert told["figures"]["redo_minutes"] == 1.0
    for words in ("2 files left out", "silent.wav (only silence)", "hum.wav (mains hum)", "quiet.wav (quiet)"):
        assert words in told["text"]
    assert advise(*judge(row("a.wav")))["files"]["text"] == "Every file can be used as it is."


def test_groups_to_train_apart(judge, row):
    def group(number, files, **changes):
        shape = {"number": number, "files": files, "seconds": 60.0 * files, "example": f"{number}.wav"}
        spectra = {"decay_seconds": 0.2, "ltas_db": [0.0, -10.0], "noise_db": [], "distance_db": 0.0}
        return shape | spectra | changes

    facts = SetFacts(environments=[group(1, 9), group(2, 3, distance_db=11.0), group(3, 2, distance_db=4.0)])
    told = advise(*judge(row("a.wav"), facts=facts))["groups"]
    assert told["choose"] == "apart"
    assert [one["apart"] for one in told["groups"]] == [False, True, False]
    assert "Group 2 (3 files, 3 minutes, such as 2.wav) differs in its average spectrum by 11.0 dB." in told["text"]
    facts = SetFacts(environments=[group(1, 9), group(2, 3)])
    assert advise(*judge(row("a.wav"), facts=facts))["groups"]["choose"] == "together"
    assert advise(*judge(row("a.wav")))["groups"]["choose"] == "unknown"


def test_variety(judge, row):
    for vendi, choose in ((1.2, "more"), (9.0, "fine"), (29.0, "less"), (None, "unknown")):
        facts = SetFacts(variety={"vendi": vendi, "spread": 3.0, "windows": 600})
        assert advise(*judge(row("a.wav"), facts=facts))["variety"]["choose"] == choose


def test_rates_and_what_is_held_out(judge, row):
    told = advise(*judge(row("a.wav"), row("b.wav", sample_rate_hz=16000), row("test/c.wav", held_out=True)))
    assert told["rates"]["choose"] == "convert" and "nothing above 8 kHz" in told["rates"]["text"]
    assert told["held_out"]["choose"] == "folder" and "1 of 3 recordings" in told["held_out"]["text"]
    told = advise(*judge(row("a.wav")))
    assert (told["rates"]["choose"], told["held_out"]["choose"]) == ("keep", "drawn")
