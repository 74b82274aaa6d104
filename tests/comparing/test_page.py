"""What the page says: whole in one file, the same bytes every time, and fair to what is better."""

import json
import re
from pathlib import Path

import pytest

from timbre.comparing.command import compare
from timbre.comparing.differences import Difference, Row
from timbre.comparing.gather import gathered
from timbre.comparing.page import change_told, forest
from timbre.errors import UserError
from timbre.evaluation.catalogue import MINUS, Entry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(repository, tmp_path_factory):
    """The page of main and both experiments, and where it lies."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository.folder)
        compare(["main", "dull", "again"], path)
    return path, path.read_text()


def test_it_names_the_models_and_what_sets_them_apart(made):
    _, html = made
    for text in ("main", "dull", "again", "Dynamics kept", "glass, cracked.wav", "test/take_1.flac"):
        assert text in html
    assert re.search(r"<code>seed</code></th><td>0</td><td>1</td><td>2</td>", html)
    assert "again and main have the same figures to the last digit." in html


def test_it_needs_nothing_but_itself(made):
    _, html = made
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']+""", html)
    assert "http://" not in html.replace("http://www.w3.org", "")


def test_the_same_evaluations_give_the_same_bytes(made, repository, monkeypatch, tmp_path):
    monkeypatch.chdir(repository.folder)
    compare(["main", "dull", "again"], tmp_path)
    assert (tmp_path / "index.html").read_bytes() == made[0].read_bytes()


def test_each_sound_is_in_it_once(made):
    _, html = made
    sounds = re.findall(r'<script type="text/plain" id="(s\d+)">', html)
    assert sounds == [f"s{number}" for number in range(5 * 4)], "an original and three outputs for each of five inputs"
    assert set(re.findall(r'data-sound="(s\d+)"', html)) == set(sounds)


def test_a_revision_alone_is_compared_with_the_workspace(repository, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(repository.folder)
    compare(["main"], tmp_path / "made/page.html")
    assert "compare: main, workspace, 5 inputs: " in capsys.readouterr().out
    html = (tmp_path / "made/page.html").read_text()
    assert "<title>Comparison: main, workspace</title>" in html
    assert "Clearly worse: Distance to the target&#39;s colour" in html


def test_one_revision_twice_is_nothing_to_compare(tmp_path):
    with pytest.raises(UserError, match="main alone is nothing to compare"):
        compare(["main", "main"], tmp_path)


def test_the_command_ends_with_one_line_on_a_bad_name(repository):
    done = repository.run("python", "-m", "timbre", "compare", "main", "dul")
    assert done.returncode == 1
    assert done.stdout == "error: dul: no such experiment, branch, tag or commit. Did you mean `dull`?\n"
    assert not (repository.folder / "compare").exists()


def told(better: str, *differences: Difference | None) -> list[dict]:
    none = [None] * len(differences)
    return forest(Row(Entry("transfer", "mss", "", better, "", ""), none, none, list(differences)))


def test_better_is_to_the_right_whichever_way_that_is():
    up, down = Difference(2.0, 1.0, 3.0, 5, None), Difference(-1.0, None, None, 1, None)
    higher, lower = told("higher", None, up, down), told("lower", None, up, down)
    assert [mark["index"] for mark in higher] == [1, 2]
    assert higher[0]["ends"][0] < higher[0]["x"] < higher[0]["ends"][1] == 192.0
    assert higher[0]["x"] > 100.0 > lower[0]["x"] > lower[0]["ends"][0] == 8.0
    assert higher[1]["x"] < 100.0 < lower[1]["x"]
    assert lower[1]["ends"] == []
    assert told("higher", None, Difference(0.0, 0.0, 0.0, 4, "level"))[0]["x"] == 100.0


@pytest.mark.parametrize(
    ("key", "numbers", "wanted"),
    [
        ("ltas_db", (1.42, 0.038, 2.796), ("+1.42 dB", "+0.04 to +2.80")),
        ("f0_rca50", (-0.0123, -0.2, 0.15), ("-1 points", "-20 to +15")),
        ("f0_within_50_cents", (0.0123, 0.001, 0.015), ("+1.2 points", "+0.1 to +1.5")),
        ("loudness_r", (0.0012, -0.018, 0.012), ("+0.001", "-0.018 to +0.012")),
        ("f0_median_cents", (-12.3, -20.0, -3.0), ("-12 cents", "-20 to -3")),
        ("leap_frames", (3.0, None, None), ("+3.0 frames", "")),
        ("mss", (0.0, 0.0, 0.0), ("same", "")),
    ],
)
def test_a_difference_has_a_sign_a_unit_and_digits_enough(key, numbers, wanted):
    assert change_told(key, Difference(*numbers, 5, None)) == tuple(text.replace("-", MINUS) for text in wanted)


@pytest.mark.parametrize("kind", ["transfer", "reconstruction"])
def test_the_bars_of_dvc_plots_are_of_figures_that_items_csv_has(kind, repository):
    template = json.loads((ROOT / f".dvc/plots/{kind}.json").read_text())
    fields = next(step["fold"] for step in template["transform"] if "fold" in step)
    with gathered(["main"], repository.folder) as (main,):
        rows = main.items[main.items["kind"] == kind]
    assert len(fields) == 4
    for field in fields:
        assert rows[field].notna().any(), field
    assert template["transform"][0]["filter"] == f"datum.kind === '{kind}'"
