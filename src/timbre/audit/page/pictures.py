"""What shows a finding: one function for each kind of picture, named by `FileCheck.picture` and `SetCheck.picture`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from timbre.audio.channels import to_mono
from timbre.audit.page.svg import WIDE, Picture
from timbre.audit.recordings import Recordings

LEVEL_SECONDS = 0.05
LOWEST_DBFS = -96.0
SERIES = 6
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Stretch:
    """A part of a recording around the place in question.

    samples: [samples, channels]. start_seconds: where it starts in the recording. at_seconds: the place, in the
    recording. row: the recording's row of the table. other: of a pair, the same stretch of the other recording.
    """

    samples: np.ndarray
    rate_hz: int
    start_seconds: float
    at_seconds: float
    row: dict
    other: np.ndarray | None = None

    @property
    def mono(self) -> np.ndarray:
        """What a mono model learns from, [samples]."""
        return to_mono(self.samples, self.row["channel_plan"])

    def cut(self, samples: np.ndarray, seconds: float, before: float) -> tuple[np.ndarray, float]:
        """So many seconds of samples [samples, ...], `before` of them ahead of the place; where they start."""
        length = min(len(samples), max(2, round(seconds * self.rate_hz)))
        first = round((self.at_seconds - self.start_seconds - before) * self.rate_hz)
        first = int(np.clip(first, 0, len(samples) - length))
        return samples[first : first + length], self.start_seconds + first / self.rate_hz


def waveform(stretch: Stretch, recordings: Recordings) -> str:
    """8 ms of the loudest channel, with what is stuck at the top marked."""
    loudest = stretch.samples[:, int(np.argmax(np.abs(stretch.samples).max(axis=0)))]
    part, start = stretch.cut(loudest, 0.008, 0.004)
    top = float(np.abs(part).max()) or 1.0
    picture = _wave_axes(f"Waveform at {stretch.at_seconds:.2f} s", part, start, stretch.rate_hz)
    picture.wave(start, 1.0 / stretch.rate_hz, part)
    flat = np.abs(part) >= 0.999 * top
    runs = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    for first, last in zip(runs[::2], runs[1::2], strict=True):
        if last - first >= 3:
            at = start + np.arange(first, last) / stretch.rate_hz
            picture.curve(at, part[first:last], "stuck")
    return picture.text()


def click(stretch: Stretch, recordings: Recordings) -> str:
    """15 ms around it."""
    part, start = stretch.cut(stretch.mono, 0.015, 0.0075)
    picture = _wave_axes(f"Waveform at {stretch.at_seconds:.2f} s", part, start, stretch.rate_hz)
    picture.mark(stretch.at_seconds)
    picture.wave(start, 1.0 / stretch.rate_hz, part)
    return picture.text()


def offset(stretch: Stretch, recordings: Recordings) -> str:
    """A tenth of a second, and its middle."""
    part, start = stretch.cut(stretch.mono, 0.1, 0.05)
    picture = _wave_axes(f"Waveform at {stretch.at_seconds:.2f} s and its middle", part, start, stretch.rate_hz)
    picture.wave(start, 1.0 / stretch.rate_hz, part)
    middle = 10.0 ** (stretch.row["dc_offset_dbfs"] / 20.0) * (1.0 if part.mean() >= 0.0 else -1.0)
    picture.level_line(middle, "its middle", "edge")
    return picture.text()


def slow(stretch: Stretch, recordings: Recordings) -> str:
    """Three seconds, and how their middle wanders."""
    part, start = stretch.cut(stretch.mono, 3.0, 1.5)
    width = max(1, stretch.rate_hz // 10)
    middle = uniform_filter1d(uniform_filter1d(part.astype(np.float64), width), width)
    picture = _wave_axes(f"Waveform from {start:.1f} s, with what lies under 10 Hz", part, start, stretch.rate_hz)
    picture.wave(start, 1.0 / stretch.rate_hz, part)
    step = max(1, len(part) // 300)
    picture.curve(start + np.arange(0, len(part), step) / stretch.rate_hz, middle[::step], "stuck")
    return picture.text()


def level(stretch: Stretch, recordings: Recordings) -> str:
    """How the level goes over the seconds around the place, with the noise floor where there is one."""
    times, levels = _levels(stretch.mono, stretch.rate_hz, stretch.start_seconds)
    picture = Picture(f"Level around {stretch.at_seconds:.1f} s", _range(times), (LOWEST_DBFS, 0.0))
    picture.ticks_y([(0.0, "0 dB"), (-30.0, f"{MINUS}30"), (-60.0, f"{MINUS}60"), (-90.0, f"{MINUS}90")])
    picture.ticks_x(_time_ticks(*picture.x))
    picture.curve(times, levels)
    floor = stretch.row["noise_floor_dbfs"]
    if np.isfinite(floor):
        picture.level_line(floor, f"noise {_signed(floor, 0)} dBFS")
    return picture.text()


def spectrum(stretch: Stretch, recordings: Recordings) -> str:
    """The average spectrum up to half the model's rate, and where it ends."""
    row, half = stretch.row, recordings.params.data.sample_rate / 2.0
    hertz, power = _spectrum(stretch.mono, stretch.rate_hz, 4096)
    end = row["bandwidth_hz"] if np.isfinite(row["bandwidth_hz"]) else stretch.rate_hz / 2.0
    picture = Picture(f"Average spectrum, up to {end / 1000:.1f} kHz", (0.0, half), (-120.0, 0.0))
    picture.ticks_y([(0.0, "0 dB"), (-40.0, f"{MINUS}40"), (-80.0, f"{MINUS}80")])
    picture.ticks_x([(kilohertz * 1000.0, f"{kilohertz:g} kHz") for kilohertz in _steps(half / 1000.0)])
    if end < half:
        picture.shade(end, half)
        picture.mark(end, f"{end / 1000:.1f} kHz")
    shown = hertz <= half
    picture.curve(hertz[shown], power[shown])
    return picture.text()


def tones(stretch: Stretch, recordings: Recordings) -> str:
    """The average spectrum where notes lie."""
    hertz, power = _spectrum(stretch.mono, stretch.rate_hz, 8192)
    top = min(4000.0, stretch.rate_hz / 2.0)
    picture = Picture(f"Average spectrum up to {top / 1000:g} kHz", (0.0, top), (-100.0, 0.0))
    picture.ticks_y([(0.0, "0 dB"), (-40.0, f"{MINUS}40"), (-80.0, f"{MINUS}80")])
    picture.ticks_x([(kilohertz * 1000.0, f"{kilohertz:g} kHz") for kilohertz in _steps(top / 1000.0)])
    picture.curve(hertz[hertz <= top], power[hertz <= top])
    return picture.text()


def hum(stretch: Stretch, recordings: Recordings) -> str:
    """The lowest 500 Hz, with the multiples of the mains marked."""
    mains = stretch.row["hum_hz"]
    part, _ = stretch.cut(stretch.mono, 4.0, 1.0)
    hertz, power = _spectrum(part, stretch.rate_hz, stretch.rate_hz)
    shown = (hertz >= 20.0) & (hertz <= 500.0)
    picture = Picture(f"Spectrum up to 500 Hz, multiples of {mains:.0f} Hz marked", (20.0, 500.0), (-100.0, 0.0))
    picture.ticks_y([(0.0, "0 dB"), (-40.0, f"{MINUS}40"), (-80.0, f"{MINUS}80")])
    if np.isfinite(mains):
        for number in range(1, int(500.0 / mains) + 1):
            picture.mark(number * mains, f"{mains:.0f} Hz" if number == 1 else "")
    picture.ticks_x([(value, f"{value:g} Hz") for value in (100.0, 200.0, 300.0, 400.0)])
    picture.curve(hertz[shown], power[shown])
    return picture.text()


def channels(stretch: Stretch, recordings: Recordings) -> str:
    """20 ms of the first two channels, one over the other."""
    part, start = stretch.cut(stretch.samples, 0.02, 0.01)
    top = 1.1 * float(np.abs(part).max()) or 1.0
    picture = Picture(
        f"Left and right at {stretch.at_seconds:.2f} s", (start, start + len(part) / stretch.rate_hz), (-3 * top, top)
    )
    picture.ticks_y([(0.0, "left"), (-2.0 * top, "right")])
    picture.ticks_x(_time_ticks(*picture.x))
    for number in range(min(2, part.shape[1])):
        picture.wave(start, 1.0 / stretch.rate_hz, part[:, number] - 2.0 * top * number, f"series{number + 1}")
    return picture.text()


def pair(stretch: Stretch, recordings: Recordings) -> str:
    """The levels of two recordings over what they have in common."""
    times, levels = _levels(stretch.mono, stretch.rate_hz, stretch.start_seconds)
    picture = Picture(f"Levels of both from {stretch.start_seconds:.1f} s on", _range(times), (LOWEST_DBFS, 12.0))
    picture.ticks_y([(0.0, "0 dB"), (-30.0, f"{MINUS}30"), (-60.0, f"{MINUS}60"), (-90.0, f"{MINUS}90")])
    picture.ticks_x(_time_ticks(*picture.x))
    picture.curve(times, levels, "series1")
    if stretch.other is not None:
        picture.curve(*_levels(stretch.other, stretch.rate_hz, stretch.start_seconds), "series2")
    picture.legend([("series1", "this file"), ("series2", "the other")])
    return picture.text()


def loudness(recordings: Recordings) -> str:
    """How many training recordings are how loud, by folder."""
    training = recordings.training
    folders = recordings.folders[training.index]
    if folders.nunique() > SERIES:
        # Of many folders within folders those at the top, which are the sessions more often than not.
        folders = folders.str.partition("/")[0]
    counts = folders.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    named = sorted(counts.index if len(counts) <= SERIES else counts.index[: SERIES - 1])
    values = training["loudness_lufs"].to_numpy(float)
    low, high = np.floor(values.min()) - 1.0, np.ceil(values.max()) + 1.0
    width = max(1.0, np.ceil((high - low) / 40.0))
    edges = np.arange(low, high + width, width)
    series = [np.histogram(values[folders == name], edges)[0] for name in named]
    rest = ~folders.isin(named)
    names = [(f"series{number + 1}", _short(name)) for number, name in enumerate(named)]
    if rest.any():
        series.append(np.histogram(values[rest], edges)[0])
        names.append((f"series{len(series)}", "others"))
    most = float(np.sum(series, axis=0).max())
    picture = Picture(
        "Loudness of the recordings by folder", (float(edges[0]), float(edges[-1])), (0.0, 1.3 * most), width=WIDE
    )
    picture.ticks_y([(0.0, "0"), (most, f"{most:.0f}")])
    picture.ticks_x([(value, f"{_signed(value, 0)} LUFS") for value in _tens(edges[0], edges[-1])])
    bottom = np.zeros(len(edges) - 1)
    for (kind, _), counted in zip(names, series, strict=True):
        for left, base, many in zip(edges, bottom, counted, strict=False):
            if many:
                picture.bar(left, left + width, base, base + many, kind)
        bottom += counted
    picture.legend(names)
    return picture.text()


def environments(recordings: Recordings) -> str:
    """The average spectra of the groups of recordings."""
    groups = [group for group in recordings.facts.environments if group["ltas_db"]][:SERIES]
    bands = np.asarray(recordings.facts.bands_hz, float)
    if not groups:
        return ""
    curves = [np.array(group["ltas_db"], dtype=float) for group in groups]
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in curves])
    low, high = float(np.floor(finite.min() / 10.0) * 10.0), float(np.ceil(finite.max() / 10.0) * 10.0) + 10.0
    picture = Picture("Average spectra of the groups", (bands[0], bands[-1]), (low, high), logarithmic=True, width=WIDE)
    picture.ticks_y([(value, f"{_signed(value, 0)} dB") for value in np.arange(low, high, 20.0)])
    ticks = [(100.0, "100 Hz"), (1000.0, "1 kHz"), (10000.0, "10 kHz")]
    picture.ticks_x([(value, told) for value, told in ticks if bands[0] < value < bands[-1]])
    for number, curve in enumerate(curves):
        picture.curve(bands, curve, f"series{number + 1}")
    picture.legend([(f"series{number + 1}", f"group {group['number']}") for number, group in enumerate(groups)])
    return picture.text()


OF_STRETCH: dict[str, Callable[[Stretch, Recordings], str]] = {
    "waveform": waveform, "click": click, "offset": offset, "slow": slow, "level": level, "spectrum": spectrum,
    "tones": tones, "hum": hum, "channels": channels, "pair": pair,
}  # fmt: skip
OF_SET: dict[str, Callable[[Recordings], str]] = {"loudness": loudness, "environments": environments}


def _wave_axes(label: str, part: np.ndarray, start: float, rate_hz: int) -> Picture:
    top = 1.15 * (float(np.abs(part).max()) or 1.0)
    picture = Picture(label, (start, start + len(part) / rate_hz), (-top, top))
    picture.ticks_y([(0.0, "0")])
    for full in (-1.0, 1.0):
        if top > 1.0:
            picture.level_line(full, "full scale" if full > 0 else "", "edge")
    picture.ticks_x(_time_ticks(*picture.x))
    return picture


def _levels(mono: np.ndarray, rate_hz: int, start_seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Times in seconds and RMS levels in dBFS of 50 ms frames."""
    length = max(1, min(len(mono), round(LEVEL_SECONDS * rate_hz)))
    frames = mono[: len(mono) // length * length].reshape(-1, length).astype(np.float64)
    levels = 10.0 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-12))
    return start_seconds + (np.arange(len(frames)) + 0.5) * length / rate_hz, levels


def _spectrum(mono: np.ndarray, rate_hz: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, and the mean power of Hann-windowed frames in dB under the strongest."""
    length = min(length, len(mono))
    frames = np.lib.stride_tricks.sliding_window_view(mono, length)[:: max(1, length // 2)]
    power = np.mean(np.abs(np.fft.rfft(frames * np.hanning(length), axis=1)) ** 2, axis=0)
    levels = 10.0 * np.log10(np.maximum(power, 1e-20))
    return np.fft.rfftfreq(length, 1.0 / rate_hz), levels - levels.max()


def _range(times: np.ndarray) -> tuple[float, float]:
    low, high = float(times[0]), float(times[-1])
    return low, high if high > low else low + LEVEL_SECONDS


def _time_ticks(start: float, end: float) -> list[tuple[float, str]]:
    """Three times in a stretch, with as many decimals as tell them apart."""
    digits = 3 if end - start < 0.5 else 1
    return [
        (start + share * (end - start), f"{start + share * (end - start):.{digits}f} s") for share in (0.12, 0.5, 0.88)
    ]


def _steps(top: float) -> list[float]:
    """Round values between 0 and `top`."""
    step = 5.0 if top > 8.0 else 2.0 if top > 4.0 else 1.0
    return [float(value) for value in np.arange(step, 0.95 * top, step)]


def _tens(low: float, high: float) -> list[float]:
    step = 10.0 if high - low > 24.0 else 5.0
    return [float(value) for value in np.arange(np.ceil(low / step) * step, high, step) if low + 1 < value < high - 1]


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", MINUS)


def _short(name: str, most: int = 18) -> str:
    name = name or "(top)"
    return name if len(name) <= most else f"…{name[-most + 1 :]}"
