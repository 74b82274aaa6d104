"""Judge an exported file as a host meets it: `python -m timbre.export.verify FILE REFERENCE BLOCK [BLOCK ...]`.

A process of its own that knows nothing but torch and the file. REFERENCE (npz) holds an input [channels, samples], what
the network makes of it offline, as a fresh file plays and with neutral controls, the values of those, and the delay and
tail that the file claims. Prints the findings as JSON.
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
# Of the parts in turn, hops a block.
PARTS_HOPS = 13
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


def shuffled(seed: int, hop: int) -> Iterator[int]:
    """Legal block sizes from a hop to some thousand samples, by chance."""
    draw = np.random.default_rng(seed)
    while True:
        yield hop * int(draw.integers(1, max(4, 4096 // hop) + 1))


def legal(samples: int, hop: int) -> int:
    """The least whole number of hops that holds so many samples."""
    return -(-samples // hop) * hop


def play(model: torch.jit.ScriptModule, audio: np.ndarray, blocks: Iterable[int]) -> np.ndarray:
    """What a reset model makes of audio [channels, samples], fed in blocks."""
    model.reset()
    return feed(model, audio, blocks)


def feed(model: torch.jit.ScriptModule, audio: np.ndarray, blocks: Iterable[int]) -> np.ndarray:
    """What a model makes of audio [channels, samples], filled up to whole hops and fed in blocks, from its state on."""
    samples = audio.shape[1]
    filled = torch.from_numpy(np.pad(audio, ((0, 0), (0, -samples % int(model.hop)))))[None]
    pieces: list[Tensor] = []
    at = 0
    for block in blocks:
        if at >= samples:
            break
        pieces.append(model(filled[:, :, at : at + block]))
        at += block
    return torch.cat(pieces, dim=2)[0, :, :samples].numpy()


def parts_snr_db(model: torch.jit.ScriptModule, reference: dict) -> float:
    """How far the two parts in turn are from what the network makes offline with neutral controls, dB.

    Past the beginning: a stream in parts does not know when the sound began, so a network that looks ahead may start it
    otherwise.
    """
    model.reset()
    hop, delay, tail = int(model.hop), int(reference["delay"]), int(reference["tail"])
    for name, value in zip(reference["control_names"], reference["neutral"], strict=True):
        model.set_control(str(name), float(value))
    audio, played = reference["audio"], []
    whole = audio[:, : audio.shape[1] // hop * hop]
    for block in torch.split(torch.from_numpy(whole)[None], hop * PARTS_HOPS, dim=2):
        played.append(
            model.decode(model.encode(block)) if hasattr(model, "encode") else model.controls(model.features(block))
        )
    y = torch.cat(played, dim=2)[0].numpy()[:, delay + tail :]
    return snr_db(reference["offline_neutral"][:, tail : tail + y.shape[1]], y)


def examine(path: str, reference: dict, blocks: list[int]) -> dict:
    """All findings about a file. blocks: of a host, in samples, each brought up to a legal one."""
    torch.set_num_threads(1)
    model = torch.jit.load(path)
    audio, offline, delay, tail = (reference[name] for name in ("audio", "offline", "delay", "tail"))
    rate, hop, channels = int(model.sample_rate), int(model.hop), len(audio)
    blocks = sorted({legal(block, hop) for block in blocks})
    usual = blocks[-1]
    padded = np.pad(audio, ((0, 0), (0, delay)))
    first = feed(model, padded, fixed(usual))
    feed(model, audio[:, : rate // 2], fixed(usual))  # a state that reset has to forget
    again = play(model, padded, fixed(usual))
    schedules = {str(block): fixed(block) for block in blocks} | {"random": shuffled(0, hop)}
    snrs = {name: snr_db(offline, play(model, padded, schedule)[:, delay:]) for name, schedule in schedules.items()}
    silence = np.zeros((channels, 2 * rate + tail), dtype=np.float32)
    model.reset()
    fresh_silence = feed(model, silence, fixed(usual))
    feed(model, audio[:, : 2 * rate], fixed(usual))
    after_sound = feed(model, silence, fixed(usual))
    draw = np.random.default_rng(1)
    square = np.sign(np.sin(2 * np.pi * 110.0 * np.arange(rate) / rate)).astype(np.float32)
    extremes = {
        "full-scale noise": draw.uniform(-1.0, 1.0, (channels, rate)).astype(np.float32),
        "full-scale square wave": np.tile(square, (channels, 1)),
        "direct current": np.ones((channels, rate), dtype=np.float32),
        "not-a-number samples": np.full((channels, rate), np.nan, dtype=np.float32),
        "infinite samples": np.full((channels, rate), np.inf, dtype=np.float32),
    }
    peaks = {name: float(np.abs(play(model, signal, fixed(usual))).max()) for name, signal in extremes.items()}
    model.reset()
    recovered = feed(model, padded, fixed(usual))
    return {
        "snr_db": snrs,
        "parts_snr_db": parts_snr_db(model, reference),
        "first_run_equals_reset_run": bool(np.array_equal(first, again)),
        "recovers_after_reset": bool(np.array_equal(first, recovered)),
        "illegal_block_told": refusal(model, channels, hop),
        "delay_samples": measured_delay(offline, first, 4 * delay + 4096),
        "fresh_silence_dbfs": level_dbfs(fresh_silence),
        "silence_after_sound_dbfs": level_dbfs(after_sound[:, rate + tail :]),
        "peaks": {name: value if np.isfinite(value) else None for name, value in peaks.items()},
    }


def refusal(model: torch.jit.ScriptModule, channels: int, hop: int) -> bool:
    """Whether a block that is no whole hop is refused with the legal sizes named."""
    try:
        model(torch.zeros(1, channels, hop + 1))
    except (RuntimeError, torch.jit.Error) as error:
        return f"{hop}, {2 * hop}" in str(error)
    return False


def main() -> None:
    """Examine FILE."""
    reference = dict(np.load(sys.argv[2]))
    reference |= {name: int(reference[name]) for name in ("delay", "tail")}
    print(json.dumps(examine(sys.argv[1], reference, [int(block) for block in sys.argv[3:]])))


if __name__ == "__main__":
    main()
