"""The page in a real browser: it plays, switches without losing the place, and tests blindly."""

import csv
import io
import time

import pytest
from support.browser import browser, needs_chromium

from timbre.comparing.command import compare

pytestmark = needs_chromium

FIRST = "players.values().next().value"


@pytest.fixture(scope="module")
def browsed(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository.folder)
        compare(["main", "dull"], folder / "page.html")
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.folder, opened.url = folder, f"file://{folder}/page.html"
        opened.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        yield opened


@pytest.fixture
def page(browsed):
    browsed.open("about:blank")
    browsed.open(browsed.url)
    yield browsed
    assert not browsed.said


def loudness(page) -> list[float]:
    """The gains of the sounds that run, as they are now."""
    return page.run(f"{FIRST}.voices.map((voice) => voice.gain.gain.value)")


def test_it_plays_in_a_loop_and_pauses(page):
    page.run("document.querySelector('.card .play').click()")
    page.wait(f"{FIRST}.position > 0.2")
    assert page.run("document.querySelector('.card .play').textContent") == "❚❚"
    page.wait(f"context.currentTime - {FIRST}.startedAt > {FIRST}.length + 0.1")
    assert page.run(f"{FIRST}.position") < page.run(f"{FIRST}.length")
    page.run("document.querySelector('.card .play').click()")
    held = page.run(f"{FIRST}.position")
    time.sleep(0.1)
    assert page.run(f"{FIRST}.position") == held


def test_another_sound_goes_on_where_the_first_one_is(page):
    page.press(" ")
    page.wait(f"{FIRST}.position > 0.3")
    started = page.run(f"{FIRST}.startedAt")
    before = page.run(f"{FIRST}.position")
    page.press("4")
    page.wait("document.querySelectorAll('.card [data-sound]')[3].getAttribute('aria-pressed') === 'true'")
    assert page.run(f"{FIRST}.startedAt") == started, "nothing was started anew"
    assert page.run(f"{FIRST}.position") >= before
    page.wait(f"{FIRST}.voices[3].gain.gain.value > 0")
    page.wait(f"{FIRST}.voices[2].gain.gain.value === 0")
    assert [gain > 0.0 for gain in loudness(page)] == [False, False, False, True]
    page.press("ArrowLeft")
    page.press("1")
    page.wait(f"{FIRST}.wanted && {FIRST}.voices.length && {FIRST}.voices[0].gain.gain.value > 0")


def test_what_is_heard_is_the_chosen_sound(page):
    page.run(f"window.first = {FIRST}; first.listen(2)")
    page.wait("first.voices.length === 4")
    peaks = page.run(
        "decode(first.buttons.map((button) => button.dataset.sound)).then((buffers) =>"
        "  buffers.map((buffer) => [buffer.sampleRate, buffer.duration, Math.max(...buffer.getChannelData(0))]))"
    )
    assert all(rate == 16000 and peak > 0.05 for rate, _, peak in peaks)
    assert [round(seconds, 2) for _, seconds, _ in peaks] == [1.2, 1.0, 1.2, 1.2], "the target is as long as it is"


def test_only_one_input_sounds_at_a_time(page):
    page.run("document.querySelectorAll('.card .play')[0].click()")
    page.wait(f"{FIRST}.voices.length > 0")
    page.run("document.querySelectorAll('.card .strip')[5].click()")
    page.wait("[...players.values()][1].voices.length > 0")
    assert page.run("[...players.values()].map((player) => player.wanted)") == [False, True, False, False, False]
    page.press("n")
    page.wait("[...players.values()][2].voices.length > 0")
    assert page.run("[...players.values()].map((player) => player.wanted)") == [False, False, True, False, False]


def test_inputs_can_be_left_out_and_put_in_order(page):
    page.run("kinds.value = 'reconstruction'; kinds.dispatchEvent(new Event('change'))")
    assert page.run("cards.filter((card) => card.offsetParent !== null).length") == 2
    page.run("kinds.value = ''; kinds.dispatchEvent(new Event('change'))")
    page.run("order.value = 'spread'; order.dispatchEvent(new Event('change'))")
    spreads = page.run(
        "[...document.querySelectorAll('.kind')[0].querySelectorAll('.card')].map((c) => c.dataset.spread)"
    )
    assert len(spreads) == 3
    assert spreads == sorted(spreads, key=float, reverse=True)


def rate(page, ratings: dict[str, int]) -> None:
    """Rate the sounds of a trial by the model that plays each, which only a test can know."""
    for index, model in enumerate(page.run("blind.trials[blind.at].outputs.map((output) => output.model)")):
        page.run(
            f"document.querySelectorAll('.rated input')[{index}].value = {ratings[model]};"
            f"document.querySelectorAll('.rated input')[{index}].dispatchEvent(new Event('input', {{bubbles: true}}))"
        )


def test_the_blind_test_tells_who_was_who_at_the_end_and_yields_a_csv(page):
    page.run("document.getElementById('to-blind').click()")
    page.run("document.getElementById('listener').value = 'Ann, \"A\"'")
    page.run("document.getElementById('start').click()")
    assert page.run("document.getElementById('open').offsetParent === null"), "the figures would give them away"
    seen = []
    for trial in range(5):
        shown = page.run("document.body.innerText")
        assert f"{trial + 1} of 5" in shown
        assert "dull" not in shown and "main" not in shown
        assert page.run("document.getElementById('next').disabled")
        seen.append(page.run("blind.trials[blind.at].file"))
        rate(page, {0: 40 + trial, 1: 70})
        page.run("document.getElementById('next').click()")
    assert set(seen) == set(page.run("TRIALS.map((trial) => trial.file)"))
    shown = page.run("document.body.innerText")
    assert "Who was who" in shown and "42.0" in shown and "70.0" in shown
    assert "5 over, 0 under, 0 level" in shown
    assert "6.3 %" in shown, "two in thirty-two"
    page.run("document.getElementById('save').click()")
    path = page.folder / "blind.csv"
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode())))
    assert len(rows) == 10
    assert {row["listener"] for row in rows} == {'Ann, "A"'}
    assert [row["input"] for row in rows[::2]] == seen
    assert {(row["model"], row["rating"]) for row in rows if row["model"] == "dull"} == {("dull", "70")}
    assert sorted(row["rating"] for row in rows if row["model"] == "main") == ["40", "41", "42", "43", "44"]
    assert {row["letter"] for row in rows} == {"A", "B"}
    page.run("document.getElementById('leave').click()")
    assert page.run("document.getElementById('open').offsetParent !== null")


def test_the_blind_test_plays_keeps_the_place_and_can_be_ended_early(page):
    page.run("document.getElementById('to-blind').click(); document.getElementById('start').click()")
    page.press(" ")
    page.wait("blind.player.position > 0.2")
    started = page.run("blind.player.startedAt")
    letters = page.run("blind.player.buttons.length")
    page.press(str(letters))
    page.wait(f"blind.player.chosen === {letters - 1}")
    assert page.run("blind.player.startedAt") == started
    rate(page, {0: 10, 1: 20})
    page.run("document.getElementById('next').click()")
    assert page.run("blind.player.wanted") is False, "the next one waits"
    page.run("document.getElementById('finish').click()")
    assert "Mean over 1 rated input of 5" in page.run("document.body.innerText")
    page.run("blind.saved = true")


def test_the_order_is_one_of_chance(page):
    orders = page.run(
        "Array.from({length: 200}, () => shuffled([0, 1, 2]).join('')).reduce((counts, order) =>"
        "  ({...counts, [order]: (counts[order] ?? 0) + 1}), {})"
    )
    assert set(orders) == {"012", "021", "102", "120", "201", "210"}
    assert page.run("[signTest(5, 0), signTest(3, 3), signTest(9, 1)]") == pytest.approx([0.0625, 1.0, 22 / 1024])
