"""Judge model.nm as the plug-in meets it: `python -m timbre.export.neutone.verify FILE REFERENCE BLOCK [BLOCK ...]`.

A process of its own that knows nothing of the network and the SDK. REFERENCE (npz) holds an input `audio` [channels,
samples], what the network makes of it offline, a `short` input and what the network makes of that with each knob at an
end, the knobs' positions there, and the tail of the network in samples. BLOCKs are those of the host. Prints the
findings as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from timbre.export.verify import level_dbfs, measured_delay, snr_db
from timbre.playing.neutone import NeutonePlayer, load_neutone

# Of what is not played at all of them.
BLOCK = 512


def feed(player: NeutonePlayer, audio: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """What comes out for audio [channels, samples] from here on; silence fills its last block."""
    samples = audio.shape[1]
    filled = np.pad(audio, ((0, 0), (0, -samples % block)))
    pieces = [player.process(filled[:, at : at + block]) for at in range(0, samples, block)]
    return np.concatenate(pieces, axis=1)[:, :samples]


def play_late(player: NeutonePlayer, audio: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """What comes out in a new stream until all of a sound has come, late by `delay_samples`."""
    player.set_block(block)
    return feed(player, np.pad(audio, ((0, 0), (0, player.delay_samples))), block)


def examine(path: str, reference: dict[str, np.ndarray], blocks: list[int]) -> dict:
    """All findings about a file."""
    torch.set_num_threads(1)
    audio, offline, short = reference["audio"], reference["offline"], reference["short"]
    player = load_neutone(Path(path), Path(path).read_bytes())
    channels, rate, tail = player.channels, player.sample_rate_hz, int(reference["tail"])
    player.set_block(BLOCK)
    first = feed(player, short)
    feed(player, audio[:, : rate // 2 // BLOCK * BLOCK])  # a state that reset has to forget
    player.reset()
    again = feed(player, short)
    snrs, delays, measured = {}, {}, {}
    for block in blocks:
        late, delay = play_late(player, audio, block), player.delay_samples
        snrs[str(block)], delays[str(block)] = snr_db(offline, late[:, delay:]), delay
        measured[str(block)] = measured_delay(offline, late, 4 * delay + 4096)
    knobs = {}
    for number, (name, known) in enumerate(player.controls.items(), start=1):
        player.set_control(name, float(reference[f"p{number}_knob"]))
        late = play_late(player, short)
        knobs[f"p{number}"] = snr_db(reference[f"p{number}"], late[:, player.delay_samples :])
        player.set_control(name, known.default)
    silence = np.zeros((channels, rate + rate // 2 + tail), dtype=np.float32)
    player.reset()
    fresh_silence = feed(player, silence[:, : rate // 2])
    feed(player, short)
    after_sound = feed(player, silence)
    square = np.sign(np.sin(2 * np.pi * 110.0 * np.arange(rate // 4) / rate))
    extremes = {
        "full-scale square wave": square,
        "direct current": np.ones_like(square),
        "not-a-number samples": np.full_like(square, np.nan),
        "infinite samples": np.full_like(square, np.inf),
        "denormal samples": np.full_like(square, 1e-40),
    }
    # One after the other without a reset, then a sound again.
    peaks = {name: float(np.abs(feed(player, np.tile(wave, (channels, 1)))).max()) for name, wave in extremes.items()}
    peaks["a sound after all that"] = float(np.abs(feed(player, short)).max())
    player.reset()
    return {
        "snr_db": snrs,
        "delay_samples": delays,
        "measured_delay_samples": measured,
        "model_delay_samples": int(player.module.calc_model_delay_samples()),
        "knob_snr_db": knobs,
        "first_run_equals_reset_run": bool(np.array_equal(first, again) and np.array_equal(first, feed(player, short))),
        "fresh_silence_dbfs": level_dbfs(fresh_silence),
        "silence_after_sound_dbfs": level_dbfs(after_sound[:, rate + tail :]),
        "peaks": {name: value if np.isfinite(value) else None for name, value in peaks.items()},
    }


def main() -> None:
    """Examine FILE."""
    with np.load(sys.argv[2]) as reference:
        signals = dict(reference)
    print(json.dumps(examine(sys.argv[1], signals, [int(block) for block in sys.argv[3:]])))


if __name__ == "__main__":
    main()
