"""Pitch by the normalised square difference function (McLeod & Wyvill 2005, "A smarter way to find pitch")."""

import torch
from torch import Tensor

# Of the key maxima the first that reaches this share of the highest is the period; the others are its multiples.
FIRST_PEAK_SHARE = 0.9
# Mean square of a window (full scale is 1) under which there is nothing to take a pitch of: -100 dBFS.
SILENT_POWER = 1e-10


def clarity_of_lags(frames: Tensor, lags: int) -> Tensor:
    """The NSDF n(lag) = 2 r(lag) / m(lag) of McLeod & Wyvill, eq. 9, in [-1, 1].

    frames: [..., window]. Returns: [..., lags] float64, for lags 0 to `lags` - 1.
    """
    window = frames.shape[-1]
    # Double precision: a tie between two lags must fall the same way in a batch of frames and in a single one.
    x = frames.to(torch.float64)
    x = x - x.mean(dim=-1, keepdim=True)
    spectrum = torch.fft.rfft(x, n=2 * window)
    correlation = torch.fft.irfft(spectrum.real.square() + spectrum.imag.square(), n=2 * window)[..., :lags]
    energy = torch.cumsum(x.square(), dim=-1)
    total = energy[..., -1:]
    # m(lag) = sum of x[j]^2 + x[j + lag]^2 over the window less lag samples: the energies of its head and tail.
    head = energy[..., window - lags :].flip(-1)
    tail = total - torch.cat([torch.zeros_like(total), energy[..., : lags - 1]], dim=-1)
    return 2.0 * correlation / (head + tail).clamp(min=1e-12)


def track_pitch(
    frames: Tensor,
    sample_rate: float,
    f0_min_hz: float,
    f0_max_hz: float,
    first_peak_share: float = FIRST_PEAK_SHARE,
    silent_power: float = SILENT_POWER,
) -> tuple[Tensor, Tensor]:
    """Pitch and its clarity, frame by frame, without memory.

    frames: [batch, frames, window].
    Returns: f0 in Hz and clarity in [0, 1], both [batch, frames] float32. Where nothing repeats (silence, DC, a
    window without a maximum) clarity is 0 and f0 is `f0_min_hz`, so that both are finite whatever comes in.
    """
    shortest = max(2, int(sample_rate / f0_max_hz))
    longest = min(frames.shape[-1] // 2, int(sample_rate / f0_min_hz) + 1)
    nsdf = clarity_of_lags(frames, longest + 2)
    middle, before, after = nsdf[..., 1:-1], nsdf[..., :-2], nsdf[..., 2:]
    lag = torch.arange(1, longest + 1, device=frames.device)
    # The slope at lag 0 is not a period: only what follows the first dip below zero counts (key maxima, section 5).
    past_dip = torch.cummax((middle < 0.0).to(torch.int64), dim=-1)[0] > 0
    is_peak = (middle > before) & (middle >= after) & (middle > 0.0) & past_dip & (lag >= shortest)
    heights = torch.where(is_peak, middle, torch.zeros_like(middle))
    highest = heights.max(dim=-1, keepdim=True)[0]
    chosen = (is_peak & (heights >= first_peak_share * highest)).to(torch.int64).argmax(dim=-1, keepdim=True)
    left, top, right = before.gather(-1, chosen), middle.gather(-1, chosen), after.gather(-1, chosen)
    # Parabola through the three points about the maximum.
    curvature = (left - 2.0 * top + right).clamp(max=-1e-12)
    offset = (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    period = (chosen + 1).to(torch.float64) + offset
    clarity = (top - 0.25 * (left - right) * offset).clamp(0.0, 1.0)
    found = (highest > 0.0) & (frames.square().mean(dim=-1, keepdim=True) > silent_power)
    f0_hz = torch.where(found, (sample_rate / period).clamp(f0_min_hz, f0_max_hz), torch.full_like(period, f0_min_hz))
    clarity = torch.where(found, clarity, torch.zeros_like(clarity))
    return f0_hz.squeeze(-1).to(torch.float32), clarity.squeeze(-1).to(torch.float32)


def gate_pitch(
    f0_hz: Tensor, clarity: Tensor, voiced_on: float, voiced_off: float, last_f0_hz: Tensor, last_voiced: Tensor
) -> tuple[Tensor, Tensor]:
    """Hysteresis on clarity, and the pitch of the last voiced frame held through what is not voiced.

    f0_hz, clarity: [batch, frames]; last_f0_hz, last_voiced: [batch, 1], as the frame before them had it.
    Returns: held f0 in Hz, voiced (0 or 1), both [batch, frames]. A frame is voiced from clarity `voiced_on` on,
    unvoiced under `voiced_off`, and as the one before it in between.
    """
    # Two values are put in front to stand for the past, so that one running maximum of indices serves as memory.
    steps = torch.arange(clarity.shape[1] + 1, device=clarity.device).expand(clarity.shape[0], -1)
    on = torch.cat([last_voiced > 0.5, clarity >= voiced_on], dim=1)
    decided = torch.cat(
        [torch.ones_like(last_voiced, dtype=torch.bool), (clarity >= voiced_on) | (clarity < voiced_off)], 1
    )
    decision = torch.cummax(torch.where(decided, steps, torch.zeros_like(steps)), dim=1)[0]
    voiced = on.gather(1, decision)
    pitch = torch.cat([last_f0_hz, f0_hz], dim=1)
    held_from = torch.cummax(torch.where(voiced, steps, torch.zeros_like(steps)), dim=1)[0]
    return pitch.gather(1, held_from)[:, 1:], voiced[:, 1:].to(torch.float32)
