"""Judge model.nm as the plug-in meets it: `python -m timbre.export.neutone.verify FILE REFERENCE BLOCK [BLOCK ...]`.

A process of its own that knows nothing but torch and the file, not the SDK either. REFERENCE (npz) holds an input
`audio` [channels, samples], what the network makes of it offline, a `short` input and what the network makes of that
with each knob at an end, the knobs' positions there, the tail of the network and the sample rate. BLOCKs are
those of the host, which is stereo. Prints the findings as JSON.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch

from timbre.export.verify import level_dbfs, measured_delay, snr_db

# Of what is not played at all of them.
BLOCK = 512


class Host:
    """The plug-in in a stereo host: the file, its rate, its knobs at their defaults."""

    def __init__(self, path: str, rate: int) -> None:
        self.model = torch.jit.load(path)
        self.rate, self.block = rate, BLOCK
        self.knobs = self.model.get_default_param_values().clone()

    def start(self, block: int) -> None:
        """Begin anew with blocks of so many samples."""
        self.block = block
        self.model.set_daw_sample_rate_and_buffer_size(self.rate, block)
        self.model.reset()

    @property
    def delay(self) -> int:
        """What the plug-in reports to the host."""
        return self.model.calc_buffering_delay_samples() + self.model.calc_model_delay_samples()

    @torch.no_grad()
    def play(self, audio: np.ndarray) -> np.ndarray:
        """What comes out for audio [channels, samples] from here on, in whole blocks; [2, samples]."""
        samples = audio.shape[1]
        stereo = torch.from_numpy(np.pad(both(audio), ((0, 0), (0, -samples % self.block))))
        params = self.knobs.expand(-1, self.block).contiguous()
        # What comes back is a buffer of the file's.
        blocks = [self.model(x, params).clone() for x in stereo.split(self.block, dim=1)]
        return torch.cat(blocks, dim=1)[:, :samples].numpy()

    def play_late(self, audio: np.ndarray) -> np.ndarray:
        """What comes out from the beginning on until all of a sound has come, late by `delay`."""
        self.model.reset()
        return self.play(np.pad(audio, ((0, 0), (0, self.delay))))


def both(audio: np.ndarray) -> np.ndarray:
    """Audio [1 or 2, samples] for two sides."""
    return audio if len(audio) == 2 else np.repeat(audio, 2, axis=0)


def examine(path: str, reference: dict[str, np.ndarray], blocks: list[int]) -> dict:
    """All findings about a file."""
    torch.set_num_threads(1)
    audio, offline, short = reference["audio"], both(reference["offline"]), reference["short"]
    tail, rate = int(reference["tail"]), int(reference["rate"])
    host = Host(path, rate)
    host.start(BLOCK)
    first = host.play(short)
    host.play(audio[:, : rate // 2 // BLOCK * BLOCK])  # a state that reset has to forget
    host.model.reset()
    again = host.play(short)
    snrs, delays, measured = {}, {}, {}
    for block in blocks:
        host.start(block)
        late, delay = host.play_late(audio), host.delay
        snrs[str(block)], delays[str(block)] = snr_db(offline, late[:, delay:]), delay
        measured[str(block)] = measured_delay(offline, late, 4 * delay + 4096)
    host.start(BLOCK)
    knobs = {}
    for index in range(4):
        host.knobs = host.model.get_default_param_values().clone()
        host.knobs[index] = float(reference[f"p{index + 1}_knob"])
        wanted = both(reference[f"p{index + 1}"])
        knobs[f"p{index + 1}"] = snr_db(wanted, host.play_late(short)[:, host.delay :])
    host.knobs = host.model.get_default_param_values().clone()
    silence = np.zeros((1, 2 * rate + tail), dtype=np.float32)
    host.model.reset()
    fresh_silence = host.play(silence[:, :rate])
    host.play(short)
    after_sound = host.play(silence)
    square = np.sign(np.sin(2 * np.pi * 110.0 * np.arange(rate // 2) / rate)).astype(np.float32)
    extremes = {
        "full-scale square wave": square,
        "direct current": np.ones_like(square),
        "not-a-number samples": np.full_like(square, np.nan),
        "infinite samples": np.full_like(square, np.inf),
        "denormal samples": np.full_like(square, 1e-40),
    }
    # One after the other without a reset, then a sound again.
    peaks = {name: float(np.abs(host.play(signal[None])).max()) for name, signal in extremes.items()}
    peaks["sound after all that"] = float(np.abs(host.play(short)).max())
    host.model.reset()
    return {
        "snr_db": snrs,
        "delay_samples": delays,
        "measured_delay_samples": measured,
        "model_delay_samples": host.model.calc_model_delay_samples(),
        "knob_snr_db": knobs,
        "first_run_equals_reset_run": bool(np.array_equal(first, again) and np.array_equal(first, host.play(short))),
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
