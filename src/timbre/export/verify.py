"""Judge an exported file as a host meets it: `python -m timbre.export.verify FILE REFERENCE BLOCK [BLOCK ...]`.

A process of its own that knows nothing but torch and the file. REFERENCE (npz) holds an input [channels, samples], what
the network makes of it offline, the delay and the tail that the file claims, and the sample rate. Prints the findings
as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

# Written in place of infinity where two signals are equal to the bit.
EQUAL_DB = 200.0
# Written in place of minus infinity for digital silence.
SILENT_DB = -200.0


def snr_db(signal: np.ndarray, other: np.ndarray) -> float:
    """Power of a signal over the power of another's difference from it, in dB; -200 where that is no number."""
    error = float(np.square(signal.astype(np.float64) - other).sum())
    if not np.isfinite(error):
        return -EQUAL_DB
    power = float(np.square(signal.astype(np.float64)).sum())
    if error == 0.0:
        return EQUAL_DB
    return min(EQUAL_DB, 10.0 * float(np.log10(max(power, 1e-20) / error)))


def level_dbfs(signal: np.ndarray) -> float:
    """RMS level in dB, full scale being 1."""
    power = float(np.square(signal.astype(np.float64)).mean())
    return 10.0 * float(np.log10(power)) if power > 0.0 else SILENT_DB


def measured_delay(early: np.ndarray, late: np.ndarray, most: int) -> int:
    """Lag in samples, 0 to `most`, at which two signals [channels, samples] correlate best (by FFT)."""
    size = 2 * max(early.shape[1], late.shape[1])
    spectrum = (np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size))).sum(axis=0)
    return int(np.argmax(np.fft.irfft(spectrum, size)[: most + 1]))


def fixed(block: int) -> Iterator[int]:
    """The same block size for ever."""
    while True:
        yield block


def shuffled(seed: int) -> Iterator[int]:
    """Block sizes from 1 to some thousand, by chance."""
    draw = np.random.default_rng(seed)
    while True:
        yield int(2 ** draw.uniform(0.0, 12.0))


def play(model: torch.jit.ScriptModule, audio: np.ndarray, blocks: Iterable[int]) -> np.ndarray:
    """What a reset model makes of audio [channels, samples], fed in blocks."""
    model.reset()
    return feed(model, audio, blocks)


def feed(model: torch.jit.ScriptModule, audio: np.ndarray, blocks: Iterable[int]) -> np.ndarray:
    """What a model makes of audio [channels, samples], fed in blocks, from the state it is in."""
    pieces: list[Tensor] = []
    at = 0
    for block in blocks:
        if at >= audio.shape[1]:
            break
        pieces.append(model(torch.from_numpy(audio[:, at : at + block])[None]))
        at += block
    return torch.cat(pieces, dim=2)[0].numpy()


def halves_snr_db(
    model: torch.jit.ScriptModule, audio: np.ndarray, offline: np.ndarray, delay: int, tail: int
) -> float:
    """How far decoding what was encoded is from what the network makes offline, once it is past its beginning, dB.

    A halves' stream does not know when the sound began, so a network that looks ahead may start it otherwise.
    """
    model.reset()
    hop, played = int(model.hop), []
    whole = audio[:, : audio.shape[1] // hop * hop]
    for block in torch.split(torch.from_numpy(whole)[None], 3 * hop, dim=2):
        played.append(model.decode(model.encode(block)))
    late = delay - hop
    y = torch.cat(played, dim=2)[0].numpy()[:, late + tail :]
    return snr_db(offline[:, tail : tail + y.shape[1]], y)


def examine(
    path: str, audio: np.ndarray, offline: np.ndarray, delay: int, tail: int, rate: int, blocks: list[int]
) -> dict:
    """All findings about a file."""
    torch.set_num_threads(1)
    model = torch.jit.load(path)
    channels = len(audio)
    padded = np.pad(audio, ((0, 0), (0, delay)))
    first = feed(model, padded, fixed(blocks[-1]))
    feed(model, audio[:, : rate // 2], fixed(512))  # a state that reset has to forget
    again = play(model, padded, fixed(blocks[-1]))
    schedules = {str(block): fixed(block) for block in blocks} | {"random": shuffled(0)}
    snrs = {name: snr_db(offline, play(model, padded, schedule)[:, delay:]) for name, schedule in schedules.items()}
    silence = np.zeros((channels, 2 * rate + tail), dtype=np.float32)
    model.reset()
    fresh_silence = feed(model, silence, fixed(512))
    feed(model, audio[:, : 2 * rate], fixed(512))
    after_sound = feed(model, silence, fixed(512))
    draw = np.random.default_rng(1)
    square = np.sign(np.sin(2 * np.pi * 110.0 * np.arange(rate) / rate)).astype(np.float32)
    extremes = {
        "full-scale noise": draw.uniform(-1.0, 1.0, (channels, rate)).astype(np.float32),
        "full-scale square wave": np.tile(square, (channels, 1)),
        "direct current": np.ones((channels, rate), dtype=np.float32),
        "not-a-number samples": np.full((channels, rate), np.nan, dtype=np.float32),
    }
    peaks = {name: float(np.abs(play(model, signal, fixed(512))).max()) for name, signal in extremes.items()}
    return {
        "snr_db": snrs,
        "halves_snr_db": halves_snr_db(model, audio, offline, delay, tail) if hasattr(model, "encode") else None,
        "first_run_equals_reset_run": bool(np.array_equal(first, again)),
        "delay_samples": measured_delay(offline, first, 4 * delay + 4096),
        "fresh_silence_dbfs": level_dbfs(fresh_silence),
        "silence_after_sound_dbfs": level_dbfs(after_sound[:, rate + tail :]),
        "peaks": {name: value if np.isfinite(value) else None for name, value in peaks.items()},
    }


def main() -> None:
    """Examine FILE."""
    reference = np.load(sys.argv[2])
    blocks = [int(block) for block in sys.argv[3:]]
    numbers = [int(reference[name]) for name in ("delay", "tail", "rate")]
    findings = examine(sys.argv[1], reference["audio"], reference["offline"], *numbers, blocks)
    print(json.dumps(findings))


if __name__ == "__main__":
    main()
