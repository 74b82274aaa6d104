"""Killed at random moments."""

import hashlib
import os
from pathlib import Path

import pytest
from support.processes import answer_of

TESTS = Path(__file__).resolve().parents[1]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".part" not in path.as_posix()
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("model", "kills", "preset"), (("ddsp", 8, {"steps": 12}), ("rave", 12, {"steps": 12})))
def test_whoever_is_killed_at_any_moment_goes_on_to_the_same_bytes(
    raw_params, tiny_cache, tmp_path, model, kills, preset
):
    raw_params["model"] = model
    raw_params["sizes"]["tiny"][model] |= preset
    job = {"params": raw_params, "cache": str(tiny_cache), "folder": str(tmp_path), "kills": kills, "seed": 7}
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)]),
        "TIMBRE_CHECKPOINT_SECONDS": "0",
        "OMP_NUM_THREADS": "1",
    }
    ends = answer_of("support.killing", job, tmp_path, environment)
    assert sum(end["killed"] for end in ends) == kills
    for end in ends:
        # And what one was writing.
        assert len([name for name in end["kept"] if name.startswith("checkpoint-")]) <= 2 and len(end["kept"]) <= 3
    log = (tmp_path / "log").read_text()
    assert "going on from step" in log and "is damaged" not in log
    assert not ends[-1]["kept"]
    wholes = [digests(folder) for folder in sorted(tmp_path.glob("ended-*"))]
    assert len(wholes) == 1 + sum(not end["killed"] for end in ends[1:]) >= 2
    assert all(whole == wholes[0] for whole in wholes) and len(wholes[0]) >= 7
