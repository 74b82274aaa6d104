"""Small pictures as inline SVG, in the colours of the page: the same bytes for the same sound."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

# About as many units as pixels, so that words keep their size: of a card, and of a picture as wide as a finding.
SMALL, WIDE = 360.0, 640.0
HEIGHT = 132.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 8.0, 8.0, 20.0
# A sound of more than two samples a column is drawn by the lowest and highest of each column.
COLUMNS = 270


@dataclass
class Picture:
    """Axes with what is drawn in them. label: it in words. x, y: the ranges shown. width: in units."""

    label: str
    x: tuple[float, float]
    y: tuple[float, float]
    logarithmic: bool = False
    width: float = SMALL
    parts: list[str] = field(default_factory=list)

    def across(self, value: float) -> float:
        """Where a value of x lies."""
        low, high = self.x
        share = math.log(value / low) / math.log(high / low) if self.logarithmic else (value - low) / (high - low)
        return LEFT + (self.width - LEFT - RIGHT) * float(share)

    def down(self, value: float) -> float:
        """Where a value of y lies."""
        low, high = self.y
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - min(max(float(value), low), high)) / (high - low)

    def ticks_x(self, ticks: Iterable[tuple[float, str]]) -> None:
        """Words under the picture."""
        for value, told in ticks:
            self._text(self.across(value), HEIGHT - 5, told, "middle")

    def ticks_y(self, ticks: Iterable[tuple[float, str]]) -> None:
        """Words at the left, each with a faint line."""
        for value, told in ticks:
            self.parts.append(self._level("grid", value))
            self._text(LEFT - 5, self.down(value) + 4, told, "end")

    def level_line(self, value: float, told: str = "", kind: str = "limit") -> None:
        """A line across at a value of y, with its name."""
        self.parts.append(self._level(kind, value))
        if told:
            self._text(self.width - RIGHT - 2, self.down(value) - 4, told, "end", kind)

    def mark(self, value: float, told: str = "") -> None:
        """A line down at a value of x, with its name."""
        at = self.across(value)
        self.parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP:g}" y2="{HEIGHT - BOTTOM:g}"/>')
        if told:
            right = at > 0.7 * self.width
            self._text(at + (-4 if right else 4), TOP + 10, told, "end" if right else "start", "mark")

    def shade(self, start: float, end: float) -> None:
        """A faint stretch of x."""
        left, right = self.across(start), self.across(end)
        self.parts.append(
            f'<rect class="shade" x="{left:.1f}" y="{TOP:g}" width="{max(0.0, right - left):.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM:g}"/>'
        )

    def curve(self, x: Sequence[float], y: Sequence[float], kind: str = "trace") -> None:
        """A curve, broken where y is not finite."""
        at, level, pen = np.asarray(x, float), np.asarray(y, float), []
        for one, other in zip(at, level, strict=True):
            if not math.isfinite(other):
                pen.append("")
                continue
            pen.append(f"{'M' if not pen or not pen[-1] else 'L'}{self.across(one):.1f} {self.down(other):.1f}")
        self.parts.append(f'<path class="{kind}" d="{"".join(pen)}"/>')

    def wave(self, start: float, step: float, samples: np.ndarray, kind: str = "trace") -> None:
        """A sound: its samples joined by lines, or for each column of the picture its lowest and highest."""
        if len(samples) <= 2 * COLUMNS:
            self.curve(start + step * np.arange(len(samples)), samples, kind)
            return
        edges = np.linspace(0, len(samples) - 1, COLUMNS + 1).astype(int)
        pen = []
        # A column ends with the sample that the next begins with, so that nothing is torn apart.
        for first, last in itertools.pairwise(edges):
            column = samples[first : last + 1]
            at = self.across(start + step * 0.5 * (first + last))
            pen.append(f"{'L' if pen else 'M'}{at:.1f} {self.down(column.min()):.1f}V{self.down(column.max()):.1f}")
        self.parts.append(f'<path class="{kind}" d="{"".join(pen)}"/>')

    def bar(self, left: float, right: float, bottom: float, top: float, kind: str) -> None:
        """A bar from `bottom` to `top` between two values of x."""
        at, end = self.across(left) + 0.5, self.across(right) - 0.5
        self.parts.append(
            f'<rect class="{kind}" x="{at:.1f}" y="{self.down(top):.1f}" width="{max(0.5, end - at):.1f}" '
            f'height="{self.down(bottom) - self.down(top):.1f}"/>'
        )

    def legend(self, names: Iterable[tuple[str, str]]) -> None:
        """Names of curves or bars, each in its colour, at the top."""
        at = LEFT + 6.0
        for kind, told in names:
            self.parts.append(f'<rect class="{kind} key" x="{at:.1f}" y="{TOP + 3:g}" width="9" height="9"/>')
            self._text(at + 13, TOP + 11, told, "start")
            at += 13 + 6.2 * len(told) + 14

    def text(self) -> str:
        """The picture as SVG."""
        frame = f'viewBox="0 0 {self.width:g} {HEIGHT:g}" role="img" aria-label="{html.escape(self.label)}"'
        return f"<svg {frame}>{''.join(self.parts)}</svg>"

    def _level(self, kind: str, value: float) -> str:
        y = self.down(value)
        return f'<line class="{kind}" x1="{LEFT:g}" x2="{self.width - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'

    def _text(self, across: float, down: float, told: str, anchor: str, kind: str = "") -> None:
        style = f' class="{kind}"' if kind else ""
        self.parts.append(
            f'<text{style} x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}">{html.escape(told)}</text>'
        )
