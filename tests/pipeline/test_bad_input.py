"""What a user reads when the input is bad."""

import shutil
import subprocess
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from support.workspace import RATE, note


def clear_raw(workspace):
    raw = workspace.folder / "data" / "raw"
    shutil.rmtree(raw)
    raw.mkdir()
    return raw


def fails(done, *words):
    """A stage that ends with one clear message: every word in it, no traceback."""
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    for word in words:
        assert word in done.stdout, done.stdout


def test_an_empty_folder(workspace):
    clear_raw(workspace)
    fails(workspace.stage("audit"), "error: data/raw: no recordings below this folder", ".flac")


def test_a_missing_folder(workspace):
    workspace.edit(data__raw="data/rwa")
    fails(workspace.stage("audit"), "error: data/rwa: no such folder")


def test_only_unreadable_files(workspace):
    raw = clear_raw(workspace)
    (raw / "letter.wav").write_text("dear all")
    (raw / "empty.flac").write_bytes(b"")
    fails(workspace.stage("audit"), "error:", "data/raw", "letter.wav")
    assert not (workspace.folder / "reports" / "audit").exists()


def test_all_silence(workspace):
    raw = clear_raw(workspace)
    soundfile.write(raw / "nothing.wav", np.zeros(RATE), RATE)
    fails(workspace.stage("audit"), "error:", "nothing.wav", "silen")


def test_bad_files_among_good_ones_are_listed_and_the_others_go_on(workspace):
    raw = workspace.folder / "data" / "raw" / "takes"
    (raw / "text file.wav").write_text("dear all")
    soundfile.write(raw / "blip.wav", note(440.0, 0.02, 0), RATE)
    soundfile.write(raw / "old phone.mp3", note(300.0, 2.0, 5)[::2], 8000)
    soundfile.write(raw / "square.wav", np.sign(note(330.0, 2.0, 6)), RATE)
    said = workspace.stage("audit").stdout
    assert "text file.wav" in said
    assert workspace.stage("normalize").returncode == 0
    sliced = workspace.stage("slice")
    assert sliced.returncode == 0, sliced.stdout
    manifest = (workspace.folder / "data" / "cache" / "manifest.json").read_text()
    for name in ("blip", "old phone", "square"):
        assert name in manifest
    assert "text file" not in manifest


def test_the_gate_stops_the_line_and_names_the_way_round(workspace):
    raw = clear_raw(workspace)
    soundfile.write(raw / "blip.wav", note(440.0, 0.4, 0), RATE)
    done = workspace.run("dvc", "repro", "normalize")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    for word in ("too_little (0.4, limit 1)", "reports/audit/index.html", "dvc exp run -S 'audit.fail_on=[never]'"):
        assert word in done.stdout, done.stdout
    assert "Running stage 'normalize'" not in done.stdout
    workspace.edit(audit__fail_on=["never"])
    assert workspace.repro("normalize") == ["gate", "normalize"]


def test_one_recording_too_short_to_be_divided(workspace):
    raw = clear_raw(workspace)
    soundfile.write(raw / "only.wav", note(440.0, 2.5, 0), RATE)
    workspace.stage("audit")
    workspace.stage("normalize")
    fails(workspace.stage("slice"), "error: data.raw: 1 usable recording to train on, under 3 s each; 3 are needed")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": "smal"}, ["size: 'smal'", "Legal: tiny, small, default, large", "Did you mean `small`?"]),
        ({"model": "ddps"}, ["model: 'ddps'", "Did you mean `ddsp`?"]),
        ({"normalize__target_lfus": -20.0}, ["normalize.target_lfus: unknown key", "Did you mean `target_lufs`?"]),
        ({"data__channels": 2}, ["data.channels: ddsp is mono", "write 1, or `model: rave`"]),
    ],
)
def test_a_typo_in_params_stops_dvc_before_any_work(workspace, changes, words):
    workspace.edit(**changes)
    done = workspace.run("dvc", "repro")
    assert done.returncode != 0
    for word in words:
        assert word in done.stdout, done.stdout
    assert "Running stage 'audit'" not in done.stdout


@contextmanager
def small_disk(workspace, kilobytes):
    """The data folder of a workspace, without its held-out recordings, on a disk of its own."""
    folder = workspace.folder / "data"
    held = workspace.folder.parent / "held"
    shutil.move(folder, held)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    try:
        shutil.copytree(held / "raw", folder / "raw", ignore=lambda *_: ["test"])
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("stages", "kilobytes"), [(["audit", "normalize"], 760), (["audit", "normalize", "slice"], 1300)]
)
def test_a_full_disk_is_named_and_leaves_nothing_half_written(workspace, stages, kilobytes):
    with small_disk(workspace, kilobytes) as folder:
        for stage in stages[:-1]:
            done = workspace.stage(stage)
            assert done.returncode == 0, done.stdout
        before = sorted(path.name for path in folder.iterdir())
        fails(workspace.stage(stages[-1]), "error: no space left on the disk", "run the same command again")
        assert sorted(path.name for path in folder.iterdir()) == before
