"""Stages killed at random moments, whole process groups at once; training has its own test."""

import json
import os

import pytest
from support.exported import write_export
from support.played import DelayLine
from support.processes import answer_of
from support.stages import environment, make_project

# TIMBRE_TEST_KILLS=20 kills each stage so often, and compares export and evaluation with a life without kills: minutes.
KILLS = int(os.environ.get("TIMBRE_TEST_KILLS", "0"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def killed(folder, raw_params, kills: dict[str, int], windows: dict[str, float] | None = None) -> None:
    make_project(folder, raw_params)
    kills = {name: (count and KILLS) or count for name, count in kills.items()}
    job = {"folder": str(folder), "kills": kills, "windows": {} if KILLS else windows or {}, "seed": 5}
    found = answer_of("support.stages", job, folder.parent, environment())
    print(json.dumps(found))
    for name, count in kills.items():
        assert found[name]["kills"] == count
        assert found[name]["while writing"] >= count // 2


def test_each_out_is_whole_or_none_and_comes_to_the_same_bytes(raw_params, tiny_config, tiny_network, tmp_path):
    from timbre import models

    project = tmp_path / "project"
    models.save(project / "models/train", tiny_config(), tiny_network().state_dict())
    kills = {"audit": 6, "gate": 4, "normalize": 6, "slice": 6}
    if KILLS:
        kills |= {"export": 1, "evaluate": 1}
    else:
        # An export that is killed leaves nothing to evaluate.
        kills |= {"evaluate": 1, "export": 1}
        write_export(project / "models/export", DelayLine(8, 0.5))
    killed(project, raw_params, kills, {"export": 2.0, "evaluate": 2.0})
