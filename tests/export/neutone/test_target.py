"""model.nm: what it plays in a host, and that it is written whole, checked, and the same in every process."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from timbre.errors import UserError
from timbre.export import proof
from timbre.export.neutone import target
from timbre.export.neutone.make import make
from timbre.export.neutone.plugin_model import PluginModel
from timbre.export.neutone.verify import examine
from timbre.export.proof import test_signal as make_test_signal
from timbre.files import write_json
from timbre.params import parse

NETWORKS = {
    "ddsp": ("tiny_network", {"reverb_seconds": 0.1}),
    "noise bands": ("band_network", {}),
    "rave": ("rave_network", {"noise": True}),
    "rave, stereo, looking ahead": ("rave_network", {"channels": 2, "no_latency": False}),
}


# A divisor of the hop or of its double, one that is neither, and a long one; the proof itself plays at more.
BLOCKS = [64, 480, 3000]


def examined(network, path: str) -> dict:
    with torch.jit.optimized_execution(False):  # the proof in a new process plays as a host does
        return examine(path, target.reference_of(network), BLOCKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_host_hears_the_network_later_by_what_is_reported(request, plugin_model, save, name):
    fixture, changes = NETWORKS[name]
    network = request.getfixturevalue(fixture)(**changes)
    found = examined(network, save(plugin_model(network)))
    assert target.broken_promises(found, network.delay, 100.0) == []
    assert found["delay_samples"]["3000"] == network.delay + 3000
    assert found["delay_samples"]["64"] == network.delay + max(0, network.hop - 64)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_knob_is_heard(request, name):
    fixture, changes = NETWORKS[name]
    reference = target.reference_of(request.getfixturevalue(fixture)(**changes))
    for number in (1, 2, 3, 4):
        change = np.abs(reference[f"p{number}"] - reference["short_offline"]).max()
        assert change > 1e-3 * np.abs(reference["short_offline"]).max(), number


class Forgetful(PluginModel):
    """Reports a sample too much, and keeps what it heard."""

    @torch.jit.export
    def reset_model(self) -> bool:
        return True

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        return self.delay_samples + 1


def test_a_doctored_file_is_found_out(toy, plugin_model, save):
    found = examined(toy, save(plugin_model(toy, Forgetful)))
    faults = target.broken_promises(found, toy.delay, 100.0)
    assert "host blocks of 64: its delay is 192 samples, 193 are reported" in faults
    assert "it reports 129 samples for the delay of the model, not 128" in faults
    assert "after reset() it does not play the bits of a freshly loaded file" in faults


SOUND = {
    "snr_db": {"64": 130.0},
    "delay_samples": {"64": 640},
    "measured_delay_samples": {"64": 640},
    "model_delay_samples": 576,
    "knob_snr_db": {"p1": 120.0},
    "first_run_equals_reset_run": True,
    "fresh_silence_dbfs": -200.0,
    "silence_after_sound_dbfs": -120.0,
    "peaks": {"direct current": 0.5},
}


def test_a_sound_file_breaks_no_promise():
    assert target.broken_promises(SOUND, 576, 100.0) == []


@pytest.mark.parametrize(
    ("change", "line"),
    (
        ({"snr_db": {"64": 99.0}}, "host blocks of 64: streaming equals offline to 99.0 dB of 100 (export.min_snr_db)"),
        ({"measured_delay_samples": {"64": 0}}, "host blocks of 64: its delay is 0 samples, 640 are reported"),
        ({"model_delay_samples": 0}, "it reports 0 samples for the delay of the model, not 576"),
        ({"knob_snr_db": {"p1": 3.0}}, "knob p1 at its end: the sound equals that of its control to 3.0 dB"),
        ({"first_run_equals_reset_run": False}, "after reset() it does not play the bits"),
        ({"fresh_silence_dbfs": -50.0}, "silence comes out at -50.0 dBFS"),
        ({"silence_after_sound_dbfs": -50.0}, "a second after a sound's end it still plays at -50.0 dBFS"),
        ({"peaks": {"direct current": None}}, "direct current: no numbers come out"),
    ),
)
def test_each_fault_has_its_line(change, line):
    faults = target.broken_promises(SOUND | change, 576, 100.0)
    assert len(faults) == 1 and faults[0].startswith(line)


@pytest.fixture(scope="module")
def written(tiny_network, tmp_path_factory):
    """model.nm of a small network, with all checks of the SDK; where it is, and what is told of it."""
    import yaml

    folder = tmp_path_factory.mktemp("export")
    params = parse(yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text()))
    return folder, target.write(tiny_network(), folder, params, [make_test_signal(16000)])


def test_the_sdk_writes_what_is_told(written, tiny_network, params):
    folder, told = written
    network, content = tiny_network(), (folder / "model.nm").read_bytes()
    assert [path.name for path in folder.iterdir()] == ["model.nm"]
    assert (told["file"], told["bytes"], told["delay_samples"]) == ("model.nm", len(content), network.delay)
    assert told["native_buffer_sizes"] == [128, 256, 512, 1024, 2048]
    assert {block: told["buffering_delay_samples"][block] for block in ("64", "480", "512", "3000")} == {
        "64": 64, "480": 480, "512": 0, "3000": 3000,
    }  # fmt: skip
    assert told["knobs"]["p1"] == {"control": "pitch_shift_semitones", "least": -24.0, "most": 24.0}
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert len(content) < 4.2 * parameters + 1e6


def test_the_file_shows_what_params_say_and_a_sound(written, params):
    folder, _ = written
    with zipfile.ZipFile(folder / "model.nm") as archive:
        shown = json.loads(archive.read("archive/extra/metadata.json"))
    wanted = params.export.neutone
    assert (shown["model_name"], shown["model_authors"]) == (wanted.name, wanted.authors)
    assert (shown["tags"], shown["model_version"]) == (wanted.tags, wanted.version)
    assert (shown["date_created"], shown["technical_links"]) == (0.0, {})
    assert [sorted(pair) for pair in shown["sample_sound_files"]] == [["in", "out"]]


def test_the_file_tells_nothing_of_where_it_was_made(written):
    folder, _ = written
    with zipfile.ZipFile(folder / "model.nm") as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    hidden = (str(Path(target.__file__).parents[4]), str(Path.home()) + "/", "site-packages")
    for name, content in records.items():
        assert not name.endswith(".debug_pkl")
        assert not [place for place in hidden if place.encode() in content], name


def test_another_process_writes_the_same_bytes(written, tiny_network, params, tmp_path):
    _, told = written
    assert target.write(tiny_network(), tmp_path, params, [make_test_signal(16000)])["sha256"] == told["sha256"]


def test_a_new_process_proves_the_file(written, tiny_network, params):
    folder, _ = written
    found = target.prove(folder / "model.nm", tiny_network(), params)
    assert set(found["snr_db"]) == {"64", "480", "512", "2048", "3000", "4096"}
    assert min(found["snr_db"].values()) > 100


def test_a_file_that_breaks_a_promise_is_not_accepted(tiny_network, params, monkeypatch):
    monkeypatch.setattr(proof, "run_module", lambda *arguments: json.dumps(SOUND | {"snr_db": {"64": 3.0}}))
    with pytest.raises(UserError, match=r"^model\.nm does not keep its promises.*\n  host blocks of 64: streaming"):
        target.prove(Path("model.nm"), tiny_network(), params)


def test_what_the_sdk_refuses_is_told_with_the_step(toy, tmp_path, params):
    from timbre.export.neutone.texts import describe

    texts = describe(toy, params.export.neutone) | {"name": "n" * 31}
    write_json(tmp_path / "job.json", {"texts": texts, "rate": 16000, "benchmark": False})
    torch.save(toy, tmp_path / "network.pt")
    np.savez(tmp_path / "sounds.npz", *[np.zeros((2, 1600), dtype=np.float32)] * 2)
    with pytest.raises(UserError, match=r"at its step `Validating metadata`: 'nnn.* is too long"):
        make(tmp_path)
    assert not (tmp_path / "model.nm").exists()
