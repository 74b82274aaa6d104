"""The demo corpus on disk: recordings with their truth, and sounds to transfer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from timbre.demo.bowed_string import SAMPLE_RATE_HZ
from timbre.demo.faults import (
    DUPLICATE_SOURCE,
    FAULT_SECONDS,
    FAULTS_ON_OWN_TAKES,
    FaultyTake,
    damage,
    write_faulty,
)
from timbre.demo.inputs import INPUTS
from timbre.demo.takes import TRUTH_HOP_SECONDS, Take, record_takes
from timbre.files import replaced_folder, write_csv

TAKE_SECONDS = 25.0
FEWEST_TAKES = 4
SHORTEST_TAKE_SECONDS = 6.0
# After the sessions in the alphabet, so that of two equal files the audit keeps the session's.
FAULTS_FOLDER = "takes_with_faults"
TRAIN, TEST, FAULTS, INPUT = range(4)
"""Branches of the seed, so that no part of the corpus shares material with another."""


def make_recordings(raw_dir: Path, truth_dir: Path, train_minutes: float, test_minutes: float, seed: int) -> float:
    """Write training, test and faulty takes and the truth about them; return the seconds of audio written."""
    train = split_into_takes(train_minutes)
    test = split_into_takes(test_minutes)
    own = [FAULT_SECONDS] * FAULTS_ON_OWN_TAKES
    requests = [
        (seconds, child)
        for branch, lengths in ((TRAIN, train), (TEST, test), (FAULTS, own))
        for seconds, child in zip(lengths, np.random.SeedSequence([seed, branch]).spawn(len(lengths)), strict=True)
    ]
    takes = record_takes(requests, show_progress=True)
    with replaced_folder(raw_dir) as raw, replaced_folder(truth_dir) as truth:
        written = [_write_take(raw, truth, name, next(takes)) for name in take_names(len(train), len(test))]
        duplicated = _read(raw / DUPLICATE_SOURCE)
        faulty = [_write_faulty(raw, take) for take in damage((take.audio for take in takes), duplicated)]
        write_csv(truth / "faults.csv", pd.DataFrame(faulty, columns=["file", "fault", "detail"]))
    return sum(written) + len(faulty) * FAULT_SECONDS


def make_inputs(inputs_dir: Path, truth_dir: Path, seed: int) -> float:
    """Write the sounds to transfer and the f0 of those that have one; return the seconds of audio written."""
    total = 0.0
    with replaced_folder(inputs_dir) as inputs, replaced_folder(truth_dir) as truth:
        children = np.random.SeedSequence([seed, INPUT]).spawn(len(INPUTS))
        for (name, make), child in zip(INPUTS.items(), children, strict=True):
            audio, f0_hz = make(np.random.default_rng(child))
            soundfile.write(inputs / f"{name}.flac", audio, SAMPLE_RATE_HZ, subtype="PCM_24")
            if f0_hz is not None:
                write_truth(truth / f"{name}.csv", f0_hz)
            total += len(audio) / SAMPLE_RATE_HZ
    return total


def split_into_takes(minutes: float) -> list[float]:
    """Divide minutes into equal takes in seconds: long ones, or a few short ones where there is little."""
    seconds = minutes * 60
    count = max(round(seconds / TAKE_SECONDS), min(FEWEST_TAKES, int(seconds / SHORTEST_TAKE_SECONDS)), 1)
    return [seconds / count] * count


def take_names(train: int, test: int) -> Iterator[str]:
    """Yield file names without their ending: two sessions for training, and the folder that is held out."""
    for index in range(train):
        session = "session_a" if index < (train + 1) // 2 else "session_b"
        yield f"{session}/take_{index + 1:02d}"
    for index in range(test):
        yield f"test/take_{index + 1:02d}"


def write_truth(path: Path, f0_hz: np.ndarray) -> None:
    """Write f0 in Hz, shape (frames,), one every 10 ms from time 0; 0 stands for no pitch."""
    times = np.arange(len(f0_hz)) * TRUTH_HOP_SECONDS
    write_csv(path, pd.DataFrame({"time_seconds": times, "f0_hz": f0_hz}), decimals=3)


def _write_take(raw: Path, truth: Path, name: str, take: Take) -> float:
    path = raw / f"{name}.flac"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, take.audio, SAMPLE_RATE_HZ, subtype="PCM_24")
    write_truth(truth / f"{name}.csv", take.f0_hz)
    return len(take.audio) / SAMPLE_RATE_HZ


def _write_faulty(raw: Path, take: FaultyTake) -> tuple[str, str, str]:
    path = raw / FAULTS_FOLDER / take.name
    path.parent.mkdir(exist_ok=True)
    write_faulty(path, take)
    return f"{FAULTS_FOLDER}/{take.name}", take.fault, take.detail


def _read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float64")[0]
