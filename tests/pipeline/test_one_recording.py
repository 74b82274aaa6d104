"""A single recording, through the whole line."""

import json
import shutil

import soundfile
from support.workspace import RATE, note


def test_one_recording_is_divided_trained_on_exported_and_evaluated(workspace):
    raw = workspace.folder / "data" / "raw"
    shutil.rmtree(raw)
    raw.mkdir()
    soundfile.write(raw / "only.wav", note(440.0, 8.0, 0), RATE)
    said = {}
    for stage in ("audit", "normalize", "slice", "train", "export", "evaluate"):
        done = workspace.stage(stage)
        assert done.returncode == 0, done.stdout
        said[stage] = done.stdout
    assert "divided in time: only.flac" in said["slice"]
    metrics = json.loads((workspace.folder / "reports" / "evaluation" / "metrics.json").read_text())
    assert metrics["reconstruction"]["mss"] is not None
    items = (workspace.folder / "reports" / "evaluation" / "items.csv").read_text()
    assert "only 7.3 to 8 s" in items
