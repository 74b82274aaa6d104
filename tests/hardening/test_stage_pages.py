"""Names of recordings, inputs and revisions that try to be HTML: no page takes them for more than text."""

import collections
import html.parser
import json
import os
import shutil
from pathlib import Path

import pytest
import soundfile
from support.browser import browser, needs_chromium, served
from support.exported import write_export
from support.played import DelayLine
from support.stages import RATE, make_project, tone

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs the names of POSIX")

# As a path below a folder: "<" is one, and what begins with "script>" a file in it.
SCRIPT = "</script><img src=x onerror=alert(1)>\"'&.wav"
NAMES = (
    SCRIPT,
    "javascript:alert(2)'\"><svg onload=alert(2)>${alert(2)}`${alert(2)}`.wav",
    "{{ 7 * 7 }}<!-- $\\frac{ $ \\u003cscript>alert(3)\none\u2028two-->]]>.wav",
)
BROKEN = "broken <img src=x onerror=alert(5)>.wav"
ALARM = "window.alert = (what) => { window.hacked = String(what); };"


class Elements(html.parser.HTMLParser):
    """The elements of a page, its attributes that run scripts, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.running, self.text = collections.Counter(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.running += [
            (name, value)
            for name, value in attributes
            if name.startswith("on") or (name in ("src", "href") and value.startswith("javascript"))
        ]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def made(tmp_path_factory, make_raw_params):
    """A project with these names in which audit, normalize, slice and evaluation have run, and its pages."""
    import timbre.audit.run
    import timbre.normalize.run
    from timbre.cache.build import build_cache
    from timbre.evaluation.evaluate import run as evaluate
    from timbre.params import load

    project = make_project(tmp_path_factory.mktemp("hostile") / "project", make_raw_params())
    shutil.rmtree(project / "data")
    for folder, names in (("raw", NAMES), ("raw/test", NAMES[:1]), ("inputs", NAMES)):
        for number, name in enumerate(names):
            path = project / "data" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tone(200.0 + 31.0 * number + len(folder), 0.5, number), RATE)
        (project / "data" / folder / BROKEN).write_text("no sound")
    os.mkfifo(project / "data/inputs/pipe.wav")
    write_export(project / "models/export", DelayLine(8, 0.5))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.setenv("TIMBRE_JOBS", "1")
        params = load()
        timbre.audit.run.run(params, Path("reports/audit"))
        timbre.normalize.run.run(params, Path("reports/audit/files.csv"), Path("data/normalized"))
        build_cache(params, Path("data/normalized"), Path("data/cache"))
        evaluate(
            params, Path("models/export"), Path("data/cache/manifest.json"), Path("data/normalized"),
            Path("reports/evaluation"),
        )  # fmt: skip
        _compare(Path("reports/evaluation"), Path("reports/comparison.html"))
    _train_page(project / "reports/training.html")
    return project / "reports"


def _compare(reports: Path, path: Path) -> None:
    import pandas as pd

    from timbre.comparing.gather import Evaluation
    from timbre.comparing.page import write_page
    from timbre.comparing.sounds import comparisons, within_page

    items = pd.read_csv(reports / "items.csv", keep_default_na=False, na_values=[""])
    evaluations = [
        Evaluation(
            name, "", json.loads((reports / "metrics.json").read_text()),
            items[items["status"] == "measured"].reset_index(drop=True), {}, {"seed": f"{name}<script>alert(6)"}, {},
            lambda file: (reports / file).open("rb"),
        )
        for name in ("a</script><script>alert(6)</script>", "b\"'><img/src=x/onerror=alert(6)>")
    ]  # fmt: skip
    write_page(path, evaluations, within_page(comparisons(evaluations)), RATE)


def _train_page(path: Path) -> None:
    from timbre.training.outcome import Outcome
    from timbre.training.page import Heading, write_page

    hostile = "<script>alert(7)</script>"
    outcome = Outcome()
    outcome.remarks = [f"{hostile}: {hostile}"]
    outcome.final = {hostile: 1.0}
    write_page(path, Heading(hostile, f"\"'>{hostile}", 1, 1.0), [], outcome, RATE)


PAGES = ("audit/index.html", "evaluation/index.html", "comparison.html", "training.html")


@pytest.mark.parametrize("page", PAGES)
def test_names_are_text(made, page):
    elements = Elements((made / page).read_text(encoding="utf-8"))
    assert elements.running == []
    # None but those of the templates, and of a comparison its sounds.
    scripts = {"audit/index.html": 2, "evaluation/index.html": 1, "training.html": 1}
    assert elements.tags["script"] == scripts.get(page, elements.tags["script"])
    if page == "evaluation/index.html":
        assert SCRIPT in elements.text and BROKEN in elements.text and "does not decode" in elements.text
        assert all(name in elements.text for name in NAMES)


def test_tables_hold_the_names_as_they_are(made):
    import pandas as pd

    audit = pd.read_csv(made / "audit/files.csv", keep_default_na=False)
    assert {*NAMES, BROKEN} <= set(audit["file"])
    left_out = pd.read_csv(made.parent / "data/normalized/left_out.csv")
    assert BROKEN in set(left_out["source"])
    items = pd.read_csv(made / "evaluation/items.csv", keep_default_na=False)
    status = items[items["kind"] == "transfer"].set_index("file")["status"]
    assert {*NAMES, BROKEN, "pipe.wav"} == set(status.index) and list(status[list(NAMES)]) == ["measured"] * len(NAMES)
    assert status["pipe.wav"] == "skipped: is no file with sound in it, but a pipe, a socket, a device or a folder"


@needs_chromium
def test_no_script_of_theirs_runs(made, tmp_path):
    site = Path(shutil.copytree(Path(__file__).parents[2] / "docs/browser", tmp_path / "site"))
    with browser(tmp_path / "profile") as page:
        page.on_a_screen()
        page.call("Page.addScriptToEvaluateOnNewDocument", source=ALARM)
        for name in PAGES:
            page.open("about:blank")
            page.said.clear()
            page.call("Page.navigate", url=(made / name).as_uri())
            page.wait("document.readyState === 'complete' && document.querySelector('h1') !== null")
            page.run("new Promise((done) => setTimeout(done, 200))")
            assert page.run("window.hacked ?? ''") == "", name
            assert page.said == [], name
            if name == "audit/index.html":
                shown = page.run(
                    "[...document.querySelectorAll('tbody tr:not(.spacer) th')].map((one) => one.textContent)"
                )
                assert {*NAMES, BROKEN} <= set(shown)
        with served(site) as url:
            page.call("Page.navigate", url=f"{url}/index.html?model=%3Cimg%20src=x%20onerror=alert(8)%3E")
            page.wait("document.getElementById('model')?.textContent.includes('onerror')")
            assert page.run("window.hacked ?? ''") == ""
