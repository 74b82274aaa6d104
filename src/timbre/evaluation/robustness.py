"""What a model does with sounds that no musician plays: it must stay finite and bounded and fall silent after them."""

from __future__ import annotations

import numpy as np
import scipy.signal

from timbre.errors import UserError
from timbre.evaluation.levels import level_dbfs
from timbre.playing.player import Player
from timbre.playing.render import render

SIGNAL_SECONDS = 2.0
# After the signal's end, and the model's own tail: so long to die away, then so long measured.
WAIT_SECONDS = 1.0
MEASURED_SECONDS = 1.0
SQUARE_HZ = 110.0
SWEEP_HZ = (20.0, 20000.0)
# Level under which it counts as silent, as in the proof of the export.
SILENT_DBFS = -80.0


def robustness(player: Player, block_samples: int, tail_samples: int) -> dict[str, float | int | None]:
    """How a model with its controls as they start takes silence and three full-scale signals of 2 s.

    tail_samples: how long the model says that it rings on. Returns, each level in dBFS from -120 up:
    silence_floor_dbfs: RMS of what comes of digital silence from a fresh state on. Of square (a wave of 110 Hz), dc (a
    constant) and sweep (20 Hz to 20 kHz or nearly half the rate, each octave as long): <signal>_peak_dbfs, the highest
    sample (over 0 it clips in files), and <signal>_after_dbfs, RMS a second after signal and tail have ended; None
    where what comes out is no number. finite: 1 where all is numbers. returns_to_silence: 1 where all levels after are
    under -80 dBFS.
    """
    rate = player.sample_rate_hz
    measured, wait = round(MEASURED_SECONDS * rate), round(WAIT_SECONDS * rate) + tail_samples
    silence = render(player, np.zeros((player.channels, wait + measured), np.float32), block_samples)
    found: dict[str, float | int | None] = {"silence_floor_dbfs": level_dbfs(silence)}
    afters = []
    for name, signal in probe_signals(rate).items():
        fed = np.pad(np.tile(signal, (player.channels, 1)), ((0, 0), (0, wait + measured)))
        try:
            output = render(player, fed, block_samples)
        except UserError:  # not a number
            found |= {f"{name}_peak_dbfs": None, f"{name}_after_dbfs": None}
            continue
        afters.append(level_dbfs(output[:, -measured:]))
        found |= {f"{name}_peak_dbfs": _peak_dbfs(output), f"{name}_after_dbfs": afters[-1]}
    finite = len(afters) == len(probe_signals(rate))
    silent = finite and max([*afters, found["silence_floor_dbfs"]]) < SILENT_DBFS
    return found | {"finite": int(finite), "returns_to_silence": int(silent)}


def probe_signals(rate_hz: int) -> dict[str, np.ndarray]:
    """The full-scale signals by name, [samples] float32."""
    seconds = np.arange(round(SIGNAL_SECONDS * rate_hz)) / rate_hz
    top = min(SWEEP_HZ[1], 0.45 * rate_hz)
    signals = {
        "square": scipy.signal.square(2 * np.pi * SQUARE_HZ * seconds),
        "dc": np.ones(len(seconds)),
        "sweep": scipy.signal.chirp(seconds, SWEEP_HZ[0], SIGNAL_SECONDS, top, method="logarithmic", phi=-90),
    }
    return {name: signal.astype(np.float32) for name, signal in signals.items()}


def _peak_dbfs(audio: np.ndarray) -> float:
    return float(20.0 * np.log10(max(float(np.abs(audio).max(initial=0.0)), 1e-6)))
