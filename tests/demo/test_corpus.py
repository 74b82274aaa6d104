import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from timbre.demo import corpus as demo


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_runs_give_equal_bytes_and_another_seed_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "FAULT_SECONDS", 1.0)
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        demo.make_recordings(tmp_path / name / "raw", tmp_path / name / "truth", 0.02, 0.02, seed)
    first, again, other = (digests(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name.endswith(".flac"))


def test_inputs_repeat(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "INPUTS", {name: demo.INPUTS[name] for name in ("flute", "drums")})
    for name in ("first", "again"):
        demo.make_inputs(tmp_path / name / "inputs", tmp_path / name / "truth", seed=1)
    assert digests(tmp_path / "first") == digests(tmp_path / "again")


def test_every_clean_take_has_its_truth_under_the_same_name(corpus):
    takes = {path.relative_to(corpus / "raw").with_suffix("") for path in corpus.glob("raw/*/*.flac")}
    truths = {path.relative_to(corpus / "truth").with_suffix("") for path in corpus.glob("truth/*/*.csv")}
    assert {take for take in takes if take.parts[0] != "takes_with_faults"} == truths
    assert {path.parts[0] for path in truths} == {"session_a", "session_b", "test"}


def test_takes_are_48_khz_mono_24_bit(corpus):
    for path in corpus.glob("raw/*/take_*.flac"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (48_000, 1, "PCM_24")
        assert info.frames == 6 * 48_000


def test_no_two_takes_share_material(clean_takes):
    takes = [audio for audio, _ in clean_takes]
    for index, take in enumerate(takes):
        assert all(abs(np.corrcoef(take, other)[0, 1]) < 0.3 for other in takes[:index])


@pytest.mark.parametrize("minutes", (0.1, 0.2, 0.5, 1.0, 10.0, 37.3))
def test_takes_add_up(minutes):
    takes = demo.split_into_takes(minutes)
    assert sum(takes) == pytest.approx(60 * minutes)
    assert all(6.0 <= seconds < 38 for seconds in takes)
    assert len(demo.split_into_takes(10.0)) == 24 and len(demo.split_into_takes(1.0)) == 4
