"""What the page says and how large it is, besides what a browser makes of it."""

import hashlib
import re
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import numpy as np

from timbre.evaluation.catalogue import MINUS, NOT_APPLICABLE
from timbre.evaluation.page.curves import COLUMNS, Curves, path_of


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).replace(MINUS, "-")


def test_all_that_it_needs_lies_beside_it_and_nothing_else(page):
    html = (page.folder / "index.html").read_text()
    links = {unquote(unescape(link)) for link in re.findall(r'(?:src|href)="(?!data:|#)([^"]+)"', html)}
    scripts = {f"page/{unescape(key)}.js" for key in re.findall(r'data-sound="([^"]+)"', html)}
    shown = {link for link in links if link.startswith("page/")}
    files = {path.relative_to(page.folder).as_posix() for path in (page.folder / "page").rglob("*.*")}
    assert files == shown | scripts
    assert {link for link in links - shown if not link.startswith("audio/")} == {"items.csv"}
    assert not re.findall(r"https?://|@import|url\(", html)


def test_the_same_sounds_and_figures_give_the_same_bytes(page, make, tmp_path):
    assert digests(make(tmp_path / "elsewhere").folder) == digests(page.folder)


def test_a_figure_stands_with_interval_anchors_and_share(page):
    html = (page.folder / "index.html").read_text()
    row = next(row for row in re.findall(r"<tr>.*?</tr>", html, re.S) if "transfer.ltas_db" in row)
    # (3 + 6 + 9) / 3 = 6 between 17 (input unchanged) and 4 (the target's own spread).
    for text in ("6.0 dB", "17.0 dB input unchanged", "4.0 dB target's own spread", "85 %", "lower is better"):
        assert text in words(row)
    assert re.search(r"\d\.\d dB to \d+\.\d dB", words(row)) and 'class="whisker"' in row
    leaps = next(row for row in re.findall(r"<tr>.*?</tr>", html, re.S) if "transfer.leap_frames" in row)
    assert "3 frames in bell" in words(leaps) and 'href="#transfer-bell"' in leaps


def test_a_card_has_its_own_figures_and_says_why_one_is_missing(page):
    html = (page.folder / "index.html").read_text()
    cards = dict(re.findall(r'<article class="card" id="([^"]+)"(.*?)</article>', html, re.S))
    names = ["transfer-bell", "transfer-flute &amp; co", "transfer-hiss"]
    assert list(cards) == [*names, "reconstruction-take 1", "reconstruction-take 2"]
    bell, hiss, take = (words(cards[name]) for name in ("transfer-bell", "transfer-hiss", "reconstruction-take 1"))
    assert "Pitch kept 50 %" in bell and "Pitch leaps at the edges of notes 3 frames" in bell and "Buzz" not in bell
    assert f"Pitch kept {NOT_APPLICABLE} no pitch in it" in hiss and "-40.0 dB" in hiss and "leaps" not in hiss
    assert "Spectral error 6.00 16.00 untrained" in take and "Distance of timbre 2.0 60.0 untrained" in take
    assert "True level, in → out -20.0 → -26.0 LUFS" in take
    # 0.5 of the way from the take of the target (0) to the input unchanged (1).
    assert "width:50%" in cards["transfer-bell"]


def test_what_could_not_be_read_is_listed_as_text(page):
    html = (page.folder / "index.html").read_text()
    assert "<code>&lt;b&gt;broken.wav</code> (transfer): does not decode" in html


def test_two_hundred_sounds_with_long_names_stay_under_two_megabytes(page, tmp_path):
    walk = np.cumsum(np.random.default_rng(0).normal(0.0, 0.1, COLUMNS)) % 1.0
    curves = Curves("-10 dB", "-70 dB", [path_of(walk), path_of(walk[::-1])])
    cards, rows = [], []
    of_card = {(row["kind"], row["name"]): row for row in page.rows}
    for number in range(200):
        card = page.cards[number % 5]
        name = f"folder of recordings__session {number:03}__a take of some length"
        item = replace(card.item, name=name, file=f"{name.replace('__', '/')}.wav")
        cards.append(replace(card, item=item, loudness=curves, pitch=curves))
        rows.append(of_card[card.item.kind, card.item.name] | {"name": name, "file": item.file})
    html = page.write(tmp_path / "index.html", cards, rows)
    assert html.count('<article class="card"') == 200
    assert len(html.encode()) < 2_000_000
