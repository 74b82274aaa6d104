"""Faults planted in clean recordings, and what the audit says of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr
from scipy.signal import lfilter
from support.materials import DARK, MATERIALS, RATE

from timbre.audio.table import to_table
from timbre.audit.checks.catalogue import FILE_CHECKS
from timbre.audit.checks.find import find_warnings
from timbre.audit.dataset.facts import SetFacts
from timbre.audit.exclude import refuse
from timbre.audit.measures import measure
from timbre.audit.recordings import Recordings
from timbre.params import Params

LARGEST_SAMPLE = 1.0 - 2.0**-23
CLIPPING_CHECKS = {"clipping", "clipped_runs", "pile_up"}
# Strengths of the multiples of 50 or 60 Hz: a transformer, a rectifier, a cable.
HUMS = ({1: 1.0, 2: 0.5, 3: 0.4, 4: 0.2, 5: 0.25}, {2: 1.0, 4: 0.5, 6: 0.25, 8: 0.12}, {1: 1.0, 3: 0.5, 5: 0.25})


def clip(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """6 to 12 dB too much gain into full scale."""
    return np.clip(audio * 10.0 ** (rng.uniform(6.0, 12.0) / 20.0) / np.abs(audio).max(), -1.0, LARGEST_SAMPLE)


def clip_and_turn_down(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same, then lowered by 4 to 20 dB and dithered to 16 bits, so that hardly two neighbours are equal."""
    lowered = 10.0 ** (rng.uniform(-20.0, -4.0) / 20.0) * clip(audio, rng)
    return _rounded(lowered + rng.triangular(-1.0, 0.0, 1.0, len(audio)) / 32768, 16)


def shift(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An offset of -46 to -26 dBFS, up or down."""
    return audio + rng.choice([-1.0, 1.0]) * 10.0 ** (rng.uniform(-46.0, -26.0) / 20.0)


def hum(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mains hum of -44 to -34 dBFS, 50 or 60 Hz and not quite."""
    mains_hz = rng.choice([50.0, 60.0]) + rng.uniform(-0.1, 0.1)
    cycles = mains_hz * np.arange(len(audio)) / RATE
    wave = sum(
        level * np.sin(2.0 * np.pi * (number * cycles + rng.random()))
        for number, level in HUMS[rng.integers(0, len(HUMS))].items()
    )
    return audio + 10.0 ** (rng.uniform(-44.0, -34.0) / 20.0) * wave / wave.std()


def crackle(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """40 clicks a minute at random places, one to three samples each, of a fifth to three fifths of full scale."""
    damaged = audio.copy()
    for at in rng.integers(RATE // 10, len(audio) - RATE // 10, round(40 * len(audio) / RATE / 60)):
        length = int(rng.integers(1, 4))
        damaged[at : at + length] += rng.choice([-1, 1]) * rng.uniform(0.2, 0.6) * np.array([1.0, -0.6, 0.3])[:length]
    return damaged


def hiss(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Background noise of -45 to -35 dBFS, white to brownish."""
    noise = lfilter([1.0], [1.0, -rng.uniform(0.0, 0.95)], rng.standard_normal(len(audio)))
    return audio + 10.0 ** (rng.uniform(-45.0, -35.0) / 20.0) * noise / noise.std()


def upsample(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Down to 8, 11.025, 16 or 22.05 kHz and back."""
    low_hz = float(rng.choice([8000, 11025, 16000, 22050]))
    back = soxr.resample(soxr.resample(audio, RATE, low_hz, quality="HQ"), low_hz, RATE, quality="HQ")
    return np.pad(back, (0, max(0, len(audio) - len(back))))[: len(audio)]


def coarsen(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Eight bits, half of them with another gain after."""
    gain = rng.uniform(0.3, 1.3) if rng.random() < 0.5 else 1.0
    return gain * _rounded(audio, 8)


def invert(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A right channel that is the left one upside down, up to 2 dB louder or fainter and with noise of its own."""
    right = -(10.0 ** (rng.uniform(-2.0, 2.0) / 20.0)) * audio
    return np.stack([audio, right + _faint(len(audio), -75.0, rng)], axis=1)


def deaden(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One channel with nothing in it, or with the hiss of an open input."""
    dead = _faint(len(audio), rng.uniform(-85.0, -70.0), rng) if rng.random() < 0.5 else np.zeros(len(audio))
    return np.stack([audio, dead] if rng.random() < 0.5 else [dead, audio], axis=1)


Fault = Callable[[np.ndarray, np.random.Generator], np.ndarray]
# Name: what does it to [samples], which checks may name it.
FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "clipped": (clip, CLIPPING_CHECKS),
    "clipped, turned down": (clip_and_turn_down, CLIPPING_CHECKS),
    "offset": (shift, {"dc_offset"}),
    "hum": (hum, {"hum"}),
    "clicks": (crackle, {"clicks"}),
    "background noise": (hiss, {"noisy", "noise_floor"}),
    "upsampled": (upsample, {"upsampled"}),
    "eight bits": (coarsen, {"coarse"}),
    "inverted channel": (invert, {"inverted"}),
    "dead channel": (deaden, {"silent_channel"}),
}


# No fault: gusts of wind, or a drum that is hit twice in three seconds, do have long pauses.
NO_ACCUSATION = {"silence"}


@dataclass(frozen=True)
class Verdict:
    """What the audit said of one file: material, fault ("" for a clean one), checks of severity warning or error.

    Of the latter, that a file is mostly pauses does not count.
    """

    material: str
    fault: str
    seed: int
    checks: frozenset[str]

    @property
    def found(self) -> bool:
        """Whether the planted fault was named."""
        return bool(self.checks & FAULTS[self.fault][1])


def judge(params: Params, folder: Path, seconds: float, seeds: Iterable[int]) -> list[Verdict]:
    """Audit every fault in every material, and all of these and the dark ones clean, one of each for each seed."""
    rows, told = [], []
    for (material, fault, seed), samples in _recordings(seconds, list(seeds)):
        name = f"{len(rows)}.wav"
        soundfile.write(folder / name, samples, RATE, subtype=("PCM_24", "PCM_16", "FLOAT")[(len(rows) + seed) % 3])
        rows.append(measure(folder / name, name, params.audit.thresholds.inverted_correlation))
        (folder / name).unlink()
        told.append((material, fault, seed))
    refuse(rows, params.audit.thresholds)
    warnings = find_warnings(Recordings(to_table(rows), SetFacts(), params))
    of_files = {check.name for check in FILE_CHECKS} - NO_ACCUSATION
    checks = {row["file"]: set() for row in rows}
    for warning in warnings:
        if warning["severity"] != "info" and warning["check"] in of_files:
            checks[warning["file"]].add(warning["check"])
    return [Verdict(*key, frozenset(checks[row["file"]])) for key, row in zip(told, rows, strict=True)]


def table(verdicts: list[Verdict]) -> str:
    """Found of planted for every fault and material, and the clean files with a warning; then the misses one by one."""
    planted = [verdict for verdict in verdicts if verdict.fault]
    clean = [verdict for verdict in verdicts if not verdict.fault]
    cells = pd.DataFrame(
        [
            {
                material: f"{sum(one.found for one in some)}/{len(some)}"
                for material in MATERIALS
                for some in [[one for one in planted if (one.fault, one.material) == (fault, material)]]
            }
            | {"recall": f"{recall([one for one in planted if one.fault == fault]):.1f} %"}
            for fault in FAULTS
        ],
        index=list(FAULTS),
    )
    accused = Counter(verdict.material for verdict in clean if verdict.checks)
    count = Counter(verdict.material for verdict in clean)
    lines = [
        cells.to_string(),
        f"\nrecall {recall(planted):.1f} % of {len(planted)}",
        f"false alarms {false_alarms(clean):.1f} % of {len(clean)} clean files: "
        + ", ".join(f"{material} {accused[material]}/{count[material]}" for material in count),
    ]
    lines += [f"  missed: {one.fault} in {one.material} {one.seed}" for one in planted if not one.found]
    lines += [f"  accused: {one.material} {one.seed} of {', '.join(sorted(one.checks))}" for one in clean if one.checks]
    return "\n".join(lines)


def recall(planted: list[Verdict]) -> float:
    """Percent of planted faults that are found."""
    return 100.0 * np.mean([verdict.found for verdict in planted])


def false_alarms(clean: list[Verdict]) -> float:
    """Percent of clean files with any warning."""
    return 100.0 * np.mean([bool(verdict.checks) for verdict in clean])


def _recordings(seconds: float, seeds: list[int]) -> Iterator[tuple[tuple[str, str, int], np.ndarray]]:
    for material, make in (MATERIALS | DARK).items():
        for seed in seeds:
            audio = make(seconds, seed).astype(np.float64)
            # Every other clean one is stereo: the same sound with another level and some noise of its own.
            other = 0.7 * audio + _faint(len(audio), -80.0, np.random.default_rng([seed, 1]))
            yield (material, "", seed), audio if seed % 2 == 0 else np.stack([audio, other], axis=1)
            for number, (fault, (damage, _)) in enumerate(FAULTS.items()) if material in MATERIALS else ():
                rng = np.random.default_rng([seed, number, list(MATERIALS).index(material)])
                yield (material, fault, seed), np.clip(damage(audio, rng), -1.0, LARGEST_SAMPLE)


def _rounded(audio: np.ndarray, bits: int) -> np.ndarray:
    full = 2.0 ** (bits - 1)
    return np.clip(np.rint(audio * full), -full, full - 1.0) / full


def _faint(samples: int, level_dbfs: float, rng: np.random.Generator) -> np.ndarray:
    return 10.0 ** (level_dbfs / 20.0) * rng.standard_normal(samples)
