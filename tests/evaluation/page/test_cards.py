"""The card of an item: its files, its gains, and what is seen of a sound that starts over."""

import base64
import io
import json
import re

import numpy as np
import pytest
import soundfile

from timbre.audio.loudness import integrated_lufs
from timbre.evaluation.excerpts import Excerpt
from timbre.evaluation.page.cards import as_heard


def test_sounds_lie_beside_the_page_as_scripts_of_flac(page, rate):
    text = (page.folder / "page/transfer/bell.output.js").read_text()
    key, flac = re.fullmatch(r'sound\(("[^"]*"), ("[^"]*")\);\n', text).groups()
    assert json.loads(key) == "transfer/bell.output"
    heard, found_rate = soundfile.read(io.BytesIO(base64.b64decode(json.loads(flac))))
    assert found_rate == rate and len(heard) == 1.5 * rate
    assert integrated_lufs(heard, rate) == pytest.approx(-20.0, abs=0.05)


def test_a_transfer_is_heard_beside_a_target_and_a_recording_is_not(page):
    bell = next(card for card in page.cards if card.item.name == "bell")
    take = next(card for card in page.cards if card.item.name == "take 1")
    assert [voice.label for voice in bell.voices] == ["Input", "Output", "Target"]
    assert bell.voices[2].key == "reconstruction/take 1.input"
    assert [voice.label for voice in take.voices] == ["Original", "Output"]
    assert max(voice.gain for voice in bell.voices) <= 1.0
    assert bell.pitch is not None and take.loudness is not None
    assert next(card for card in page.cards if card.item.name == "hiss").pitch is None


def test_what_is_seen_is_what_the_player_plays():
    one = Excerpt(
        1.0, 0.0, "", np.arange(8.0).reshape(2, 4), np.array([0.25, 0.75]), np.array([100.0, 200.0]), np.zeros(2)
    )
    twice = as_heard(one, 1.75)
    assert twice.mel_db.tolist() == [[0, 1, 2, 3, 0, 1, 2], [4, 5, 6, 7, 4, 5, 6]]
    assert twice.frame_seconds.tolist() == [0.25, 0.75, 1.25] and twice.f0_hz.tolist() == [100.0, 200.0, 100.0]
    cut = as_heard(one, 0.5)
    assert cut.mel_db.tolist() == [[0, 1], [4, 5]] and cut.frame_seconds.tolist() == [0.25]
    assert np.array_equal(as_heard(one, 1.0).mel_db, one.mel_db)
