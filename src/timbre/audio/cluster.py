"""Workers on other machines: a Dask cluster that shares this workspace's folder."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import logging
import os
import pickle
import platform
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from timbre.audio.work import one_thread, run_batch
from timbre.errors import UserError, reason

SCHEDULER = "TIMBRE_DASK_SCHEDULER"
CONNECT_SECONDS = 10.0
# How long it may be without workers, which come up after their scheduler and may be replaced.
WITHOUT_WORKERS_SECONDS = 60.0
# How often it is asked how many there are.
LOOK_SECONDS = 5.0
# How long running calls have to notice that they are unwanted.
STOP_SECONDS = 10.0
# What the results depend on besides this code.
PACKAGES = ("numpy", "scipy", "pandas", "soundfile", "soxr", "pyloudnorm", "torch")


@dataclass(frozen=True)
class Place:
    """Where the work belongs: the workspace as this machine knows it, and a file in it that is there while it lasts."""

    home: str
    sign: str
    versions: dict[str, str]


@dataclass
class Done:
    """What comes back for a batch: results and seconds, or what the worker at an address lacks."""

    worker: str
    results: list = field(default_factory=list)
    seconds: float = 0.0
    lost: str = ""
    unfit: str = ""


class _Deferred:
    """A call that pickles as its own result: whoever unpickles it makes the call.

    So the scheduler, which looks into all that passes, needs nothing of timbre.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple:
        return self._call

    def pickled(self) -> bytes:
        return pickle.dumps(self)


class Cluster:
    """The workers of the Dask scheduler at TIMBRE_DASK_SCHEDULER.

    A hidden file in the working directory shows that a worker shares it, at the same path or as its own working
    directory; while it is there the work is wanted.
    Raises: UserError where Dask is not installed, no scheduler or no worker is there, or a worker has another version
    of what the results depend on, or not the folder.
    """

    most = 16

    def __init__(self) -> None:
        try:
            import distributed
        except ImportError:
            raise UserError(
                "TIMBRE_JOBLIB_BACKEND=dask needs Dask, which is not installed here. Run `pip install -e .[dask]`, "
                "or unset TIMBRE_JOBLIB_BACKEND."
            ) from None
        self._distributed = distributed
        # What goes wrong is told once, by the errors raised here.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        self._address = os.environ.get(SCHEDULER, "").strip()
        if not self._address:
            raise UserError(
                "TIMBRE_JOBLIB_BACKEND=dask needs the address of a scheduler. Run `dask scheduler`, and set "
                f"{SCHEDULER} to the address that it prints, such as tcp://192.168.0.5:8786."
            )
        try:
            self._client = distributed.Client(self._address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"{SCHEDULER}={self._address} (environment): no Dask scheduler answers there ({reason(error)}). Run "
                "`dask scheduler`, and write the address that it prints."
            ) from None
        self._sign = Path(f".timbre-{uuid.uuid4().hex}.part")
        try:
            self._sign.touch()
            self._place = Place(os.getcwd(), self._sign.name, versions())
            self._threads, self._looked = self._count(), time.monotonic()
            if not self._threads:
                self._wait_for_workers()
            self._greet()
        except BaseException:
            self.close(())
            raise

    def window(self) -> int:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            # Workers come and go.
            self._threads, self._looked = max(1, self._count()), time.monotonic()
        return 2 * self._threads + 1

    def submit(self, function: Callable[..., Any], batch: list[tuple]) -> Any:
        call = pickle.dumps((function, batch))
        key = f"{function.__name__}-{uuid.uuid4().hex}"
        return call, self._client.submit(
            pickle.loads, _Deferred(work, self._place, call).pickled(), key=key, pure=False
        )

    def result(self, job: Any) -> tuple[list, float]:
        call, future = job
        done = self._wait(call, future)
        if done.unfit:
            raise UserError(f"the Dask worker {done.worker} {done.unfit}")
        if done.lost and os.path.exists(done.lost):
            raise UserError(
                f"{done.lost}: it is there, but not for the Dask worker {done.worker}. Every worker must reach it at "
                "the same path: put it on a file system that all of them share."
            )
        if done.lost:
            # It is nowhere, and what that means the function itself knows best.
            return run_batch(*pickle.loads(call))
        return done.results, done.seconds

    def close(self, unread: Iterable[Any]) -> None:
        self._sign.unlink(missing_ok=True)
        futures = [future for _, future in unread]
        if futures:
            with contextlib.suppress(Exception):  # it may take longer, or be gone
                self._distributed.wait(futures, timeout=STOP_SECONDS)
        self._client.close()

    def _wait(self, call: bytes, future: Any) -> Done:
        deserted = None
        while True:
            try:
                return future.result(timeout=LOOK_SECONDS)
            except self._distributed.TimeoutError:
                if future.done():  # the call itself ended in such an error
                    raise
            except ImportError as error:
                raise UserError(f"a Dask worker {_cannot_load(error)}") from None
            except self._distributed.KilledWorker:
                names = [str(value) for value in pickle.loads(call)[1][0] if isinstance(value, Path)]
                told = f" {' '.join(names)} or what comes after it" if names else " a part of the work"
                raise UserError(
                    f"every Dask worker that tried{told} was ended, mostly for want of memory. Start workers with a "
                    "higher --memory-limit, or with less --nthreads."
                ) from None
            except (self._distributed.client.FutureCancelledError, OSError) as error:
                if isinstance(error, OSError) and future.status == "error":
                    raise  # the call's own
                raise self._gone() from None
            if self._count():
                deserted = None
            elif deserted is None:
                deserted = time.monotonic()
            elif time.monotonic() - deserted > WITHOUT_WORKERS_SECONDS:
                raise self._without_workers()

    def _count(self) -> int:
        """Threads of all workers."""
        try:
            return sum(self._client.nthreads().values())
        except OSError:
            raise self._gone() from None

    def _wait_for_workers(self) -> None:
        print(f"waiting for workers of the Dask scheduler at {self._address}", file=sys.stderr, flush=True)
        try:
            self._client.wait_for_workers(1, timeout=WITHOUT_WORKERS_SECONDS)
        except self._distributed.TimeoutError:
            raise self._without_workers() from None
        self._threads = self._count()

    def _gone(self) -> UserError:
        return UserError(
            f"{SCHEDULER}={self._address}: the Dask scheduler is gone. Start it and its workers again, and run "
            "the same command."
        )

    def _without_workers(self) -> UserError:
        return UserError(
            f"{SCHEDULER}={self._address}: the Dask scheduler has had no worker for {WITHOUT_WORKERS_SECONDS:g} s. "
            f"Run `dask worker {self._address}` on each machine."
        )

    def _greet(self) -> None:
        """Ask every worker that is there whether it can do the work; one that comes later is asked by its first batch.

        Raises: UserError for the first that cannot.
        """
        question = _Deferred(unfit, self._place).pickled()
        for worker, answer in sorted(self._client.run(pickle.loads, question, on_error="return").items()):
            if isinstance(answer, ImportError):
                answer = _cannot_load(answer)
            elif isinstance(answer, BaseException):
                raise answer
            if answer:
                raise UserError(f"the Dask worker {worker} {answer}")


def work(place: Place, call: bytes) -> Done:
    """On a worker: run a batch."""
    from distributed import get_worker

    done = Done(get_worker().address, unfit=unfit(place))
    root = root_of(place)
    if done.unfit or root is None:
        return done
    function, batch = pickle.loads(call)
    batch = [tuple(root / value if isinstance(value, Path) else value for value in each) for each in batch]
    for path in (value for each in batch for value in each if isinstance(value, Path)):
        if not path.exists():
            done.lost = _as_given(path, root)
            return done
    try:
        # Most of it takes no torch, and none is loaded for it.
        with one_thread() if "torch" in sys.modules else contextlib.nullcontext():
            done.results, done.seconds = run_batch(function, batch, lambda: not (root / place.sign).exists())
    except UserError as error:
        raise UserError(f"{str(error).replace(f'{root}{os.sep}', '')} (Dask worker {done.worker})") from None
    return done


def unfit(place: Place) -> str:
    """On a worker: why its results would be others, or could not be read; "" where all is well."""
    own = versions()
    for name, version in place.versions.items():
        if own[name] != version:
            return (
                f"has {name} {own[name]}, and here it is {version}. Install there what is installed here (the same "
                "checkout and constraints.txt), and start the worker again."
            )
    if root_of(place) is None:
        return (
            f"does not share this folder: neither its {place.home} nor its working directory, {os.getcwd()}, is the "
            "one here. Put the folder on a file system that all machines share, and start workers in it."
        )
    return ""


def root_of(place: Place) -> Path | None:
    """On a worker: the workspace, at the same path or as the working directory."""
    return next((root for root in (Path(place.home), Path.cwd()) if (root / place.sign).exists()), None)


@functools.cache
def versions() -> dict[str, str]:
    """Of timbre's code (a digest), Python, the packages that the results depend on, and libsndfile."""
    import soundfile

    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py"), key=lambda path: path.relative_to(package).as_posix()):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return {
        "timbre's code": digest.hexdigest()[:12],
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in PACKAGES},
        "libsndfile": soundfile.__libsndfile_version__,
    }


def _cannot_load(error: ImportError) -> str:
    return f"cannot load this timbre ({reason(error)}). Install it there as it is here, and start the worker again."


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _as_given(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
