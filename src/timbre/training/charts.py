"""Curves as inline SVG: one small chart for each figure, on its own scale, in the colours of the page it stands in."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from timbre.models.phase import Phase

WIDTH, HEIGHT = 560, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 24, 26
# More than the pixels can show only make the page heavy: longer curves are drawn by the means of so many stretches.
MOST_POINTS = 400
# Positive figures that fall to less than this share are drawn on a logarithmic scale: else their end is a flat line.
LOGARITHMIC_SHARE = 0.1

Curve = list[tuple[float, float]]


def chart(name: str, training: Curve, validation: Curve, phases: list[Phase]) -> str:
    """SVG of a figure's curves, each of (step, value), over all steps of the phases; a label tells it in words."""
    curves = {"training": _thinned(_finite(training)), "validation": _thinned(_finite(validation))}
    values = [value for curve in curves.values() for _, value in curve]
    steps = sum(phase.steps for phase in phases)
    ends = ", ".join(
        f"{kind} {shown(curve[-1][1])} at step {curve[-1][0]:g}" for kind, curve in curves.items() if curve
    )
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(f"Curve of {name}: {ends}")}">',
        *_phases(phases, steps),
    ]
    if values:
        low, high = min(values), max(values)
        logarithmic = low > 0.0 and low < LOGARITHMIC_SHARE * high
        scale = math.log if logarithmic else float
        bottom, top = scale(low), scale(high)
        if top - bottom < 1e-9 * max(1.0, abs(top)):
            margin = 0.5 * abs(top) or 0.5
            bottom, top = bottom - margin, top + margin

        def x(step: float) -> float:
            return LEFT + (WIDTH - LEFT - RIGHT) * step / max(1, steps)

        def y(value: float) -> float:
            return TOP + (HEIGHT - TOP - BOTTOM) * (top - scale(value)) / (top - bottom)

        for share in (0.0, 0.5, 1.0):
            at = bottom + share * (top - bottom)
            value = math.exp(at) if logarithmic else at
            parts.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            )
            parts.append(_text(LEFT - 6, y(value) + 4, shown(value), "end"))
        for kind, curve in curves.items():
            points = [(x(step), y(value)) for step, value in curve]
            if len(points) > 1:
                line = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
                parts.append(f'<polyline class="{kind}" points="{line}"/>')
            elif points:
                parts.append(f'<circle class="{kind}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2.5"/>')
        if logarithmic:
            parts.append(_text(LEFT, HEIGHT - 8, "logarithmic", "start"))
    parts += [_text(WIDTH - RIGHT, HEIGHT - 8, f"{steps:,} steps", "end"), "</svg>"]
    return "".join(parts)


def shown(value: float) -> str:
    """A number in at most four significant digits."""
    return f"{value:.4g}" if value == 0.0 or 1e-3 <= abs(value) < 1e5 else f"{value:.1e}"


def _phases(phases: list[Phase], steps: int) -> list[str]:
    """Every other phase shaded, each with its name above."""
    parts, begin, height = [], 0, HEIGHT - TOP - BOTTOM
    for number, phase in enumerate(phases):
        left = LEFT + (WIDTH - LEFT - RIGHT) * begin / max(1, steps)
        width = (WIDTH - LEFT - RIGHT) * phase.steps / max(1, steps)
        box = f'x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{height}"'
        parts.append(f'<rect class="phase{number % 2}" {box}/>')
        # The name of a narrow phase at the right edge grows to the left.
        last = number == len(phases) - 1 and number > 0
        parts.append(_text(left + width if last else left, TOP - 8, phase.name, "end" if last else "start"))
        begin += phase.steps
    return parts


def _text(across: float, down: float, text: str, anchor: str) -> str:
    return f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _finite(curve: Curve) -> Curve:
    return [(step, value) for step, value in curve if math.isfinite(value)]


def _thinned(curve: Curve) -> Curve:
    if len(curve) <= MOST_POINTS:
        return curve
    means = [np.mean(part, axis=0) for part in np.array_split(np.array(curve), MOST_POINTS)]
    return [(float(step), float(value)) for step, value in means]
