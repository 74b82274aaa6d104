"""Whatever is done to a file, what reads it works, or says which file is wrong; and it changes nothing.

A case is a sound file damaged by chance, the same for the same reader and number (see `support.damage` and
`support.fuzzed`). TIMBRE_FUZZ_CASES=10000 tries so many in all; TIMBRE_FUZZ_FIRST=500 begins with that number.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from support.exported import write_export
from support.fuzzed import READERS
from support.fuzzing import Fuzzer
from support.graphs import write_graph
from support.played import Knobs
from support.plugin import write_plugin

from timbre import models
from timbre.audit.run import run as run_audit
from timbre.export.effect import StreamingEffect
from timbre.params import parse
from timbre.training.checkpoint import save_checkpoint

ROOT = Path(__file__).resolve().parents[2]
CASES = int(os.environ.get("TIMBRE_FUZZ_CASES", "270")) // len(READERS)
FIRST = int(os.environ.get("TIMBRE_FUZZ_FIRST", "0"))
RATE_HZ = 48000
RECORDINGS = {
    "a.wav": "PCM_16", "b stereo.wav": "PCM_24", "c.wav": "FLOAT", "d.wav": "ULAW", "e.aiff": "PCM_16",
    "f stereo.flac": "PCM_24", "g.ogg": "VORBIS", "h.opus": "OPUS", "i.mp3": None, "j.flac": "PCM_16",
}  # fmt: skip


@pytest.fixture(scope="module")
def fuzzer():
    fuzzer = Fuzzer()
    yield fuzzer
    fuzzer.close()


@pytest.fixture(scope="module")
def write_sounds(harmonic_tone):
    """Writes recordings of half a second in several formats below a folder."""

    def write(folder: Path, names) -> None:
        folder.mkdir(parents=True)
        for name in names:
            samples = harmonic_tone(220.0, 0.5, rate=RATE_HZ)
            if "stereo" in name:
                samples = np.stack([samples, 0.5 * samples], axis=1)
            container = "OGG" if name.endswith("opus") else None
            soundfile.write(folder / name, samples, RATE_HZ, RECORDINGS[name], format=container)

    return write


def write_audit(folder: Path) -> None:
    """The audit of `folder`/raw, as the stage writes it."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["data"]["raw"] = str(folder / "raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIMBRE_JOBS", "1")
        run_audit(parse(raw), folder / "audit")


def write_effect(folder: Path, network) -> None:
    """An export of a network, with its controls in model.json."""
    from dataclasses import asdict

    effect = StreamingEffect(network).eval()
    write_export(folder, effect, controls=[asdict(control) for control in network.controls])


@pytest.fixture(scope="module")
def sound(tmp_path_factory, write_sounds, tiny_cache, tiny_config, tiny_network):
    """A folder for each reader, in which all is well."""
    folder = tmp_path_factory.mktemp("sound")
    write_sounds(folder / "audio", RECORDINGS)
    write_sounds(folder / "normalize/raw", [*RECORDINGS][:2])
    write_audit(folder / "normalize")
    for reader, file in (("gate", "audit.json"), ("normalize", "files.csv")):
        (folder / reader).mkdir(exist_ok=True)
        shutil.copy(folder / "normalize/audit" / file, folder / reader)
    shutil.rmtree(folder / "normalize/audit")
    (folder / "normalize/out").mkdir()
    (folder / "normalize/out/older.flac").write_bytes(b"what a run before has left")
    (folder / "params").mkdir()
    shutil.copy(ROOT / "params.yaml", folder / "params")
    shutil.copytree(tiny_cache, folder / "cache")
    network = tiny_network()
    models.save(folder / "weights", tiny_config(), network.state_dict())
    for step in (1, 2):
        save_checkpoint(folder / "checkpoint", step, {"outcome": {"step": step}, "task": network.state_dict()})
    write_effect(folder / "exported", network)
    write_export(folder / "played", Knobs())
    (folder / "played/model.json").unlink()
    write_plugin(folder / "played/model.nm", 37)
    write_graph(folder / "played/model.onnx", 37, hop=64)
    for reader in ("exported", "played"):
        soundfile.write(folder / reader / "voice.wav", np.full(2000, 0.1), 16000, subtype="FLOAT")
    return folder


@pytest.mark.parametrize("reader", READERS)
def test_what_is_whole_works(fuzzer, sound, reader):
    assert fuzzer.case(reader, sound / reader, None)["outcome"] == "works"


@pytest.mark.parametrize("reader", READERS)
def test_what_is_damaged_is_told_and_nothing_else_happens(fuzzer, sound, reader):
    found = [fuzzer.case(reader, sound / reader, number) | {"number": number} for number in range(FIRST, FIRST + CASES)]
    broken = [f"{each['number']} ({each['file']}): {each['said']}" for each in found if each["outcome"] == "broken"]
    assert not broken, f"{len(broken)} of {len(found)} cases of {reader}:\n" + "\n".join(broken[:20])
    # Damage that nobody can see would try nothing.
    assert sum(each["outcome"] == "told" for each in found) >= 0.1 * len(found)
