"""A page of three inputs and two recordings, made without a model: known sounds and known figures."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from timbre.evaluation.items import RECONSTRUCTION, TRANSFER, Item
from timbre.evaluation.metrics.tracks import tracks_of
from timbre.evaluation.page.cards import Card, card_of
from timbre.evaluation.page.page import write_page
from timbre.evaluation.summary import rounded, summary_of

HEADING = {"model": "ddsp, harmonic_noise", "size": "tiny"}
OWN = {
    "model": {"delay_samples": 480, "parameters": 1, "streaming_snr_db": 120.0, "silence_dbfs_after_1s": -120.0,
              "degeneracy": 0.6, "degenerate": 0},
    "robustness": {"square_peak_dbfs": -3.0, "dc_peak_dbfs": -40.0, "sweep_peak_dbfs": 0.0, "finite": 1,
                   "returns_to_silence": 1},
}  # fmt: skip
FIGURES = {
    (RECONSTRUCTION, "take 1"): {"mss": 6.0, "mss_untrained": 16.0, "kad_mfcc": 2.0, "kad_mfcc_untrained": 60.0},
    (RECONSTRUCTION, "take 2"): {"mss": 8.0, "mss_untrained": 16.0, "kad_mfcc": 1.0, "kad_mfcc_untrained": 60.0},
    (TRANSFER, "bell"): {"f0_rca50": 0.5, "f0_rca50_target": 0.0, "f0_rca50_identity": 1.0, "ltas_db": 6.0,
                         "ltas_db_identity": 16.0, "leap_frames": 3.0, "buzz_db": None},
    (TRANSFER, "flute & co"): {"f0_rca50": 0.9, "f0_rca50_target": 0.1, "f0_rca50_identity": 1.0, "ltas_db": 9.0,
                               "ltas_db_identity": 15.0, "leap_frames": 0.0, "buzz_db": None},
    (TRANSFER, "hiss"): {"f0_rca50": None, "ltas_db": 3.0, "ltas_db_identity": 20.0, "leap_frames": None,
                         "buzz_db": -40.0},
}  # fmt: skip


@dataclass
class Made:
    """A page with what it was made of."""

    folder: Path
    cards: list[Card]
    rows: list[dict]
    summary: dict
    rate_hz: int

    def write(self, path: Path, cards: list[Card], rows: list[dict]) -> str:
        write_page(path, self.summary, cards, rows, HEADING, self.rate_hz, 50.0)
        return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def session_in(extractor, rate):
    """What cards need of a session, by the folder that they write to."""

    def made(folder: Path):
        settings = SimpleNamespace(evaluate=SimpleNamespace(page_seconds=1.5))
        return SimpleNamespace(rate_hz=rate, params=settings, extractor=extractor, folder=folder)

    return made


@pytest.fixture(scope="session")
def shown(extractor):
    """What a page shows of an item: its sides by name, as they are heard."""

    def made(**sides):
        heard = {
            name: SimpleNamespace(audio=audio, tracks=tracks_of(audio, extractor)) for name, audio in sides.items()
        }
        return SimpleNamespace(start=0, sides=heard)

    return made


@pytest.fixture(scope="session")
def make(session_in, shown, tone, noise, rate):
    """Make the page in a folder."""

    def made(folder: Path) -> Made:
        session = session_in(folder)
        sounds = {
            "take 1": (tone(220.0, 1.0), 0.5 * tone(220.0, 1.0, seed=1)),
            "take 2": (tone(440.0), tone(445.0)),
            "bell": (tone(660.0), tone(440.0)),
            "flute & co": (tone(330.0), 0.3 * tone(330.0)),
            "hiss": (noise(1.2), 0.5 * noise(1.2, seed=1)),
        }
        cards, rows, target = [], [], None
        for (kind, name), figures in FIGURES.items():
            heard, played = sounds[name]
            item = Item(kind, name, f"{name}.wav", Path(f"{name}.wav"))
            card, original = card_of(
                session, item, len(heard) / rate, shown(input=heard, output=played),
                target if kind == TRANSFER else None,
            )  # fmt: skip
            target = target or original
            cards.append(card)
            row = {"kind": kind, "name": name, "file": f"{name}.wav", "status": "measured"}
            rows.append(row | {"input_lufs": -20.0, "output_lufs": -26.0, "output_file_gain_db": 0.0} | figures)
        summary = summary_of(rows, OWN, {"ltas_db": 4.0, "kad_mfcc": 1.0}, rate, 50.0)
        broken = {"kind": TRANSFER, "name": "broken", "file": "<b>broken.wav", "status": "skipped: does not decode"}
        made = Made(folder, cards, [rounded(row) for row in (*rows, broken)], summary, rate)
        made.write(folder / "index.html", cards, made.rows)
        return made

    return made


@pytest.fixture(scope="session")
def page(make, tmp_path_factory) -> Made:
    return make(tmp_path_factory.mktemp("page"))
