"""The table of experiments shows what differs and what was chosen, and never grows past its width."""

import pytest
from support.toy import make_toy

from timbre.comparing.parameters import ABSENT
from timbre.comparing.table import WIDTH, chosen_columns, experiments, rendered, table
from timbre.errors import UserError

COLUMNS = {"mss": "reconstruction.mss", "played dyn": "transfer.loudness_r", "parts": "parameters"}


def revision(name: str, params: dict, mss: float | None = 5.459565) -> dict:
    metrics = {
        "reports/evaluation/metrics.json": {
            "data": {"reconstruction": {"mss": mss}, "transfer": {"loudness_r": 0.9245}}
        },
        "reports/train/metrics.json": {"data": {"parameters": 286375}},
        "reports/audit/metrics.json": {"error": "missing"},
    }
    return {
        "rev": f"{name}0123456789",
        "name": name,
        "data": {"params": {"params.yaml": {"data": params}}, "metrics": metrics},
    }


def shown(*found: tuple[str, dict, str | None]) -> list[dict]:
    """What `dvc exp show --json` has of workspace, commit and experiments: name, parameters, state of a task."""
    listed = [
        {"revs": [revision(name, params)], "name": name, "executor": state and {"state": state}}
        for name, params, state in found
    ]
    commit = revision("main", found[0][1]) | {"experiments": listed[1:]}
    return [revision("workspace", found[0][1]) | {"experiments": None}, commit]


def test_parameters_that_differ_and_chosen_figures_stand_side_by_side():
    params = {"seed": 0, "size": "tiny", "model": "ddsp", "sizes": {"tiny": {"ddsp": {"steps": 2000}}}}
    other = params | {"seed": 1, "sizes": {"tiny": {"ddsp": {"steps": 500}}}}
    rows = experiments(shown(("", params, None), ("short", other, "success"), ("late", other, None)))
    assert rendered(rows, COLUMNS) == [
        "experiment  seed  steps   mss  played dyn   parts",
        "workspace      0   2000  5.46      0.9245  286375",
        "main           0   2000  5.46      0.9245  286375",
        "short          1    500  5.46      0.9245  286375",
        "late           1    500  5.46      0.9245  286375",
    ]


def test_what_the_size_already_says_comes_last():
    sizes = {"a": {"ddsp": {"hidden": 1, "steps": 5}}, "b": {"ddsp": {"hidden": 2, "steps": 5}}}
    params = {"size": "a", "model": "ddsp", "sizes": sizes}
    longer = params | {"sizes": sizes | {"a": {"ddsp": {"hidden": 1, "steps": 9}}}}
    rows = experiments(shown(("", params, None), ("b", params | {"size": "b"}, None), ("long", longer, None)))
    assert rendered(rows, {})[0].split() == ["experiment", "size", "steps", "hidden"]


def test_keys_are_short_where_that_says_all():
    rows = experiments(
        shown(("", {}, None), ("b", {"train": {"seconds": 1, "decay": 2}, "slice": {"seconds": 3}}, None))
    )
    assert rendered(rows, {})[0].split() == ["experiment", "train.seconds", "decay", "slice.seconds"]


def test_what_has_not_run_to_its_end_has_no_figures():
    rows = experiments(shown(("", {}, None), ("waits", {"seed": 1}, "queued"), ("broke", {"seed": 2}, "failed")))
    lines = rendered(rows, {"mss": "reconstruction.mss"})
    assert lines[0].split() == ["experiment", "state", "seed", "mss"]
    assert lines[3].split() == ["waits", "queued", "1", ABSENT]
    assert lines[4].split() == ["broke", "failed", "2", ABSENT]


@pytest.mark.parametrize("count", (1, 7, 60))
def test_it_stays_within_its_width_and_names_what_it_leaves_out(count):
    params = {f"a_parameter_{number}": number for number in range(count)}
    other = {key: value + 1000 for key, value in params.items()}
    lines = rendered(experiments(shown(("", params, None), ("a name of some length", other, None))), COLUMNS)
    assert max(map(len, lines)) <= WIDTH
    headings = lines[0].split()
    left = " ".join(lines[4:]).partition("): ")[2].split(", ")
    assert all((key in headings) != (key in left) for key in params)


def test_values_that_are_no_numbers_are_a_dash():
    rows = experiments([revision("main", {}, mss=None) | {"experiments": []}])
    assert rendered(rows, {"mss": "reconstruction.mss", "none": "no.such"})[1].split() == ["main", ABSENT, ABSENT]
    assert experiments([{"rev": "abc", "name": None, "error": {"msg": "broken"}}])[0].name == "abc"


def test_the_file_of_columns_is_checked(tmp_path):
    path = tmp_path / "columns.yaml"
    with pytest.raises(UserError, match="is missing"):
        chosen_columns(path)
    for text in ("- a\n", "a: [1]\n", "a: {\n", "", "x: 1\n"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"columns\.yaml: "):
            chosen_columns(path)
    path.write_text("mss: reconstruction.mss\n")
    assert chosen_columns(path) == {"mss": "reconstruction.mss"}


def test_it_reads_a_real_repository(tmp_path, capsys):
    toy = make_toy(tmp_path / "toy")
    (toy.folder / ".dvc/columns.yaml").write_text("mss: reconstruction.mss\n")
    toy.good("dvc", "exp", "run", "-q", "-n", "seven", "-S", "seed=7")
    # A commit later it is still shown, below the commit that it started from.
    toy.commit()
    table(toy.folder)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    first = toy.good("git", "rev-parse", "--short=7", "HEAD~1").strip()
    rows = [["workspace", "7", ABSENT], ["main", "7", ABSENT], [first, "0", ABSENT], ["seven", "7", ABSENT]]
    assert lines == [["experiment", "seed", "mss"], *rows]
    with pytest.raises(UserError):
        table(tmp_path)
