"""The page in a real browser: sorted, filtered and scrolled by keyboard."""

import time

import pytest
from support.browser import browser, needs_chromium

pytestmark = needs_chromium

ROWS = "[...document.querySelectorAll('tbody tr:not(.spacer)')]"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as page:
        page.on_a_screen()
        yield page


@pytest.fixture
def show(opened, tmp_path):
    def go(text):
        (tmp_path / "index.html").write_text(text, encoding="utf-8")
        opened.said.clear()
        opened.open((tmp_path / "index.html").as_uri())
        return opened

    return go


def tab_to(page, script, most=60):
    """Press Tab until the focused element fulfils a script."""
    for _ in range(most):
        if page.run(f"((focused) => {script})(document.activeElement)"):
            return
        page.press("Tab")
    raise AssertionError(f"Tab does not lead to {script}")


def column(page, title):
    """The cells of a column that exist at the moment, as text."""
    heads = page.run("[...document.querySelectorAll('thead button')].map((one) => one.textContent)")
    return page.run(f"{ROWS}.map((row) => row.cells[{heads.index(title)}].textContent)")


def test_sorting_filtering_and_scrolling_by_keyboard(show, render, thousands, tmp_path):
    text, recordings, _ = render(*thousands(10_000), raw=tmp_path)
    page = show(text)
    assert page.said == []
    assert page.run("document.getElementById('count').textContent") == "10,000 of 10,000 files"
    assert column(page, "File")[:2] == ["a/take 0.wav", "a/take 3.wav"]
    # No more rows exist than can be seen, and some.
    assert page.run(f"{ROWS}.length") < 80
    tab_to(page, "focused.textContent === 'Loudness' && focused.tagName === 'BUTTON'")
    levels = recordings.table["loudness_lufs"].round(1)
    for direction, wanted in (("ascending", levels.min()), ("descending", levels.max())):
        start = time.perf_counter()
        page.press("Enter")
        page.wait(f"document.activeElement.parentElement.getAttribute('aria-sort') === '{direction}'")
        assert time.perf_counter() - start < 5.0
        assert float(column(page, "Loudness")[0].replace("\N{MINUS SIGN}", "-")) == wanted
    page.press("Tab")
    tab_to(page, "focused.getAttribute('role') === 'region'")
    page.press("End")
    page.wait(f"{ROWS}.at(-1).getAttribute('aria-rowindex') === '10001'")
    assert float(column(page, "Loudness")[-1].replace("\N{MINUS SIGN}", "-")) == levels.min()
    page.press("Home", "PageDown")
    page.wait("((at) => at > 100 && at < 2000)(document.querySelector('.scroll').scrollTop)")


def test_a_finding_leads_to_its_files_and_a_name_to_its_row(show, render, thousands, tmp_path):
    text, _, warnings = render(*thousands(500), raw=tmp_path)
    page = show(text)
    hums = sum(one["check"] == "hum" for one in warnings)
    tab_to(page, "focused.dataset.check === 'hum'")
    page.press("Enter")
    assert page.run("document.getElementById('count').textContent") == f"{hums} of 500 files"
    assert set(column(page, "Findings")) == {"Mains hum"}
    assert page.run("document.activeElement.getAttribute('role')") == "region"
    page.run("document.getElementById('check').value = ''; document.getElementById('text').focus()")
    page.call("Input.insertText", text="B/TAKE 49")
    assert column(page, "File") == [f"b/take {number}.wav" for number in (49, 490, 493, 496, 499)]


def test_odd_names_are_text_and_pictures_have_room(show, faulty_page):
    page = show(faulty_page[0])
    assert page.said == []
    assert "<b>x</b>.wav" in column(page, "File") and page.run("document.querySelectorAll('b b').length") == 0
    assert page.run("[...document.querySelectorAll('svg')].every((one) => one.getBoundingClientRect().width > 150)")
    page.run("document.querySelector('audio').play()")
    assert page.wait("document.querySelector('audio').currentTime > 0.05")
    # A phone: nothing but the table is wider than the page.
    with page.on_a_phone():
        assert page.run("document.documentElement.scrollWidth") == 390


def test_without_scripts_verdict_advice_and_findings_are_there(show, opened, faulty_page):
    with opened.without_scripts():
        page = show(faulty_page[0])
        text = page.run("document.body.innerText")
    for words in ("Not ready: 1 problem", "suits single notes", "Mains hum", "files.csv"):
        assert words in text
    assert "Show these" not in text and "part of a name" not in text
