"""The whole audit on a folder with one of every fault."""

import hashlib
import json
import re
import sys

import numpy as np
import pytest
from scipy.signal import lfilter

from timbre.audio.table import read_table
from timbre.audit.run import run
from timbre.errors import UserError


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_every_fault_is_found_and_the_rest_is_used(faulty, params, tmp_path, capsys):
    out = tmp_path / "reports" / "audit"
    audit = run(params(faulty), out)
    found = {(one["file"], one["check"]) for one in audit["warnings"]}
    assert found >= {
        ("text.wav", "unreadable"), ("empty.wav", "unreadable"), ("cut.wav", "unreadable"), ("silent.wav", "silent"),
        ("good 0.wav", "duplicate"), ("learnt.wav", "leak"), ("hot.wav", "clipping"), ("offset.aiff", "dc_offset"),
        ("inverted.wav", "inverted"), ("short.wav", "short"), ("phone.mp3", "low_rate"), ("coarse.wav", "coarse"),
        ("", "small_dataset"), ("", "other_formats"),
    }  # fmt: skip
    assert found & {("faint.wav", check) for check in ("quiet", "almost_silent", "silent")}
    summary = audit["summary"]
    table = read_table(out / "files.csv")
    assert summary["files"] == len(table) == 20
    assert summary["unreadable_files"] == 3 and summary["duplicate_files"] == 2
    assert summary["training_files"] + summary["held_out_files"] == summary["used_files"]
    assert summary["held_out_minutes"] == pytest.approx(4.0 / 60.0, abs=1e-3)
    assert all(value is None or isinstance(value, (int, float)) for value in summary.values())
    assert json.loads((out / "audit.json").read_text()) == json.loads(json.dumps(audit))
    figures = json.loads((out / "metrics.json").read_text())
    assert figures == {name: summary[name] for name in figures} and "usable_hours" in figures
    told = capsys.readouterr().out
    assert "left out: text.wav does not decode" in told and "index.html" in told
    assert "It suits ddsp harmonic_noise (more of it wanted) and normalize.mode" in told
    assert sorted(path.name for path in out.parent.iterdir()) == ["audit"]


def test_equal_bytes_for_any_number_of_jobs(faulty, params, tmp_path, monkeypatch):
    results = []
    for jobs in ("1", "2", "2"):
        monkeypatch.setenv("TIMBRE_JOBS", jobs)
        run(params(faulty), tmp_path / "out")
        results.append(hashes(tmp_path / "out"))
    assert results[0] == results[1] == results[2]


def test_nothing_tells_when_or_where(faulty, params, tmp_path):
    run(params(faulty), tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        text = path.read_text()
        assert str(tmp_path) not in text
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text)


def test_a_clean_set_is_ready(save, params, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(2):
        # Noise that is loud and soft, bright and dark.
        parts = []
        for colour, level in zip(rng.uniform(-0.9, 0.6, 32), rng.uniform(0.06, 0.15, 32), strict=True):
            noise = level * np.sqrt(1.0 - colour**2) * rng.standard_normal(16000)
            parts.append(lfilter([1.0], [1.0, -colour], noise))
        save(f"{number}.wav", np.concatenate(parts).clip(-0.9, 0.9), 16000)
    settings = params(tmp_path / "raw")
    limits = settings.audit.thresholds.model_copy(update={"ddsp_minutes": 1.0, "variety_min": 1.0})
    changes = {
        "data": settings.data.model_copy(update={"sample_rate": 16000}),
        "audit": settings.audit.model_copy(update={"thresholds": limits}),
        "synth": "noise_bands",
    }
    audit = run(settings.model_copy(update=changes), tmp_path / "out")
    assert audit["warnings"] == []
    assert "Ready to train." in (tmp_path / "out" / "index.html").read_text()
    assert audit["advice"]["amount"]["choose"] == "enough"
    assert audit["advice"]["model"]["choose"] == "ddsp noise_bands"
    assert audit["summary"]["pitched_percent"] == 0.0


def test_nothing_to_train_on(save, tone, params, tmp_path):
    raw = tmp_path / "raw"
    with pytest.raises(UserError, match="no such folder"):
        run(params(raw), tmp_path / "out")
    raw.mkdir()
    with pytest.raises(UserError, match="no recordings"):
        run(params(raw), tmp_path / "out")
    save("silent 1.wav", np.zeros(48000))
    save("silent 2.wav", np.zeros((48000, 2)))
    with pytest.raises(UserError, match=r"none of 2 files can be used\. silent 1\.wav is silence"):
        run(params(raw), tmp_path / "out")
    for number in range(4):
        (raw / f"broken {number}.wav").write_text("hello")
    with pytest.raises(UserError, match=r"none of 6 files.*broken 0\.wav does not decode.*and 3 more"):
        run(params(raw), tmp_path / "out")
    save("Test/good.wav", tone())
    with pytest.raises(UserError, match="nothing to train on"):
        run(params(raw), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_sound_of_twenty_milliseconds_is_enough(save, tone, params, tmp_path):
    save("a b.wav", tone(0.02))
    audit = run(params(tmp_path / "raw"), tmp_path / "out")
    assert audit["summary"]["used_files"] == 1 and audit["summary"]["loudness_spread_lu"] != 0


def test_a_failed_run_leaves_the_old_report(save, tone, params, tmp_path):
    path = save("a.wav", tone())
    run(params(tmp_path / "raw"), tmp_path / "out")
    before = hashes(tmp_path / "out")
    path.write_text("hello")
    with pytest.raises(UserError):
        run(params(tmp_path / "raw"), tmp_path / "out")
    assert hashes(tmp_path / "out") == before


def test_needs_no_torch():
    import subprocess

    code = "import sys, timbre.audit.run, timbre.normalize.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
