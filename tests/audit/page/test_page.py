"""The page: its words, what shows the findings, that it needs nothing from outside, and its size."""

import base64
import io
import json
import re
import time

import numpy as np
import pytest
import soundfile

from timbre.audit.page import rows
from timbre.audit.page.page import typeset


def test_it_escapes_names_and_needs_nothing_from_outside(faulty_page, parsed):
    text = faulty_page[0]
    page = parsed(text)
    assert "alert" not in "".join(re.findall(r"<script>(.*?)</script>", text, re.DOTALL))
    assert page.tags.count("script") == 2 and "<b>x</b>.wav" in page.words
    assert any("größer 🎻" in words for words in page.words)
    assert "http" not in text and "url(" not in text and "@import" not in text
    inside = ("data:", "#")
    assert {link for link in page.links if not link.startswith(inside)} == {"files.csv"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(re.findall(r'id="([\w]+)"', text))


def test_the_verdict_comes_first_and_then_advice_and_findings(faulty_page, parsed):
    words = " ".join(" ".join(parsed(faulty_page[0]).words).split())
    order = ["Not ready: 1 problem to solve before you train.", "Advice", "What stands out", "Mains hum", "All files"]
    places = [words.index(part) for part in order]
    assert places == sorted(places)
    assert "`" not in words and "12 dB over its noise (least 30)" in words


def test_each_finding_has_a_picture_and_a_sound_at_its_second(faulty_page):
    text = faulty_page[0]
    shown = {}
    for article in re.findall(r'<article.*? id="(\w+)">(.*?)</article>', text, re.DOTALL):
        shown[article[0]] = article[1]
    for check in ("clipping", "hum", "clicks", "noisy", "upsampled", "inverted", "near_copy"):
        assert shown[check].count("<svg") == 1 and shown[check].count("<audio") == 1, check
    assert shown["environments"].count("<svg") == 1
    # What is gone from the disk is told all the same.
    assert "gone.wav" in shown["quiet"] and "<svg" not in shown["quiet"]
    sound = re.search(r"base64,([^\"]+)", shown["clipping"])[1]
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert rate == 48000 and len(samples) == 2.5 * rate
    # From 0.2 s on: 0.8 s before the place.
    source = np.clip(1.2 * np.sin(2 * np.pi * 220.0 * (0.2 + np.arange(rate) / rate)), -0.9, 0.9)
    assert np.corrcoef(samples[:rate], source)[0, 1] > 0.999
    assert "0.2 to 2.7 s" in shown["clipping"]
    stereo = soundfile.info(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", shown["inverted"])[1])))
    assert (stereo.channels, stereo.subtype) == (2, "PCM_16")


def test_pictures_are_sound_svg(faulty_page):
    import xml.etree.ElementTree as xml

    pictures = re.findall(r"<svg.*?</svg>", faulty_page[0], re.DOTALL)
    assert len(pictures) > 8
    for picture in pictures:
        root = xml.fromstring(picture)
        assert root.get("role") == "img" and root.get("aria-label")
        assert "nan" not in picture and "inf" not in picture


def test_a_good_set_is_ready(render, row, tmp_path):
    text = render(row("a.wav"), row("test/b.wav", held_out=True), raw=tmp_path)[0]
    assert "Ready to train." in text and "<p>Nothing.</p>" in text


def test_ten_thousand_files_in_seconds_and_a_few_megabytes(render, thousands, tmp_path):
    made = thousands(10_000)
    start = time.perf_counter()
    text, recordings, warnings = render(*made, raw=tmp_path)
    took = time.perf_counter() - start
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert len(data["rows"]) == 10_000 and data["more"] == 0
    assert len(text) < 2_000_000
    assert took < 30.0  # three seconds, and ten times that on cores that others use too
    names = [column["title"] for column in data["columns"]]
    assert "Hum" in names and "Treble ends" not in names
    first = data["rows"][0]
    assert first[0] == "a/take 0.wav"
    assert first[5 + names.index("Loudness")] == round(float(recordings.table["loudness_lufs"][0]), 1)
    hums = sum(one["check"] == "hum" for one in warnings)
    assert sum(data["names"].index("hum") in one[3] for one in data["rows"]) == hums > 500
    assert f"Show these {hums} in the table" in text


def test_of_too_many_files_those_with_findings_stay(render, row, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MOST_ROWS", 50)
    table = [row(f"{number:02d}.wav") for number in range(60)]
    table[-1]["hum_db"] = 20.0
    text = render(*table, raw=tmp_path)[0]
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert (len(data["rows"]), data["more"]) == (50, 10)
    assert [one[0] for one in data["rows"][-2:]] == ["48.wav", "59.wav"]
    assert "10 more are in files.csv" in text


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("set `a: <b>` at -20 LUFS", "set <code>a: &lt;b&gt;</code> at \N{MINUS SIGN}20 LUFS"),
        ("take -3.wav and a-1.wav", "take -3.wav and a-1.wav"),
        ("one ` tick", "one ` tick"),
    ],
)
def test_typesetting(text, made):
    assert typeset(text) == made
