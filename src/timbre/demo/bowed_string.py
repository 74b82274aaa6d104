"""A bowed string: two delay lines that meet at the bow, many strings advanced side by side.

The string is a digital waveguide (Smith 1986, "Efficient simulation of the reed-bore and bow-string
mechanisms"; McIntyre, Schumacher and Woodhouse 1983, "On the oscillations of musical instruments"): waves of
velocity leave the bow towards bridge and nut, come back inverted and weaker, and meet friction again.
"""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

SAMPLE_RATE_HZ = 48_000
CONTROL_HOP_SAMPLES = 48
"""Controls are given once per millisecond and interpolated linearly in between."""

STATIC_FRICTION = 0.8
DYNAMIC_FRICTION = 0.3
FRICTION_KNEE = 0.15
"""Slip velocity, in units of the bow velocity, at which friction lies midway between static and dynamic."""

CORNER_ROUNDING = 0.011
"""Spread of a wave at each end, a standard deviation in periods (Cremer 1984, "The Physics of the Violin").

Without it a low string soon slips more than once per period.
"""
MINIMUM_SPREAD_SAMPLES = 0.65
CURVES = ("f0_hz", "bow_velocity", "bow_force", "bow_position", "ring_seconds")
BLOCK_SAMPLES = 480
HOLD_SAMPLES = 4
LONGEST_DELAY_SAMPLES = 300
TAPS = 16
MINIMUM_DELAY_SAMPLES = 3.0


@dataclass
class StringControls:
    """What the hands do over time; every field is an array of shape (control points,)."""

    f0_hz: np.ndarray
    bow_velocity: np.ndarray
    bow_force: np.ndarray
    """In units of twice the string's wave impedance."""
    bow_position: np.ndarray
    """Distance from the bridge as a part of the string's sounding length."""
    ring_seconds: np.ndarray
    """Time in which the string, left alone, falls by 60 dB."""


def bow_strings(
    controls: list[StringControls], seeds: list[np.random.SeedSequence], bar: tqdm | None = None
) -> list[np.ndarray]:
    """Return the velocity waves that arrive at the bridge: one array of shape (samples,) per string.

    A string's result depends on its own controls and seed only, never on its neighbours. ``bar`` is advanced
    by the seconds of sound made, all strings added up.
    """
    string_count = len(controls)
    points = max(len(c.f0_hz) for c in controls)
    blocks = -(-(points - 1) * CONTROL_HOP_SAMPLES // BLOCK_SAMPLES)
    points = blocks * BLOCK_SAMPLES // CONTROL_HOP_SAMPLES + 1
    curves = {name: np.stack([_extend(getattr(c, name), points) for c in controls], axis=1) for name in CURVES}
    noise = FrictionNoise(seeds)
    history = LONGEST_DELAY_SAMPLES + TAPS
    lines = np.zeros((history + BLOCK_SAMPLES, 2, string_count))
    bridge = np.empty((blocks * BLOCK_SAMPLES, string_count))
    lengths = np.array([(len(c.f0_hz) - 1) * CONTROL_HOP_SAMPLES for c in controls])
    for block in range(blocks):
        start = block * BLOCK_SAMPLES
        now = {name: _interpolate(curve, start) for name, curve in curves.items()}
        force = now["bow_force"] * (1.0 + noise.next_block())
        held = {name: now[name][::HOLD_SAMPLES] for name in ("f0_hz", "bow_position", "ring_seconds")}
        delays, weights = _end_reflections(**held)
        _advance(lines, history, delays, weights, now["bow_velocity"], force)
        bridge[start : start + BLOCK_SAMPLES] = lines[history:, 0]
        lines[:history] = lines[BLOCK_SAMPLES:].copy()
        if bar is not None:
            bar.update(float(np.clip(lengths - start, 0, BLOCK_SAMPLES).sum()) / SAMPLE_RATE_HZ)
    return [bridge[:length, string] for string, length in enumerate(lengths)]


class FrictionNoise:
    """Rosin is rough: relative fluctuation of the friction force, shape (block, strings) per call."""

    LEVEL = 0.08

    def __init__(self, seeds: list[np.random.SeedSequence]):
        self.generators = [np.random.default_rng(seed) for seed in seeds]

    def next_block(self) -> np.ndarray:
        """The fluctuation over the next block of every string."""
        return self.LEVEL * np.stack([g.uniform(-1, 1, BLOCK_SAMPLES) for g in self.generators], axis=1)


def _extend(curve: np.ndarray, points: int) -> np.ndarray:
    return np.concatenate([curve, np.full(points - len(curve), curve[-1])])


def _interpolate(curve: np.ndarray, start_samples: int) -> np.ndarray:
    first = start_samples // CONTROL_HOP_SAMPLES
    knots = curve[first : first + BLOCK_SAMPLES // CONTROL_HOP_SAMPLES + 1]
    fraction = (np.arange(CONTROL_HOP_SAMPLES) / CONTROL_HOP_SAMPLES)[None, :, None]
    return (knots[:-1, None] + fraction * (knots[1:] - knots[:-1])[:, None]).reshape(BLOCK_SAMPLES, -1)


def _end_reflections(f0_hz: np.ndarray, bow_position: np.ndarray, ring_seconds: np.ndarray):
    """Which delays each end mixes into what it sends back, and how much: two of (holds, taps, 2 * strings).

    The weights are a normal density around the exact delay: corner rounding and fractional delay (Jaffe and
    Smith 1983, "Extensions of the Karplus-Strong plucked-string algorithm") in one symmetric, hence
    linear-phase, filter, so that all partials of a string stay in tune.
    """
    period = SAMPLE_RATE_HZ / f0_hz
    to_bridge = np.maximum(bow_position * period, MINIMUM_DELAY_SAMPLES)
    delay = np.concatenate([to_bridge, period - to_bridge], axis=1)[:, None]
    spread = np.maximum(CORNER_ROUNDING * period, MINIMUM_SPREAD_SAMPLES)
    spread = np.minimum(np.concatenate([spread, spread], axis=1)[:, None], (delay - 1) / 2.6)
    first = np.maximum(np.floor(delay).astype(np.int64) - TAPS // 2 + 1, 1)
    delays = first + np.arange(TAPS)[:, None]
    weights = np.exp(-0.5 * ((delays - delay) / spread) ** 2)
    loss = 10 ** (-1.5 / (ring_seconds * f0_hz))
    weights *= -np.concatenate([loss, loss], axis=1)[:, None] / weights.sum(axis=1, keepdims=True)
    return delays, weights


def _advance(lines, first_row, delays, weights, bow_velocity, force) -> None:
    """Run one block: Friedlander's construction at every sample, friction falling hyperbolically with slip.

    Friedlander 1953, "On the oscillations of the bowed string". The force is in units of twice the string's
    wave impedance, so friction is the change of velocity. The string sticks whenever static friction can hold
    it; otherwise friction's slipping branch meets the string's load line at the larger root of a quadratic.
    """
    strings = lines.shape[2]
    flat = lines.reshape(-1)
    static = STATIC_FRICTION * force
    offset = FRICTION_KNEE - DYNAMIC_FRICTION * force
    discriminant = 4 * FRICTION_KNEE * (STATIC_FRICTION - DYNAMIC_FRICTION) * force
    taps = np.empty((TAPS, 2 * strings))
    incoming = np.empty(2 * strings)
    from_bridge, from_nut = incoming[:strings], incoming[strings:]
    need, size, load, root = (np.empty(strings) for _ in range(4))
    slips = np.empty(strings, dtype=bool)
    read = np.empty((TAPS, 2 * strings), dtype=np.int64)
    places = (first_row - delays) * (2 * strings) + np.arange(2 * strings)
    steps = zip(bow_velocity, static, offset, discriminant, lines[first_row:], strict=True)
    for step, (velocity, static_now, offset_now, discriminant_now, line) in enumerate(steps):
        weight = weights[step // HOLD_SAMPLES]
        np.add(places[step // HOLD_SAMPLES], step * 2 * strings, out=read)
        flat.take(read, out=taps, mode="wrap")
        np.multiply(taps, weight, out=taps)
        np.add.reduce(taps, axis=0, out=incoming)
        np.add(from_bridge, from_nut, out=need)
        np.subtract(velocity, need, out=need)
        np.abs(need, out=size)
        np.add(size, offset_now, out=load)
        np.multiply(load, load, out=root)
        np.subtract(root, discriminant_now, out=root)
        np.maximum(root, 0.0, out=root)
        np.sqrt(root, out=root)
        np.add(root, load, out=root)
        np.multiply(root, -0.5, out=root)
        np.add(root, size, out=root)
        np.add(root, FRICTION_KNEE, out=root)
        np.greater(size, static_now, out=slips)
        np.copyto(size, root, where=slips)
        np.copysign(size, need, out=size)
        np.add(from_nut, size, out=line[0])
        np.add(from_bridge, size, out=line[1])
