"""The page of a training."""

import base64
import io
import re
from html.parser import HTMLParser

import pytest
import soundfile
import torch

from timbre.training.page import NOTHING, flac_uri


@pytest.fixture
def page(train_duel, make_duel, tmp_path):
    """What a training leaves, and its page."""

    def make(task=None, name: str = "one"):
        outcome = train_duel(name, task or make_duel((4, 4)))
        return outcome, (tmp_path / name / "reports/index.html").read_text(encoding="utf-8")

    return make


def test_it_holds_the_original_and_what_became_of_it_at_each_validation(page):
    outcome, html = page()
    sounds = re.findall(r'src="data:audio/flac;base64,([^"]+)"', html)
    decoded = [soundfile.read(io.BytesIO(base64.b64decode(sound)), dtype="int16", always_2d=True) for sound in sounds]
    wanted = [outcome.original, *(outcome.heard[step] for step in (3, 4, 6, 8))]
    assert list(outcome.heard) == [3, 4, 6, 8] and len(decoded) == 5
    for (audio, rate), sound in zip(decoded, wanted, strict=True):
        assert rate == 16000 and torch.equal(torch.from_numpy(audio.T), sound)
    assert 'aria-label="Original"' in html and 'aria-label="Reconstruction at step 6"' in html


def test_it_needs_nothing_from_elsewhere_and_names_no_place_or_time(page, tmp_path):
    _, html = page()
    text = re.sub(r"base64,[^\"]+", "", html)
    assert not re.search(r"https?:|(src|href)=\"(?!data:)", text)
    assert str(tmp_path) not in text and not re.search(r"20\d\d-\d\d|\d:\d\d", text)


def test_every_figure_has_a_chart_and_every_phase_its_line(page):
    _, html = page()
    assert re.findall("<figcaption>(.*?)</figcaption>", html) == [
        "loss", "discriminator loss", "level", "final level",
    ]  # fmt: skip
    assert html.count('role="img"') == 4 and "0.005 (generator), 0.01 (discriminator)" in html


def test_remarks_come_first_and_are_escaped(page):
    _, html = page()
    assert "of &lt;no&gt; importance." in html and NOTHING not in html
    assert html.index("importance") < html.index("<audio") < html.index("<figcaption>")


def test_curves_that_show_nothing_are_told_so(page, make_duel, monkeypatch):
    monkeypatch.setattr(make_duel, "remarks", lambda self, training_rows, validation_rows: [])
    assert NOTHING in page()[1]


def test_its_elements_are_closed(page):
    class Balance(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "link"):
                self.open.append(tag)

        def handle_startendtag(self, tag, attributes):
            pass

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    balance = Balance()
    balance.feed(page()[1])
    assert balance.open == []


def test_it_is_there_from_the_first_validation_on(train_duel, make_duel, monkeypatch, before_step, tmp_path):
    before_step(monkeypatch, 3, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train_duel("one", make_duel((4, 4)))
    html = (tmp_path / "one/reports/index.html").read_text(encoding="utf-8")
    assert "Still training" in html and html.count("<audio") == 2


def test_stereo_stays_stereo():
    sound = torch.tensor([[1, 2, 3], [-4, -5, -6]], dtype=torch.int16)
    encoded = base64.b64decode(flac_uri(sound, 48000).partition(",")[2])
    assert soundfile.read(io.BytesIO(encoded), dtype="int16")[0].T.tolist() == sound.tolist()
