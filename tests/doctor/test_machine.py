"""What is missing or does not fit on this machine, told from versions and files alone."""

from importlib import metadata
from types import SimpleNamespace

import pytest

from timbre.doctor import machine
from timbre.doctor.finding import FAULT, OK, WARNING


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Make `torch` and `torchaudio` look as if built in some way; with names of GPUs."""

    def install(cuda: str | None, compiled: bool, cards: list[str]) -> dict:
        for name in ("torch", "torchaudio/lib"):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "torch/version.py").write_text(f"cuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n")
        if compiled:
            (tmp_path / "torchaudio/lib/x.so").touch()
        specs = {name: SimpleNamespace(origin=str(tmp_path / name / "__init__.py")) for name in ("torch", "torchaudio")}
        monkeypatch.setattr(machine.importlib.util, "find_spec", specs.get)
        monkeypatch.setattr(machine.metadata, "version", lambda name: "2.13.0")
        monkeypatch.setattr(machine, "required", lambda: ["torch", "torchaudio"])
        monkeypatch.setattr(machine, "graphics", lambda: cards)
        return {finding.subject: finding for finding in machine.torch_build()}

    return install


@pytest.mark.parametrize(
    ("cuda", "compiled", "cards", "states"),
    (
        (None, False, [], (OK, OK, OK)),
        (None, True, [], (OK, FAULT, OK)),
        (None, False, ["A card"], (WARNING, OK, OK)),
        ("12.8", True, ["A card"], (OK, OK, OK)),
        ("12.8", True, [], (OK, OK, WARNING)),
    ),
)
def test_the_build_of_torch_is_held_against_the_gpu(installed, cuda, compiled, cards, states):
    found = installed(cuda, compiled, cards)
    assert tuple(found[name].state for name in ("torch", "torchaudio", "GPU")) == states
    assert all(finding.mend for finding in found.values() if finding.state != OK)
    assert ("CUDA 12.8" if cuda else "the CPU") in found["torch"].text


def test_missing_packages_are_faults_and_other_versions_warnings(monkeypatch, tmp_path):
    (tmp_path / "constraints.txt").write_text("# exact\nnumpy==1.0\nTorch==2.13.0\n")
    monkeypatch.setattr(machine, "required", lambda: ["numpy", "torch"])
    versions = {"numpy": "1.0", "torch": "2.13.0+cpu"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(machine.metadata, "version", version)
    assert [finding.state for finding in machine.packages(tmp_path)] == [OK]
    versions["numpy"] = "2.0"
    (finding,) = machine.packages(tmp_path)
    assert (finding.state, finding.text) == (WARNING, "numpy 2.0 (tested with 1.0)")
    del versions["torch"]
    (finding,) = machine.packages(tmp_path)
    assert (finding.state, finding.text) == (FAULT, "not installed: torch")


def test_what_timbre_needs_is_read_from_its_metadata():
    assert {"torch", "dvc", "lmdb"} <= set(machine.required())
    assert "pytest" not in machine.required()


def test_disks_are_told_once_each(tmp_path, monkeypatch):
    places = {"the workspace": tmp_path, "checkpoints": tmp_path / "not" / "yet"}
    for free, state in ((100 * machine.GB, OK), (5 * machine.GB, WARNING), (machine.GB // 2, FAULT)):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        (finding,) = machine.disk(places)
        assert finding.state == state
        assert finding.text.endswith("free for the workspace, checkpoints")


def test_little_memory_is_a_warning(monkeypatch):
    for available, state in ((8 * machine.GB, OK), (machine.GB, WARNING)):
        found = SimpleNamespace(available=available, total=16 * machine.GB)
        monkeypatch.setattr(machine.psutil, "virtual_memory", lambda found=found: found)
        assert next(machine.memory()).state == state


def test_an_old_python_is_a_fault(monkeypatch):
    monkeypatch.setattr(machine.sys, "version_info", (3, 9, 1))
    assert next(machine.python()).state == FAULT
