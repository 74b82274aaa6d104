"""The set as a whole: which of two copies is the other's, places in the table, and no word on what is left out."""

import json

import numpy as np
import pytest
from support.materials import MATERIALS

from timbre.audio.table import to_table
from timbre.audit.dataset.analyse import analyse
from timbre.audit.meters.sketch import THIRDS_HZ

RATE = 48000


@pytest.fixture(scope="module")
def sketches(sketch_of, coded):
    takes = {f"take {number}.wav": MATERIALS["plucked"](8.0, number) for number in range(4)}
    takes["a copy.ogg"] = coded(0.3 * takes["take 1.wav"], "OGG", "VORBIS")
    takes["test/held out.wav"] = np.append(np.zeros(RATE), takes["take 2.wav"])
    takes["b copy.wav"] = 0.5 * takes["take 3.wav"]
    return {name: sketch_of(take) for name, take in takes.items()}


def table_of(names, **changes):
    rows = [
        {
            "file": name,
            "readable": True,
            "refused": False,
            "held_out": name.startswith("test/"),
            "duration_seconds": 8.0,
        }
        | {"duplicate_of": ""}
        | changes.get(name.split(".")[0].replace(" ", "_"), {})
        for name in names
    ]
    return to_table(rows)


def test_copies_and_places_in_the_table(sketches, params):
    table = table_of(sketches)
    facts = analyse(table, sketches, params("x").audit.thresholds)
    copies = table[table["similar_to"] != ""].set_index("file")["similar_to"].to_dict()
    assert copies == {"take 1.wav": "a copy.ogg", "take 2.wav": "test/held out.wav", "take 3.wav": "b copy.wav"}
    assert (table["similar_error_rate"].notna() == (table["similar_to"] != "")).all()
    assert {(pair["file"], pair["of"]) for pair in facts.similar} == set(copies.items())
    (leak,) = [pair for pair in facts.similar if pair["of"] == "test/held out.wav"]
    assert leak["of_at_seconds"] - leak["at_seconds"] == pytest.approx(1.0, abs=0.01)
    assert leak["seconds"] > 7.0 and leak["error_rate"] < 0.05
    assert (table["environment"] == 1).all() and (table["environment_ltas_db"] < 8.0).all()
    (place,) = facts.environments
    assert place["files"] == len(table) and place["example"] in sketches and place["distance_db"] == 0.0
    assert place["seconds"] == pytest.approx(57.0, abs=3.0)
    assert len(place["ltas_db"]) == len(facts.bands_hz) == len(THIRDS_HZ)
    assert facts.variety["windows"] == pytest.approx(48, abs=6)
    json.dumps([facts.similar, facts.environments, facts.bands_hz, facts.variety], allow_nan=False)


def test_the_order_of_the_files_makes_no_difference(sketches, params):
    results = []
    for seed in range(3):
        names = list(np.random.default_rng(seed).permutation(list(sketches)))
        table = table_of(names)
        facts = analyse(table, {name: sketches[name] for name in names}, params("x").audit.thresholds)
        assert list(table["file"]) == names
        results.append((facts, table.sort_values("file").to_csv(index=False)))
    assert results[0] == results[1] == results[2]


def test_what_is_left_out_is_not_compared(sketches, params):
    table = table_of(sketches, a_copy={"refused": True}, b_copy={"duplicate_of": "take 0.wav"})
    facts = analyse(table, sketches, params("x").audit.thresholds)
    assert [(pair["file"], pair["of"]) for pair in facts.similar] == [("take 2.wav", "test/held out.wav")]
    left_out = table["file"].isin(["a copy.ogg", "b copy.wav"])
    assert table["environment"].isna().equals(left_out)


def test_nothing_to_compare(params, sketch_of):
    silent = sketch_of(np.zeros(RATE))
    for sketches in ({}, {"silent.wav": silent}, {"silent.wav": silent, "short.wav": sketch_of(np.ones(300))}):
        table = table_of(sketches)
        facts = analyse(table, sketches, params("x").audit.thresholds)
        assert facts.similar == [] and facts.variety == {} and len(facts.environments) <= 1
