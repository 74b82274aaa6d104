"""The proof that an exported TorchScript file does what it says."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from timbre.errors import UserError
from timbre.export.make import run_module
from timbre.models.control import default_settings, neutral_settings
from timbre.params import Export

# Level that silence must stay under, and that a sound must have fallen to a second after its end and its reverb.
SILENCE_DBFS = -80.0


def prove(path: Path, network: nn.Module, limits: Export) -> dict:
    """Have `timbre.export.verify` examine an exported TorchScript file. Raises: UserError as `kept` does."""
    audio = test_signal(network.sample_rate, network.channels)
    reference = {
        "audio": audio,
        "offline": offline(network, audio, default_settings(network.controls)),
        "offline_neutral": offline(network, audio, neutral_settings(network.controls)),
        "control_names": np.array([control.name for control in network.controls]),
        "neutral": neutral_settings(network.controls).numpy(),
        "delay": np.array(network.delay),
        "tail": np.array(network.tail_samples),
    }
    blocks = [str(block) for block in limits.check_blocks_samples]
    found = judged("timbre.export.verify", path, reference, blocks)
    return kept(path, found, broken_promises(found, network.delay, limits.min_snr_db))


def judged(module: str, path: Path, reference: dict[str, np.ndarray], arguments: Sequence[str] = ()) -> dict:
    """What a new process finds about a file: `python -m MODULE FILE REFERENCE [ARGUMENT ...]`, which prints JSON."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        stored = Path(scratch) / "reference.npz"
        np.savez(stored, **reference)
        return json.loads(run_module(module, str(path), str(stored), *arguments))


def kept(path: Path, findings: dict, faults: list[str]) -> dict:
    """The findings about a file without faults. Raises: UserError that lists every promise the file does not keep."""
    if faults:
        raise UserError(f"{path.name} does not keep its promises, so it is not written:\n  " + "\n  ".join(faults))
    return findings


@torch.no_grad()
def offline(network: nn.Module, audio: np.ndarray, settings: torch.Tensor) -> np.ndarray:
    """What a network makes of the whole of audio [channels, samples], with the given values of its controls."""
    network.settings = settings
    return network(torch.from_numpy(audio)[None])[0].numpy()


def broken_promises(findings: dict, delay: int, min_snr_db: float) -> list[str]:
    """One line for each thing that an exported file must do and does not."""
    faults = [
        f"blocks of {name}: streaming equals offline to {snr:.1f} dB of {min_snr_db:g} (export.min_snr_db)"
        for name, snr in findings["snr_db"].items()
        if snr < min_snr_db
    ]
    if not findings["first_run_equals_reset_run"]:
        faults.append("after reset() it does not play the bits of a freshly loaded file")
    if not findings["recovers_after_reset"]:
        faults.append("after samples that are no numbers, and reset(), it does not play as before")
    if not findings["illegal_block_told"]:
        faults.append("a block that is no multiple of its hop is not refused with the legal sizes")
    if findings["parts_snr_db"] < min_snr_db:
        faults.append(f"its two parts in turn equal the whole to {findings['parts_snr_db']:.1f} dB of {min_snr_db:g}")
    if findings["delay_samples"] != delay:
        faults.append(f"its delay is {findings['delay_samples']} samples, {delay} are reported")
    return faults + level_faults(findings)


def level_faults(findings: dict) -> list[str]:
    """One line for each sound at which a file of any kind comes out too loud, or with samples that are no numbers."""
    faults = []
    if findings["fresh_silence_dbfs"] > SILENCE_DBFS:
        faults.append(f"silence comes out at {findings['fresh_silence_dbfs']:.1f} dBFS")
    if findings["silence_after_sound_dbfs"] > SILENCE_DBFS:
        faults.append(f"a second after a sound's end it still plays at {findings['silence_after_sound_dbfs']:.1f} dBFS")
    return faults + [f"{name}: no numbers come out" for name, peak in findings["peaks"].items() if peak is None]


def test_signal(rate: int, channels: int = 1) -> np.ndarray:
    """Four seconds of what tries a model: a gliding tone, noise, a pause, clicks. [channels, samples] float32.

    The channels differ in the tone's phase and in the noise, so that swapped ones are found.
    """
    return np.stack([_test_channel(rate, channel) for channel in range(channels)])


def _test_channel(rate: int, channel: int) -> np.ndarray:
    seconds = np.arange(4 * rate) / rate
    pitch_hz = 220.0 * 2.0 ** (seconds / 2.0) * (1.0 + 0.01 * np.sin(2 * np.pi * 5.5 * seconds))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate + channel
    tone = sum(np.sin(number * phase) / number for number in range(1, 9))
    noise = np.random.default_rng(channel).standard_normal(len(seconds))
    audio = 0.15 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * seconds)) + 0.02 * noise * (seconds > 2.0)
    audio[(seconds > 1.5) & (seconds < 1.8)] = 0.0
    audio[:: rate // 2] += 0.3
    return audio.astype(np.float32)
