"""Pictures without words: the mel levels of a sound, and how two sounds differ."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw

from timbre.evaluation.plots import F_MIN_HZ, PITCH_COLOUR, RANGE_DB, slaney_mel

COLOURS = 64
# Levels that differ by so much, or more, have the full colour.
DIFFERENCE_DB = 30.0
LESS, MORE = "#5aaeff", "#ff9e3d"
OUTLINE_PIXELS, LINE_PIXELS = 7, 3


def mel_strip(mel_db: np.ndarray, highest_db: float, size: tuple[int, int], pitch: Sequence[np.ndarray] = ()) -> bytes:
    """A PNG of mel levels [bands, frames], 80 dB down from the highest. size: width and height in pixels.

    pitch: lines to draw over it, each [points, 2]: shares of the width from the left and of the height from below.
    """
    shares = np.clip((mel_db - highest_db) / RANGE_DB + 1.0, 0.0, 1.0)
    colours = colormaps["magma"](np.linspace(0.0, 1.0, COLOURS))[:, :3]
    picture = _picture(shares, np.concatenate([colours, [[0.0, 0.0, 0.0], _rgb(PITCH_COLOUR)]]), size)
    draw = ImageDraw.Draw(picture)
    # A dark line under the bright one keeps the pitch readable on every colour of the picture.
    for colour, width in ((COLOURS, OUTLINE_PIXELS), (COLOURS + 1, LINE_PIXELS)):
        for line in pitch:
            points = [(float(x) * size[0], (1.0 - float(y)) * size[1]) for x, y in line]
            draw.line(points if len(points) > 1 else points * 2, fill=colour, width=width)
    return _png(picture)


def difference_strip(mel_db: np.ndarray, reference_db: np.ndarray, highest_db: float, size: tuple[int, int]) -> bytes:
    """A PNG of how far mel levels [bands, frames] lie over those of a reference, or under them, to 30 dB either way.

    What lies 80 dB under the highest level is silence in both.
    """
    floor = highest_db - RANGE_DB
    apart = np.maximum(mel_db, floor) - np.maximum(reference_db, floor)
    shares = np.clip(0.5 + 0.5 * apart / DIFFERENCE_DB, 0.0, 1.0)
    ends = np.linspace(1.0, 0.0, COLOURS // 2)[:, None]
    return _png(_picture(shares, np.concatenate([ends * _rgb(LESS), ends[::-1] * _rgb(MORE)]), size))


def pitch_lines(f0_hz: np.ndarray, across: np.ndarray, rate_hz: int) -> list[np.ndarray]:
    """The pitch [frames], NaN where there is none, as lines for `mel_strip`. across: shares of its width [frames]."""
    low, high = slaney_mel(F_MIN_HZ), slaney_mel(rate_hz / 2.0)
    voiced = np.flatnonzero(np.isfinite(f0_hz))
    height = [(slaney_mel(f0) - low) / (high - low) for f0 in f0_hz[voiced]]
    points = np.stack([across[voiced], np.array(height, dtype=np.float64)], axis=1)
    return [line for line in np.split(points, np.flatnonzero(np.diff(voiced) > 1) + 1) if len(line)]


def _picture(shares: np.ndarray, colours: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Shares [bands, frames] of the first 64 colours as a picture of a size, the lowest band below."""
    scaled = Image.fromarray(shares[::-1].astype(np.float32))
    scaled = scaled.resize((size[0], scaled.height), Image.Resampling.BOX).resize(size, Image.Resampling.BILINEAR)
    picture = Image.fromarray(np.round(np.asarray(scaled) * (COLOURS - 1)).astype(np.uint8), mode="P")
    picture.putpalette(np.round(255.0 * colours).astype(np.uint8).tobytes())
    return picture


def _png(picture: Image.Image) -> bytes:
    encoded = io.BytesIO()
    picture.save(encoded, format="PNG", optimize=True)
    return encoded.getvalue()


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[start : start + 2], 16) / 255.0 for start in (1, 3, 5)])
