"""A page about recordings with known faults, and a page about thousands that were never recorded."""

import html.parser

import numpy as np
import pytest
import soundfile

from timbre.audit.advice.advise import advise
from timbre.audit.dataset.facts import SetFacts
from timbre.audit.page.page import page
from timbre.audit.summary import summarise

RATE = 48000
ODD = ("<b>x</b>.wav", 'größer 🎻/it\'s "so" & </script><script>alert(1)</script>.wav')


class Parsed(html.parser.HTMLParser):
    """Tags with their attributes, links, and text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words, self._inside = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action", "data")]
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.words.append(data)


@pytest.fixture
def parsed():
    return Parsed


@pytest.fixture
def render(judge):
    """The page of rows made by hand, what it is about, and its warnings."""

    def make(*rows, raw, **how):
        recordings, warnings = judge(*rows, **how)
        audit = {
            "summary": summarise(recordings, warnings), "warnings": warnings, "advice": advise(recordings, warnings),
        }  # fmt: skip
        return page(recordings, audit, raw), recordings, warnings

    return make


@pytest.fixture(scope="session")
def kept():
    """What was made once."""
    return {}


@pytest.fixture
def faulty_page(render, row, tmp_path, kept):
    """Recordings of 6 s with one fault each, and pairs and groups of them."""
    if "page" in kept:
        return kept["page"]
    time = np.arange(6 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 220.0 * time) * (np.sin(2 * np.pi * 0.4 * time) > -0.5)
    sounds = {"a.wav": tone, "b.wav": np.clip(4.0 * tone, -0.9, 0.9), "stereo.wav": np.stack([tone, -tone], axis=1)}
    sounds |= dict.fromkeys(ODD, tone + 1e-3)
    for name, sound in sounds.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, sound, RATE, subtype="PCM_24")
    short = {"duration_seconds": 6.0, "channels": 1, "channel_plan": "mono", "longest_pause_at_seconds": 2.0}
    rows = [
        row("a.wav", **short),
        row("b.wav", **short, clipped_percent=3.0, clipped_at_seconds=1.0, clip_level_dbfs=-0.9, clipped_runs=9),
        row("stereo.wav", **short | {"channels": 2, "channel_plan": "left"}, channel_correlation=-1.0),
        row(ODD[0], **short, hum_db=20.0, hum_hz=50.0, clicks_per_minute=30.0, click_at_seconds=5.9),
        row(ODD[1], **short, snr_db=12.0, noise_floor_dbfs=-40.0, bandwidth_hz=8000.0, bandwidth_drop_db=90.0),
        row("gone.wav", **short, loudness_lufs=-40.0, dc_offset_dbfs=-20.0),
    ]
    pair = {"file": "b.wav", "of": "a.wav", "error_rate": 0.05, "at_seconds": 1.0, "of_at_seconds": 0.5, "seconds": 3.0}
    group = {"files": 2, "seconds": 12.0, "decay_seconds": 0.2, "noise_db": []}
    groups = [
        group | {"number": 1, "example": "a.wav", "distance_db": 0.0, "ltas_db": [0.0, -3.0, None]},
        group | {"number": 2, "example": ODD[0], "distance_db": 12.0, "ltas_db": [-9.0, 9.0, None]},
    ]
    facts = SetFacts([pair], groups, [100.0, 1000.0, 20000.0], {"vendi": 1.1, "spread": 1.0, "windows": 9})
    kept["page"] = render(*rows, raw=tmp_path, facts=facts)
    return kept["page"]


@pytest.fixture
def thousands(row):
    """Rows of made-up recordings in three folders."""

    def make(number):
        rng = np.random.default_rng(0)
        level, hum = rng.normal(-22.0, 3.0, number), rng.uniform(0.0, 11.0, number)
        return [
            row(f"{'abc'[i % 3]}/take {i}.wav", loudness_lufs=float(level[i]), hum_db=float(hum[i]), hum_hz=50.0)
            for i in range(number)
        ]

    return make
