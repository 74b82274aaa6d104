"""Disks that are full or cannot be written to: each stage says so in a line and keeps what was there."""

import json
import os
import subprocess

import pytest
from support.processes import answer_of
from support.stages import OUTS, environment, make_project

QUICK = ("audit", "gate", "normalize", "slice")
# TIMBRE_TEST_DISKS=1 runs export and evaluation too, and tries more sizes, which takes minutes.
ALL = bool(os.environ.get("TIMBRE_TEST_DISKS"))


# What a stage says under a condition, after "error: ".
SAID = {
    "KB free": "no space left on the disk while writing {out}",
    "read-only": ": Read-only file system. ",
    "8 KB a file": ": File too large. ",
    "a file in the way": "",
}


@pytest.fixture
def project(raw_params, tmp_path, request):
    """A project; with a network and an exported model where export and evaluation run too."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting a small disk wants root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    subprocess.run(["umount", str(tmp_path)], check=True)
    folder = make_project(tmp_path / "project", raw_params)
    if ALL:
        from support.exported import write_export
        from support.played import DelayLine

        from timbre import models

        config, network = (request.getfixturevalue(name)() for name in ("tiny_config", "tiny_network"))
        models.save(folder / "models/train", config, network.state_dict())
        write_export(folder / "models/export", DelayLine(8, 0.5))
    return folder


def test_every_stage_names_the_file_and_keeps_what_was_there(project):
    stages = (*QUICK, "export", "evaluate") if ALL else QUICK
    free = [0, 8, 32, 100, 300, 1000] if ALL else [16]
    job = {"folder": str(project), "stages": stages, "free_kilobytes": free}
    runs = answer_of("support.disks", job, project.parent, environment())
    print(json.dumps(runs, indent=1))
    for run in runs:
        stage, condition, said = run["stage"], run["condition"], run["said"].replace("\r", "\n").splitlines()
        # The export and the evaluation that lie there are none of this network.
        assert run["out kept"] or (run["code"] == 0 and stage not in QUICK), run
        assert run["nothing new"] or run["code"] == 0, run
        if condition == "read-only recordings":
            assert run["code"] == 0, run
        elif run["code"]:
            wanted = SAID[condition.lstrip("0123456789 ") if "free" in condition else condition]
            (error,) = [line for line in said if line.startswith("error: ")]
            assert run["code"] == 1 and wanted.format(out=os.path.dirname(OUTS[stage])) in error, run
            assert "Traceback" not in run["said"]
        else:
            # What is small enough fits; the same bytes again are what was there.
            assert (condition.endswith("free") and condition[0] != "0") or stage == "gate", run
