"""Differences have intervals that say when to believe them, and go by the same items alone."""

import numpy as np
import pandas as pd
import pytest

from timbre.comparing.differences import (
    BETTER,
    LEVEL,
    WORSE,
    difference,
    figure_rows,
    judged,
    paired,
    sources,
)
from timbre.comparing.gather import Evaluation
from timbre.comparing.parameters import ABSENT, differing, with_preset
from timbre.evaluation.catalogue import Entry

NAMES = ["a", "b", "c", "d", "e"]
SAME = {("transfer", name) for name in NAMES}


def entry(better: str, key: str = "ltas_db") -> Entry:
    return Entry("transfer", key, "Name", better, "", "")


def evaluation(values: list[float | None], key: str = "ltas_db", **more) -> Evaluation:
    rows = [{"kind": "transfer", "name": name, key: value} for name, value in zip(NAMES, values, strict=False)]
    known = [value for value in values if value is not None]
    metrics = {"transfer": {key: float(np.mean(known))}}
    content = {"metrics": metrics, "summary": {}, "params": {}, "lock": {}} | more
    return Evaluation("name", "", items=pd.DataFrame(rows), open=lambda path: None, **content)


@pytest.mark.parametrize(
    ("better", "step", "outcome"),
    [("lower", -1.0, BETTER), ("lower", 1.0, WORSE), ("higher", 1.0, BETTER), ("higher", -1.0, WORSE)],
)
def test_a_clear_difference_goes_by_which_way_is_better(better, step, outcome):
    first, other = [5.0, 6.0, 7.0, 8.0, 9.0], [5.1, 6.0, 7.1, 8.0, 9.05]
    found = difference(entry(better), evaluation(first), evaluation([value + step for value in other]), 7.0, 8.0, SAME)
    assert found.outcome == outcome
    assert found.value == pytest.approx(step + 0.05)
    assert found.low < found.value < found.high
    assert found.items == 5


def test_items_that_go_both_ways_differ_in_nothing_clear():
    first, other = evaluation([5.0] * 5), evaluation([4.0, 6.0, 4.5, 5.5, 5.1])
    assert difference(entry("lower"), first, other, 5.0, 5.02, SAME).outcome == LEVEL


def test_differences_are_taken_between_the_same_items_that_both_have():
    first, other = evaluation([1.0, 2.0, None, 4.0, 5.0]), evaluation([1.5, 2.5, 9.0, 9.0])
    assert list(paired(first.items, other.items, entry("lower"), SAME - {("transfer", "d")})) == [0.5, 0.5]
    assert len(paired(first.items, other.items, entry("lower", "unheard_of"), SAME)) == 0


def test_the_worst_item_has_no_interval():
    first, other = evaluation([0.0, 3.0], "leap_frames"), evaluation([0.0, 9.0], "leap_frames")
    found = difference(entry("lower", "leap_frames"), first, other, 3.0, 9.0, SAME)
    assert (found.value, found.low, found.outcome) == (6.0, None, None)


def test_rows_are_those_of_the_catalogue_that_apply():
    first, other = evaluation([5.0] * 5), evaluation([3.0, 3.1, 3.0, 3.1, 3.0])
    told = {"transfer.ltas_db": {"low": 4.5, "high": 5.5}}
    rows = figure_rows([evaluation([5.0] * 5, summary=told), other, first], SAME)
    assert [row.entry.key for row in rows] == ["ltas_db"]
    assert rows[0].values == [5.0, pytest.approx(3.04), 5.0]
    assert rows[0].summaries == [told["transfer.ltas_db"], {}, {}]
    assert rows[0].differences[0] is None
    assert judged(rows, 1) == {BETTER: ["Distance to the target's colour"], WORSE: [], LEVEL: []}
    assert judged(rows, 2)[LEVEL] == ["Distance to the target's colour"]


def test_figures_of_another_tolerance_stand_in_rows_of_their_own():
    wide = {"evaluate": {"f0_tolerance_cents": 50.0}}
    narrow = {"evaluate": {"f0_tolerance_cents": 25.0}}
    rows = figure_rows([evaluation([0.9] * 5, "f0_rca50", params=wide),
                        evaluation([0.5] * 5, "f0_rca25", params=narrow)], SAME)  # fmt: skip
    assert [(row.entry.key, row.values) for row in rows] == [
        ("f0_rca50", [pytest.approx(0.9), None]),
        ("f0_rca25", [None, pytest.approx(0.5)]),
    ]


def test_only_parameters_that_differ_are_listed():
    one = {"size": "tiny", "train": {"ema": 0.9, "clip": 3.0}, "targets": ["onnx"], "seed": 0}
    other = {"size": "small", "train": {"ema": 0.9, "clip": 1.0}, "targets": ["onnx"], "seed": False}
    assert differing([one, other, one]) == [
        ("size", ["tiny", "small", "tiny"]),
        ("train.clip", ["3.0", "1.0", "3.0"]),
        ("seed", ["0", "false", "0"]),
    ]
    assert differing([{"a": [1, None]}, {}]) == [("a", ["[1, null]", ABSENT])]


def test_a_size_shows_what_it_stands_for():
    sizes = {"tiny": {"ddsp": {"hidden": 8}, "rave": {"capacity": 1}}, "small": {"ddsp": {"hidden": 16}}}
    params = [{"size": size, "model": "ddsp", "sizes": sizes} for size in ("tiny", "small")]
    assert differing([with_preset(each) for each in params]) == [
        ("size", ["tiny", "small"]),
        ("preset.hidden", ["8", "16"]),
    ]
    assert with_preset({}) == {"preset": {}}


def test_sources_are_what_no_stage_has_made():
    lock = {
        "stages": {
            "train": {
                "deps": [{"path": "src/a", "md5": "0123456789.dir"}, {"path": "data/raw", "md5": "ab"}],
                "outs": [{"path": "models/train"}],
            },
            "evaluate": {
                "deps": [{"path": "models/train/config.json", "md5": "cd"}, {"path": "src/b", "md5": "ef"}],
                "outs": [{"path": "reports"}],
            },
        }
    }
    assert sources(lock) == {"src/a": "01234567", "data/raw": "ab", "src/b": "ef"}
    assert sources(lock, "evaluate") == {"src/b": "ef"}
    assert sources({}) == {}
