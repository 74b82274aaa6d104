"""What figures are read against: what is heard in place of the model's output.

identity: the input itself. untrained: the model before its first step. silence. target: another held-out recording of
the target, which has its timbre and none of the input's notes. mel_inversion: the original by its mel bands alone.
unadapted: the model with every control neutral.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torchaudio.functional import griffinlim

from timbre.evaluation.metrics.spectra import MEL_BANDS, frame_sizes, mel_filters, pieces

FITTING_STEPS = 10
GRIFFIN_LIM_STEPS = 8


def untrained_render(module: nn.Module, audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """What an offline, aligned model makes of audio [channels, samples], in pieces of 10 s; the same shape."""
    output = np.zeros(audio.shape, dtype=np.float32)
    with torch.no_grad():
        for start, end in pieces(audio.shape[1], rate_hz):
            given = module(torch.from_numpy(np.ascontiguousarray(audio[:, start:end]))[None])[0].numpy()
            output[:, start : start + given.shape[1]] = given[:, : end - start]
    return output


def mel_inversion(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Audio [samples] with nothing known of it but the levels of 80 mel bands: the same length.

    The spectrum is the non-negative one that fits the bands (10 multiplicative steps from the least-squares solution;
    Lee and Seung 2001, "Algorithms for non-negative matrix factorization"), its phases are found from random ones, the
    same every time (Griffin and Lim 1984, as torchaudio has it).
    """
    size, hop = frame_sizes(rate_hz)
    if len(audio) <= size:
        return np.zeros_like(audio)
    to_mel, window = mel_filters(size, rate_hz, MEL_BANDS), torch.hann_window(size)
    output = np.zeros(len(audio), dtype=np.float32)
    for start, end in pieces(len(audio), rate_hz):
        heard = torch.from_numpy(np.ascontiguousarray(audio[start:end]))
        spectrum = torch.stft(heard, size, hop, window=window, pad_mode="constant", return_complex=True)
        power = _fitted(to_mel, to_mel.T @ spectrum.abs().square())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found = griffinlim(power, window, size, hop, size, 2.0, GRIFFIN_LIM_STEPS, 0.99, end - start, True)
        output[start:end] = found.numpy()
    return output


def _fitted(to_mel: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    """The non-negative powers [bins, frames] whose bands come near `mel` [bands, frames]. to_mel: [bins, bands]."""
    power = (torch.linalg.pinv(to_mel.T) @ mel).clamp(min=1e-12)
    wanted = to_mel @ mel
    for _ in range(FITTING_STEPS):
        power = power * wanted / (to_mel @ (to_mel.T @ power)).clamp(min=1e-20)
    return power
