"""Part of training.py: how long a training takes from its start as a process to the end of its first step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "src"))
BATCH, CROP = 2, 65536


def make_corpora(folder: Path, recordings: Path, copies: int, peer: Path) -> tuple[Path, Path]:
    """So many copies of recordings as our cache and as the peer's database. Returns: both."""
    from timbre.cache.build import build_cache
    from timbre.params import load

    raw, cache, database = folder / "raw", folder / "cache", folder / "database"
    paths = [path for path in sorted(recordings.rglob("*.flac")) if "test" not in path.parts]
    for copy in range(copies):
        for path in paths:
            target = raw / f"{copy:03}" / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    shutil.copy(recordings / "gains.csv", raw / "gains.csv")
    build_cache(load(ROOT / "params.yaml"), raw, cache)
    command = [
        "preprocess",
        "--input_path",
        raw,
        "--output_path",
        database,
        "--channels",
        "1",
        "--sampling_rate",
        "48000",
    ]
    subprocess.run([peer.parent / "rave", *map(str, command)], check=True, capture_output=True)
    return cache, database


def until_first_step(command: list[str]) -> float:
    """Seconds until a process says that it has taken a step."""
    begun = time.perf_counter()
    # All cores on both sides, and no trial of threads, which takes ours up to half a minute more.
    environment = os.environ | {"OMP_NUM_THREADS": str(os.cpu_count())}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    for line in process.stdout:
        if line.strip() == "first step":
            seconds = time.perf_counter() - begun
            process.kill()
            process.wait()
            return seconds
    raise SystemExit(f"{command[:4]} ended before its first step, with code {process.wait()}")


def rows(peer_python: str, folder: Path, recordings: Path, copies: dict[str, int], rounds: int) -> list[tuple]:
    """Start to first step for corpora of several lengths: measure, ours, the peer's; the shortest of some rounds."""
    found = []
    for name, count in copies.items():
        cache, database = make_corpora(folder / name.replace(" ", "_"), recordings, count, Path(peer_python))
        ours = [sys.executable, str(HERE), str(cache)]
        peer = [peer_python, "-W", "ignore", str(HERE.parent / "peer_rave.py"), "start", str(database)]
        seconds = [(until_first_step(ours), until_first_step(peer)) for _ in range(rounds)]
        found.append((f"v2, {name} of corpus: s from start to first step", *map(min, zip(*seconds, strict=True))))
    return found


def main(cache: Path) -> None:
    """Train on a cache, as the stage does, until the first step is done."""
    from timbre.params import parse
    from timbre.training import loop, run

    raw = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"model": "rave", "size": "default"}
    raw["sizes"]["default"]["rave"] |= {"batch": BATCH, "crop_samples": CROP}
    params = parse(raw)
    taken = loop.take_step

    def take_step(*arguments: object) -> object:
        figures = taken(*arguments)
        print("first step", flush=True)
        time.sleep(60)
        return figures

    loop.take_step = take_step
    out = cache.parent / "out"
    run.train_model(params, cache, out / "models", out / "reports")


if __name__ == "__main__":
    os.environ["TIMBRE_CHECKPOINTS"] = str(Path(sys.argv[1]).parent / "checkpoints")
    os.environ["TIMBRE_DEVICE"] = "cpu"
    main(Path(sys.argv[1]))
