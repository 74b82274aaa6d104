"""A real Dask scheduler and two worker processes on loopback make the bytes that this process makes alone."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.processes import free_port

from timbre.audio.cluster import Place, root_of, unfit, versions
from timbre.audio.io import header
from timbre.audio.parallel import for_each
from timbre.audit.run import run as audit
from timbre.cache.build import build_cache
from timbre.errors import UserError
from timbre.files import read_json
from timbre.normalize.run import run as normalize

SOURCES = str(Path(__file__).parents[2] / "src")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Address of a scheduler with two workers, whose working directory is another."""
    with contextlib.ExitStack() as running:
        port = free_port()
        address = f"tcp://127.0.0.1:{port}"
        folder = tmp_path_factory.mktemp("dask")
        environment = os.environ | {"PYTHONPATH": SOURCES, "TIMBRE_JOBLIB_BACKEND": "threading"}
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port)]
        worker = [
            "worker",
            address,
            "--host",
            "127.0.0.1",
            "--nthreads",
            "1",
            "--no-nanny",
            "--local-directory",
            str(folder),
        ]
        with open(folder / "log", "wb") as log:
            for command in (scheduler, worker, worker):
                process = subprocess.Popen(
                    [sys.executable, "-m", "dask", *command, "--no-dashboard"],
                    cwd=folder, env=environment, stdout=log, stderr=log,
                )  # fmt: skip
                running.callback(process.wait)
                running.callback(process.kill)
            yield address


@pytest.fixture
def on_cluster(cluster, monkeypatch, tmp_path):
    """The environment that sends work to the cluster, and a working directory of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "dask")
    monkeypatch.setenv("TIMBRE_DASK_SCHEDULER", cluster)


@pytest.fixture
def raw(tmp_path, harmonic_tone):
    """Recordings below tmp_path/raw: many short ones, a long one, a stereo one, another rate, a broken one."""
    folder = tmp_path / "raw"
    sounds = {f"short/{number}.wav": harmonic_tone(110.0 + 3 * number, 0.3) for number in range(24)}
    sounds["long.wav"] = harmonic_tone(220.0, 35.0)
    sounds["stereo.flac"] = np.stack([harmonic_tone(300.0, 2.0), 0.5 * harmonic_tone(301.0, 2.0)], axis=1)
    sounds["Test/held out.wav"] = harmonic_tone(150.0, 2.0)
    for name, sound in sounds.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, sound, 16000)
    soundfile.write(folder / "other rate.wav", harmonic_tone(200.0, 1.0, rate=44100), 44100)
    (folder / "broken.wav").write_bytes(b"broken")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def prepare(params, out: Path) -> dict[str, bytes]:
    audit(params, out / "audit")
    normalize(params, out / "audit" / "files.csv", out / "normalized")
    build_cache(params, out / "normalized", out / "cache")
    return contents(out)


def test_the_three_stages_write_the_bytes_of_one_thread(raw, params, on_cluster, monkeypatch):
    # Relative, as in params.yaml; the workers' working directory is another.
    params = params.model_copy(update={"data": params.data.model_copy(update={"raw": "raw"})})
    far = prepare(params, Path("far"))
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "threading")
    monkeypatch.setenv("TIMBRE_JOBS", "1")
    assert far == prepare(params, Path("near"))
    assert {"audit/files.csv", "normalized/short/7.flac", "cache/data.mdb"} <= far.keys()
    assert sorted(path.name for path in Path().iterdir()) == ["far", "near", "raw"]


def test_what_is_raised_there_arrives_here_and_says_where(on_cluster):
    for number in range(100):
        Path(f"{number}.json").write_text("{}" if number != 60 else "{")
    paths = [(Path(f"{number}.json"),) for number in range(100)]
    with pytest.raises(UserError, match=r"^60\.json is damaged.*\(Dask worker tcp://127.0.0.1:\d+\)$"):
        list(for_each(read_json, paths))
    with pytest.raises(ZeroDivisionError):
        list(for_each(divmod, [(1, 1), (1, 0)]))
    assert list(for_each(read_json, paths[:3])) == [{}, {}, {}]
    assert not list(Path().glob(".timbre*"))


def test_a_file_that_a_worker_lacks_is_told(on_cluster, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    with open(tmp_path / "a.wav", "rb") as file:
        # Another file, or none, in any other process.
        here = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/fd/{file.fileno()}")
        assert next(for_each(header, [(here,)])).samples == 100
        only_here = Path(f"/proc/self/task/{os.getpid()}/stat")
        with pytest.raises(UserError, match=rf"{only_here}: it is there, but not for the Dask worker tcp://127"):
            list(for_each(header, [(only_here,)]))
    # What is nowhere is the function's own to tell.
    with pytest.raises(UserError, match=r"^none\.json is missing"):
        list(for_each(read_json, [(Path("none.json"),)]))


def test_a_worker_is_asked_for_its_versions_and_for_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sign").touch()
    place = Place(str(tmp_path), "sign", versions())
    assert unfit(place) == "" and root_of(place) == tmp_path
    # The same folder under another name is known by being the working directory.
    assert root_of(Place("/nowhere", "sign", versions())) == tmp_path
    assert "it has numpy" not in unfit(place)
    old = Place(str(tmp_path), "sign", versions() | {"numpy": "1.0"})
    assert f"has numpy {np.__version__}, and here it is 1.0" in unfit(old)
    Path("sign").unlink()
    assert f"does not share this folder: neither its {tmp_path} nor" in unfit(place)


def told_by_a_run() -> str:
    """The message of the error in which a run ends."""
    try:
        list(for_each(pow, [(1, 2)]))
    except UserError as error:
        message = str(error)
    # A client that failed and is collected while another starts would wait for itself (distributed 2026.8).
    gc.collect()
    return message


def test_no_address_no_dask_no_scheduler_no_worker(monkeypatch, tmp_path):
    from distributed import LocalCluster

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("timbre.audio.cluster.CONNECT_SECONDS", 1.0)
    monkeypatch.setattr("timbre.audio.cluster.WITHOUT_WORKERS_SECONDS", 0.3)
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "dask")
    monkeypatch.delenv("TIMBRE_DASK_SCHEDULER", raising=False)
    assert "Run `dask scheduler`, and set TIMBRE_DASK_SCHEDULER to the address" in told_by_a_run()
    for wrong in ("rubbish", "ftp://host:1", "tcp://127.0.0.1:9"):
        monkeypatch.setenv("TIMBRE_DASK_SCHEDULER", wrong)
        assert f"TIMBRE_DASK_SCHEDULER={wrong} (environment): no Dask scheduler" in told_by_a_run()
    with LocalCluster(n_workers=0, dashboard_address=":0", processes=False, protocol="tcp") as empty:
        monkeypatch.setenv("TIMBRE_DASK_SCHEDULER", empty.scheduler_address)
        assert "has had no worker for 0.3 s. Run `dask worker" in told_by_a_run()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "distributed", None)
        assert "not installed here. Run `pip install -e .[dask]`" in told_by_a_run()
    assert not list(tmp_path.iterdir())
