"""The doctor finds what has been broken on purpose, and what it says mends it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from timbre.doctor import cache
from timbre.doctor.command import examined
from timbre.doctor.finding import FAULT, OK, WARNING

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


def found(subject: str, deep: bool = False) -> list:
    return [finding for finding in examined(deep, Path.cwd()) if finding.subject == subject]


def write_through(path: Path, text: str) -> None:
    """What a program does that opens an out for writing: DVC's read-only bit stops all but root."""
    path.chmod(0o644)
    with open(path, "a") as file:
        file.write(text)


def doctor(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "timbre", "doctor", *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": SOURCE} | environment, capture_output=True, text=True
    )


def test_a_repository_that_is_well_has_no_fault(here):
    done = doctor(here)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^doctor: 0 faults", done.stdout, re.MULTILINE)
    subjects = {line[9:].split("  ")[0].strip() for line in done.stdout.splitlines()}
    assert {
        "Python",
        "packages",
        "torch",
        "GPU",
        "memory",
        "cache",
        "integrity",
        "remote",
        "copies",
        "disk",
    } <= subjects
    assert "3 of 3 objects" in done.stdout


def test_it_loads_no_torch(here):
    script = "import sys\nfrom pathlib import Path\nfrom timbre.doctor.command import examined\n"
    script += "examined(False, Path.cwd())\nsys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=here, env=os.environ | {"PYTHONPATH": SOURCE})


def test_a_write_through_a_hard_link_is_found_and_mended_as_it_says(here, toy):
    out = here / "made" / "one.txt"
    before = out.read_bytes()
    assert out.stat().st_nlink == 2
    assert [finding.state for finding in found("integrity")] == [OK]
    write_through(out, "stray")
    # DVC itself hands the damaged bytes out again.
    out.unlink()
    toy.good("dvc", "checkout", "-q")
    assert out.read_bytes() == before + b"stray"
    done = doctor(here)
    assert done.returncode == 1
    assert re.search(r"^fault +integrity +\S+: written to since DVC put it there \(made/one\.txt\)$", done.stdout, re.M)
    remove = re.search(r"`(rm -f \S+)`", done.stdout)[1]
    toy.good(*remove.split())
    assert toy.repro() == ["make"]
    assert out.read_bytes() == before
    assert doctor(here).returncode == 0


def test_a_write_that_hides_its_time_is_found_by_deep_alone(here):
    (out,) = (each.path for each in cache.objects(here / ".dvc" / "cache") if each.path.read_bytes()[:3] == b"two")
    assert [finding.state for finding in found("integrity")] == [OK]
    times, content = out.stat(), out.read_bytes()
    out.chmod(0o644)
    out.write_bytes(content.replace(b"two 0", b"two 1", 1))
    os.utime(out, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert [finding.state for finding in found("integrity")] == [OK]
    assert [finding.state for finding in found("integrity", deep=True)] == [FAULT]
    # What was found damaged is not taken for whole by the next look.
    assert [finding.state for finding in found("integrity")] == [FAULT]
    out.write_bytes(content)
    assert [finding.state for finding in found("integrity", deep=True)] == [OK]


def test_outs_that_are_copies_are_told_from_a_size_on(here, toy, monkeypatch):
    toy.good("dvc", "checkout", "-q", "--relink", "dvc.yaml")
    assert cache.copied(here) == 0
    monkeypatch.setattr(cache, "TOLD_BYTES", 1)
    assert "twice" not in found("cache")[0].text
    out = here / "made" / "one.txt"
    content = out.read_bytes()
    out.unlink()
    out.write_bytes(content)
    assert cache.copied(here) == len(content)
    assert "600 bytes there are on the disk twice" in found("cache")[0].text
    command = re.search(r"`(dvc checkout --relink dvc\.yaml)`", found("cache")[0].mend)[1]
    toy.good(*command.split())
    assert cache.copied(here) == 0


def test_what_there_is_no_time_for_is_counted(here, monkeypatch):
    (here / ".dvc" / "tmp" / cache.MEMO).unlink(missing_ok=True)
    monkeypatch.setattr(cache, "BUDGET_SECONDS", -1.0)
    assert "0 of 3 objects" in found("integrity")[0].text
    assert "3 not read yet" in found("integrity")[0].text
    assert "3 of 3 objects" in found("integrity", deep=True)[0].text
    assert "3 of 3 objects" in found("integrity")[0].text


def test_copies_of_killed_experiments_are_found_and_those_that_run_left_alone(here):
    left, runs = (here / ".dvc" / "tmp" / "exps" / name for name in ("standalone/tmpleft", "tmpruns"))
    for folder in (left, runs):
        folder.mkdir(parents=True)
        (folder / "data").write_bytes(bytes(5000))
    os.link(here / "params.yaml", left / "linked")
    process = subprocess.Popen([sys.executable, "-c", "input()"], cwd=runs, stdin=subprocess.PIPE)
    try:
        (finding,) = found("copies")
    finally:
        process.communicate()
    assert finding.state == WARNING
    assert finding.text == "1 of killed experiments, 5.0 kB; 1 in use"
    assert finding.mend == "`rm -rf .dvc/tmp/exps/standalone/tmpleft`"
    for folder in (left, runs):
        subprocess.run(["rm", "-rf", folder], check=True)
    assert found("copies")[0].state == OK


def test_checkpoints_are_listed_with_their_sizes(here):
    folder = Path(os.environ["TIMBRE_CHECKPOINTS"]) / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(bytes(2_000_000))
    (finding,) = found("checkpoints")
    assert "01234567 (2.0 MB, today)" in finding.text
    assert "goes on from there" in finding.mend


@pytest.mark.parametrize(
    ("url", "state", "told"),
    (
        ("../store", FAULT, "has a relative path"),
        ("ssh://127.0.0.1:9/store", WARNING, "127.0.0.1:9 does not answer"),
        ("/nowhere/at/all", OK, "not there yet"),
    ),
)
def test_remotes_are_tried(here, url, state, told):
    path = here / ".dvc" / "config.local"
    path.write_text(f"['remote \"store\"']\n    url = {url}\n")
    try:
        (finding,) = found("remote")
        assert finding.state == state
        assert told in finding.text + finding.mend
    finally:
        path.unlink()


def test_a_broken_configuration_is_a_fault_and_no_traceback(here):
    path = here / ".dvc" / "config.local"
    path.write_text("[core\n")
    try:
        done = doctor(here)
        assert (done.returncode, done.stderr) == (1, "")
        assert re.search(r"^fault +DVC ", done.stdout, re.M)
    finally:
        path.unlink()


def test_no_repository_is_a_fault(tmp_path):
    done = doctor(tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "this folder is no DVC repository" in done.stdout
