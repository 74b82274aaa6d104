"""Results come in order, whatever the number and kind of workers; no more are made than are read; all stops at once."""

import json
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from timbre.audio.parallel import MANY, for_each
from timbre.audio.work import Unwanted, keep_going, run_batch
from timbre.errors import UserError
from timbre.files import read_json

BACKENDS = ("threading", "loky")


@pytest.fixture(autouse=True)
def two_workers(monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBS", "2")
    monkeypatch.delenv("TIMBRE_JOBLIB_BACKEND", raising=False)


@pytest.mark.parametrize(("backend", "jobs"), [("", ""), ("", "1"), ("threading", "3"), ("loky", "2")])
def test_order(monkeypatch, jobs, backend):
    monkeypatch.setenv("TIMBRE_JOBS", jobs)
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", backend)
    assert list(for_each(pow, [(number, 2) for number in range(100)])) == [number**2 for number in range(100)]
    assert list(for_each(pow, [])) == []


@pytest.mark.parametrize(("calls", "jobs", "here"), [(MANY - 1, "2", True), (MANY, "2", False), (MANY, "1", True)])
def test_much_work_goes_to_processes(monkeypatch, calls, jobs, here):
    monkeypatch.setenv("TIMBRE_JOBS", jobs)
    assert (set(for_each(os.getpid, [()] * calls)) == {os.getpid()}) == here


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5"])
def test_wrong_number(monkeypatch, jobs):
    monkeypatch.setenv("TIMBRE_JOBS", jobs)
    with pytest.raises(UserError, match="TIMBRE_JOBS"):
        list(for_each(pow, [(1, 2)]))


def test_wrong_backend(monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "Spark")
    with pytest.raises(UserError, match=r"TIMBRE_JOBLIB_BACKEND=Spark .* one of threading, loky, dask"):
        list(for_each(pow, [(1, 2)]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_works_ahead_of_a_slow_reader_by_its_window_only(monkeypatch, backend):
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", backend)
    taken = 0

    def arguments():
        nonlocal taken
        for number in range(400):
            taken += 1
            yield number, 2

    # Two batches for each of two workers and one more, of at most 16 in processes.
    most = {"threading": 6, "loky": 6 * 16}[backend]
    for read, _ in enumerate(for_each(pow, arguments()), start=1):
        assert taken <= max(MANY, read + most)
    assert read == taken == 400


def test_short_calls_go_in_batches_and_long_ones_alone(monkeypatch):
    sizes = []

    class Pool:
        most = 16

        def window(self):
            return 2

        def submit(self, function, batch):
            sizes.append(len(batch))
            return batch

        def result(self, batch):
            return [number for (number,) in batch], sum(10.0 if number >= 200 else 0.01 for (number,) in batch)

        def close(self, unread):
            assert not unread

    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "threading")
    monkeypatch.setattr("timbre.audio.parallel.Threads", lambda jobs: Pool())
    assert list(for_each(abs, ((number,) for number in range(300)))) == list(range(300))
    assert sizes[:4] == [1, 1, 16, 16] and sizes[-1] == 1 and sizes.count(16) <= 16


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_arrives_as_it_was_raised_and_nothing_runs_on(monkeypatch, tmp_path, backend):
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", backend)
    for number in range(200):
        (tmp_path / f"{number}.json").write_text(json.dumps({"number": number}) if number != 50 else "{")
    results = []
    with pytest.raises(UserError, match=r"50\.json is damaged"):
        results.extend(for_each(read_json, ((tmp_path / f"{number}.json",) for number in range(200))))
    assert [one["number"] for one in results] == list(range(len(results))) and len(results) <= 50
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_a_killed_process_is_told(monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "loky")
    with pytest.raises(UserError, match=r"A worker process was ended from outside.*TIMBRE_JOBS"):
        list(for_each(operator.call, [(signal.raise_signal, signal.SIGKILL)]))
    assert list(for_each(pow, [(3, 2)])) == [9]


def test_who_stops_reading_stops_the_work(monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBLIB_BACKEND", "threading")
    begun, ended = [], []

    def slow(number):
        begun.append(number)
        try:
            for _ in range(1000 if number else 0):
                time.sleep(0.002)
                keep_going()
        except Unwanted:
            ended.append(number)
            raise

    results = for_each(slow, ((number,) for number in range(100)))
    next(results)
    results.close()
    assert len(begun) <= 6 and len(ended) >= 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]
    keep_going()


def test_a_batch_that_is_in_vain_is_not_begun():
    with pytest.raises(Unwanted):
        run_batch(pow, [(1, 2)], lambda: True)


def test_ctrl_c_ends_it_in_the_middle_of_a_file(tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    for name in "abc":
        # Twenty hours of silence at 8 kHz, which take no room and would take a minute.
        data = 2 * 8000 * 72000
        head = b"RIFF%bWAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data%b"
        with open(raw / f"{name}.wav", "wb") as file:
            file.write(head % ((data + 36).to_bytes(4, "little"), data.to_bytes(4, "little")))
            file.truncate(data + 44)
    script = f"""
from pathlib import Path
from timbre.audit.run import run
from timbre.errors import stage_main
from timbre.params import load
params = load(Path({str(Path(__file__).parents[2] / "params.yaml")!r}))
params = params.model_copy(update={{"data": params.data.model_copy(update={{"raw": {str(raw)!r}}})}})
print("begun", flush=True)
stage_main(lambda: run(params, Path({str(out)!r})))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        time.sleep(0.5)
        begun = time.monotonic()
        child.send_signal(signal.SIGINT)
        told = child.communicate(timeout=30)[1]
    assert child.returncode == 130 and "stopped." in told and "Traceback" not in told
    assert time.monotonic() - begun < 5.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]
