"""Mel pictures: what went in, what came out and the target, on one dB scale, with the pitch drawn over them."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from timbre.evaluation.metrics.spectra import frame_sizes, magnitude_frames, mel_filters

BANDS = 112
RANGE_DB = 80.0
TICKS_HZ = (500, 1000, 2000, 5000, 10000, 20000)
F_MIN_HZ = 30.0
# Where the axes lie in the picture, as shares of its width: the page's playhead stands on them.
LEFT, RIGHT = 0.07, 0.9
WIDTH_INCHES, PANEL_INCHES, MARGIN_INCHES, DPI = 9.6, 1.55, 0.55, 110
PITCH_COLOUR = "#4fd8ff"
# One dark look for both of the page's themes, since a mel picture is dark itself.
STYLE = {
    "figure.facecolor": "#15181e", "axes.facecolor": "#000004", "axes.edgecolor": "#5b6270",
    "text.color": "#e4e7ec", "axes.labelcolor": "#c3c8d1", "xtick.color": "#c3c8d1", "ytick.color": "#c3c8d1",
    "font.family": "DejaVu Sans", "font.size": 9.0, "axes.titlesize": 10.0, "axes.titlelocation": "left",
    "axes.titlepad": 4.0, "text.usetex": False, "text.parse_math": False,
}  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """One sound's part of a picture: title, mel levels [bands, frames] in dB, pitch in Hz [frames], NaN where none."""

    title: str
    mel_db: np.ndarray
    seconds: float
    f0_seconds: np.ndarray
    f0_hz: np.ndarray


def mel_db(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Level of audio [samples] in 112 mel bands in dB, [bands, frames] float32; a full-scale sine is about 0."""
    size, hop = frame_sizes(rate_hz)
    filters = mel_filters(size, rate_hz, BANDS, F_MIN_HZ)
    # Equal heights instead of equal areas: a sine is then as bright in a high, wide band as in a low one.
    filters = filters / filters.max(dim=0, keepdim=True)[0].clamp(min=1e-9)
    frames = [(magnitudes.square() @ filters).clamp(min=1e-12) for magnitudes in magnitude_frames(audio, size, hop)]
    return np.concatenate([10.0 * piece.log10().numpy() for piece in frames]).T.astype(np.float32)


def picture(title: str, panels: list[Panel], rate_hz: int) -> bytes:
    """A PNG of the panels one under the other, all on one dB scale and one time axis, the first panel's length long.

    The same panels give the same bytes: no date, no version inside.
    """
    highest = max(float(panel.mel_db.max()) for panel in panels)
    height = PANEL_INCHES * len(panels) + MARGIN_INCHES * 1.4
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DPI)
        canvas = FigureCanvasAgg(figure)
        # A name may hold dollar signs, which would make it mathematics.
        figure.text(LEFT, 1.0 - 0.2 / height, title, fontsize=11.5, fontweight="bold", va="center", parse_math=False)
        image = None
        for index, panel in enumerate(panels):
            bottom = MARGIN_INCHES * 0.8 + PANEL_INCHES * (len(panels) - 1 - index)
            axes = figure.add_axes((LEFT, bottom / height, RIGHT - LEFT, (PANEL_INCHES - 0.32) / height))
            image = _draw(axes, panel, panels[0].seconds, highest, rate_hz)
            if index < len(panels) - 1:
                axes.tick_params(labelbottom=False)
            else:
                axes.set_xlabel("time / s", labelpad=2)
        bar_axes = figure.add_axes(
            (RIGHT + 0.012, MARGIN_INCHES * 0.8 / height, 0.011, (PANEL_INCHES * len(panels) - 0.32) / height)
        )
        figure.colorbar(image, cax=bar_axes, label="level / dB")
        with warnings.catch_warnings():
            # A file's name may hold signs that the font lacks: they are drawn as boxes.
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            canvas.draw()
    # A palette looks the same here and makes a third of the bytes.
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    pixels = pixels.quantize(palette=_palette(), dither=Image.Dither.NONE)
    encoded = io.BytesIO()
    pixels.save(encoded, format="PNG", optimize=True)
    return encoded.getvalue()


def _palette() -> Image.Image:
    """256 colours: the map's, those from background to text, those from black to the line of the pitch."""
    mixes = [("#15181e", "#e4e7ec", 48), ("#000000", PITCH_COLOUR, 16)]
    ramps = [np.linspace(to_rgb(dark), to_rgb(light), count) for dark, light, count in mixes]
    colours = np.concatenate([colormaps["magma"](np.linspace(0.0, 1.0, 192))[:, :3], *ramps])
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.round(255.0 * colours).astype(np.uint8).tobytes())
    return palette


def _draw(axes, panel: Panel, seconds: float, highest_db: float, rate_hz: int):
    lowest_mel, highest_mel = slaney_mel(F_MIN_HZ), slaney_mel(rate_hz / 2.0)
    image = axes.imshow(
        panel.mel_db, origin="lower", aspect="auto", cmap="magma", interpolation="antialiased",
        extent=(0.0, panel.seconds, lowest_mel, highest_mel), vmin=highest_db - RANGE_DB, vmax=highest_db,
    )  # fmt: skip
    # A dark line under the bright one keeps the pitch readable on every colour of the picture.
    f0_mel = np.array([slaney_mel(f0) if np.isfinite(f0) else np.nan for f0 in panel.f0_hz])
    axes.plot(panel.f0_seconds, f0_mel, color="#000000", linewidth=2.6, alpha=0.6)
    axes.plot(panel.f0_seconds, f0_mel, color=PITCH_COLOUR, linewidth=1.1)
    axes.set_xlim(0.0, max(seconds, 1e-3))
    axes.set_ylim(lowest_mel, highest_mel)
    ticks = [tick for tick in TICKS_HZ if tick < rate_hz / 2.0]
    labels = [str(tick) if tick < 1000 else f"{tick // 1000} k" for tick in ticks]
    axes.set_yticks([slaney_mel(tick) for tick in ticks], labels)
    axes.set_ylabel("Hz")
    axes.set_title(panel.title)
    return image


def slaney_mel(frequency_hz: float) -> float:
    """Hz to mel on Slaney's scale (1998, "Auditory Toolbox"): linear to 1 kHz, logarithmic above."""
    if frequency_hz < 1000.0:
        return frequency_hz * 3.0 / 200.0
    return 15.0 + 27.0 * math.log(frequency_hz / 1000.0) / math.log(6.4)
