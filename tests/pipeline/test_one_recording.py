"""A single recording, through the whole line."""

import json
import shutil

import numpy as np
import soundfile
from support.workspace import RATE, note, stages_run

STAGES = ["audit", "gate", "normalize", "slice", "train", "export", "evaluate"]


def leave_one(workspace, sound: np.ndarray) -> None:
    raw = workspace.folder / "data" / "raw"
    shutil.rmtree(raw)
    raw.mkdir()
    soundfile.write(raw / "only.wav", sound, RATE)


def test_one_recording_is_divided_trained_on_exported_and_evaluated(workspace):
    leave_one(workspace, note(440.0, 8.0, 0))
    said = {}
    for stage in STAGES:
        done = workspace.stage(stage)
        assert done.returncode == 0, done.stdout
        said[stage] = done.stdout
    assert "divided in time: only.flac" in said["slice"]
    metrics = json.loads((workspace.folder / "reports" / "evaluation" / "metrics.json").read_text())
    assert metrics["reconstruction"]["mss"] is not None
    items = (workspace.folder / "reports" / "evaluation" / "items.csv").read_text()
    assert "only 7.3 to 8 s" in items


def test_one_stereo_recording_goes_through_rave_and_a_forced_rebuild_is_byte_identical(workspace):
    leave_one(workspace, np.stack([note(440.0, 8.0, 0), 0.5 * note(330.0, 8.0, 1)], axis=1))
    workspace.edit(model="rave", size="tiny", data__channels=2)
    assert workspace.repro() == ["check", *STAGES]
    before = workspace.lock()
    metrics = json.loads((workspace.folder / "reports" / "evaluation" / "metrics.json").read_text())
    assert metrics["reconstruction"]["mss"] is not None
    described = json.loads((workspace.folder / "models" / "export" / "model.json").read_text())
    assert (described["model"], described["channels"]) == ("rave", 2)
    assert stages_run(workspace.good("dvc", "repro", "-f", "-s", "train", "export")) == ["train", "export"]
    assert workspace.lock() == before
