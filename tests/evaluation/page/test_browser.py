"""The page in a real browser, from disk: it plays, switches without losing the place, filters and sorts."""

import shutil
import time

import pytest
from support.browser import browser, needs_chromium

pytestmark = needs_chromium

FIRST = "players.values().next().value"
SHOWN = "[...document.querySelectorAll('.card')].filter((card) => card.offsetParent !== null).map((card) => card.id)"


@pytest.fixture(scope="module")
def browsed(page, tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.on_a_screen()
        opened.url = (page.folder / "index.html").as_uri()
        yield opened


@pytest.fixture
def opened(browsed):
    browsed.open("about:blank")
    browsed.open(browsed.url)
    yield browsed
    loaded = browsed.run("performance.getEntriesByType('resource').map((each) => each.name)")
    assert all(name.startswith(("file:///", "data:")) for name in loaded), loaded
    assert not browsed.said


def choose(page, field: str, script: str) -> None:
    page.run(f"{script}; document.getElementById('{field}').dispatchEvent(new Event('input', {{bubbles: true}}))")


def test_space_plays_in_a_loop_and_pauses(opened):
    opened.press(" ")
    opened.wait(f"{FIRST}.position > 0.2")
    assert opened.run("document.querySelector('.card .play').textContent.trim()") == "❚❚"
    opened.wait(f"context.currentTime - {FIRST}.startedAt > {FIRST}.length + 0.1")
    assert opened.run(f"{FIRST}.position") < opened.run(f"{FIRST}.length")
    opened.press(" ")
    held = opened.run(f"{FIRST}.position")
    time.sleep(0.1)
    assert opened.run(f"{FIRST}.position") == held


def test_another_sound_goes_on_where_the_first_one_is(opened):
    opened.press(" ")
    opened.wait(f"{FIRST}.position > 0.3")
    started, before = opened.run(f"[{FIRST}.startedAt, {FIRST}.position]")
    for key in ("1", "3", "2"):
        opened.press(key)
        opened.wait(f"{FIRST}.voices[{int(key) - 1}].gain.gain.value > 0")
        opened.wait(f"{FIRST}.voices.filter((voice) => voice.gain.gain.value > 0).length === 1")
        pressed = opened.run(
            "[...document.querySelectorAll('.card [data-sound]')].slice(0, 3).map((b) => b.ariaPressed)"
        )
        assert pressed.index("true") == int(key) - 1
    assert opened.run(f"{FIRST}.startedAt") == started, "nothing was started anew"
    assert opened.run(f"{FIRST}.position") != before


def test_what_is_heard_is_the_chosen_sound_at_one_loudness(opened):
    opened.run(f"{FIRST}.listen(0)")
    opened.wait(f"{FIRST}.voices.length === 3")
    levels = opened.run(
        f"decode({FIRST}.buttons.map((button) => button.dataset.sound)).then((all) => all.map((buffer, index) => {{"
        "  const samples = buffer.getChannelData(0);"
        f"  const gain = Number({FIRST}.buttons[index].dataset.gain);"
        "  return gain * Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length);}))"
    )
    assert max(levels) / min(levels) < 1.5 and min(levels) > 0.02


def test_only_one_card_sounds_and_keys_move_on(opened):
    opened.run("document.querySelectorAll('.card .strip')[1].click()")
    opened.wait(f"{FIRST}.voices.length > 0")
    assert opened.run(f"{FIRST}.chosen") == 1
    opened.press("n")
    opened.wait("[...players.values()][1].voices.length > 0")
    assert opened.run("[...players.values()].map((player) => player.wanted)") == [False, True, False, False, False]
    opened.press("p", " ", "ArrowRight")
    assert opened.run(f"!{FIRST}.wanted && {FIRST} === Player.current")
    place = opened.run(f"{FIRST}.position")
    opened.press("ArrowLeft")
    assert opened.run(f"{FIRST}.position") != place


def test_a_click_in_a_picture_moves_there_and_curves_leave_the_sound_chosen(opened):
    opened.run(
        "var strip = document.querySelector('.curves'), box = strip.getBoundingClientRect();"
        "strip.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.left + 0.5 * box.width}))"
    )
    assert opened.run(f"[{FIRST}.chosen, {FIRST}.wanted]") == [1, True]
    assert opened.run(f"{FIRST}.position / {FIRST}.length") == pytest.approx(0.5, abs=0.1)


def test_cards_can_be_found_by_name_and_kind(opened):
    assert opened.run(f"{SHOWN}.length") == 5
    assert opened.run("count.textContent") == "5 of 5 sounds"
    opened.run("document.getElementById('name').focus()")
    opened.call("Input.insertText", text="TAKE")
    assert opened.run(SHOWN) == ["reconstruction-take 1", "reconstruction-take 2"]
    opened.press("1", " ")
    assert opened.run("Player.all.some((player) => player.wanted)") is False, "keys in a field are text"
    choose(opened, "name", "nameField.value = 'e'")
    choose(opened, "kinds", "kinds.value = 'transfer'")
    assert opened.run(SHOWN) == ["transfer-bell", "transfer-flute & co"]
    assert opened.run("document.querySelectorAll('.kind:not([hidden])').length") == 1
    choose(opened, "name", "nameField.value = 'xylophone'")
    assert opened.run(f"{SHOWN}.length") == 0 and "No sound has such a name" in opened.run("document.body.innerText")


def test_the_worst_come_first_by_the_chosen_figure(opened):
    options = opened.run("[...order.options].map((option) => [option.value, option.dataset.key])")
    assert ["transfer", "leap_frames"] in options and ["transfer", "onset_f"] not in options, "no card has that"
    for key, wanted in (
        ("f0_rca50", ["transfer-bell", "transfer-flute & co", "transfer-hiss"]),
        ("ltas_db", ["transfer-flute & co", "transfer-bell", "transfer-hiss"]),
        ("buzz_db", ["transfer-hiss", "transfer-bell", "transfer-flute & co"]),
    ):
        choose(opened, "order", f"order.selectedIndex = {options.index(['transfer', key])}")
        assert opened.run(SHOWN)[:3] == wanted
        assert opened.run(SHOWN)[3:] == ["reconstruction-take 1", "reconstruction-take 2"]
        assert set(opened.run("[...document.querySelectorAll('.sorted')].map((each) => each.dataset.key)")) == {key}
    choose(opened, "order", f"order.selectedIndex = {options.index(['reconstruction', 'mss'])}")
    assert opened.run(SHOWN)[3:] == ["reconstruction-take 2", "reconstruction-take 1"]
    assert opened.run(SHOWN)[:3] == ["transfer-bell", "transfer-flute & co", "transfer-hiss"], "as listed again"


def test_pictures_are_there_and_every_control_has_a_name(opened):
    opened.run("document.querySelectorAll('img').forEach((image) => (image.loading = 'eager'))")
    opened.wait("[...document.querySelectorAll('img')].every((image) => image.complete && image.naturalWidth === 960)")
    assert opened.run("document.querySelectorAll('img').length") == 2 * 3 + 3 * 4
    unnamed = opened.run(
        "[...document.querySelectorAll('button, input, select')].filter((each) =>"
        "  !(each.getAttribute('aria-label') ?? each.labels?.[0]?.textContent ?? each.textContent).trim()).length"
    )
    assert unnamed == 0 and opened.run("[...document.querySelectorAll('img')].every((image) => image.alt)")
    assert opened.run("new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size") == opened.run(
        "document.querySelectorAll('[id]').length"
    )


# Every word on the page with too little contrast, and how much it has.
CONTRAST = """
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = (colour) => {
  const [r, g, b] = parts(colour).map((c) => linear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (one) => {
  const colour = getComputedStyle(one).backgroundColor;
  return parts(colour)[3] === 0 ? behind(one.parentElement) : colour;
};
[...document.querySelectorAll('body *')]
  .filter((each) => each.checkVisibility() && !each.closest('svg, select, script'))
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
  .map((each) => {
    const both = [light(getComputedStyle(each).color), light(behind(each))];
    return [(Math.max(...both) + 0.05) / (Math.min(...both) + 0.05), each.textContent.trim().slice(0, 30)];
  })
  .filter(([ratio]) => ratio < 4.5)
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(opened, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    opened.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    assert opened.run(f"{{{CONTRAST}}}") == []


def test_on_a_phone_nothing_is_wider_than_the_page(opened):
    with opened.on_a_phone():
        assert opened.run("document.documentElement.scrollWidth") == 390


def test_a_page_without_its_sounds_says_so(browsed, page, tmp_path):
    shutil.copy(page.folder / "index.html", tmp_path / "alone.html")
    browsed.open((tmp_path / "alone.html").as_uri())
    (tmp_path / "page/transfer").mkdir(parents=True)
    (tmp_path / "page/transfer/bell.input.js").write_text("")
    browsed.run("document.querySelector('.play').click()")
    browsed.wait("document.querySelector('.message').textContent.includes('beside this page, in the folder page')")
    assert browsed.run("Player.all.some((player) => player.wanted)") is False
    browsed.said.clear()


def test_without_scripts_figures_pictures_and_files_are_there(browsed):
    with browsed.without_scripts():
        browsed.open("about:blank")
        browsed.open(browsed.url)
        text = browsed.run("document.body.innerText")
        fields = browsed.run("document.querySelector('.toolbar').offsetParent")
    assert "It follows the melody" in text and "need JavaScript" in text and fields is None
