"""Small inline SVG charts. Colours come from CSS variables, so that one picture serves light, dark and print.

Only numbers and escaped text enter the markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

LEFT, RIGHT, ROW = 150, 60, 26


@dataclass(frozen=True)
class Mark:
    """A value with its interval, drawn in the colour class of its series."""

    series: str
    value: float
    low: float
    high: float


def mark(series: str, interval: dict[str, Any] | None) -> Mark | None:
    """A mark of a share's interval as JSON holds it; None without one. An open end reaches to the scale's."""
    if not interval or interval.get("value") is None:
        return None
    low, high = interval.get("low"), interval.get("high")
    return Mark(
        series,
        float(interval["value"]),
        0.0 if low is None else float(low),
        1.0 if high is None else float(high),
    )


def intervals(
    lines: Sequence[tuple[str, Sequence[Mark | None]]], *, title: str, width: int = 640, top: float = 1.0
) -> str:
    """One line per label, its marks as dots with whiskers, on a scale from 0 to `top`."""
    inner = width - LEFT - RIGHT
    heights = [max(1, sum(m is not None for m in marks)) * 12 + 12 for _, marks in lines]
    height = sum(heights) + 28

    def x(value: float) -> float:
        return LEFT + inner * min(max(value / top, 0.0), 1.0)

    parts = [_open(width, height, title)]
    for tick in range(5):
        at = LEFT + inner * tick / 4
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="4" x2="{at:.1f}" y2="{height - 22}"/>')
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{height - 6}" text-anchor="middle">{top * tick / 4:.0%}</text>'
        )
    y = 4.0
    for (label, marks), tall in zip(lines, heights, strict=True):
        parts.append(
            f'<text class="label" x="{LEFT - 10}" y="{y + tall / 2 + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )
        for number, point in enumerate(m for m in marks if m is not None):
            at = y + 12 + number * 12
            tip = f"{point.series}: {point.value:.3f} [{point.low:.3f}, {point.high:.3f}]"
            parts.append(
                f'<g class="{escape(point.series, quote=True)}"><title>{escape(label)}, {escape(tip)}</title>'
                f'<line class="whisker" x1="{x(point.low):.1f}" y1="{at:.1f}" x2="{x(point.high):.1f}" y2="{at:.1f}"/>'
                f'<circle cx="{x(point.value):.1f}" cy="{at:.1f}" r="4.5"/>'
                f'<text class="value" x="{width - RIGHT + 8}" y="{at + 4:.1f}">{point.value:.1%}</text></g>'
            )
        y += tall
    return "".join([*parts, "</svg>"])


def line(
    points: Sequence[tuple[float, float]], *, title: str, unit: str = "", width: int = 310, height: int = 150
) -> str:
    """One series against the step, with its first and last value written out."""
    if len(points) < 2:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    low, high = min(ys), max(ys)
    pad = (high - low) * 0.1 or abs(high) * 0.1 or 0.1
    low, high = low - pad, high + pad
    left, right, top, bottom = 44, 12, 26, 22

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - xs[0]) / ((xs[-1] - xs[0]) or 1)
        up = (point[1] - low) / (high - low)
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in map(place, points))
    smooth = " ".join(f"{a:.1f},{b:.1f}" for a, b in map(place, moving(points)))
    last = place(points[-1])
    parts = [_open(width, height, title), f'<text class="label" x="8" y="16">{escape(title)}</text>']
    for share in (0.0, 0.5, 1.0):
        at = height - bottom - share * (height - top - bottom)
        parts.append(f'<line class="grid" x1="{left}" y1="{at:.1f}" x2="{width - right}" y2="{at:.1f}"/>')
        shown = f"{low + share * (high - low):.3g}"
        parts.append(f'<text class="tick" x="{left - 5}" y="{at + 4:.1f}" text-anchor="end">{shown}</text>')
    parts.append(f'<polyline class="faint" points="{path}"/><polyline class="line" points="{smooth}"/>')
    parts.append(f'<circle class="end" cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="3.5"/>')
    ends = f"step {xs[0]:.0f} to {xs[-1]:.0f}: {ys[0]:.3g} to {ys[-1]:.3g}{unit}"
    parts.append(
        f'<text class="tick" x="{width - right}" y="{height - 5}" text-anchor="end">{escape(ends)}</text>'
    )
    return "".join([*parts, "</svg>"])


def moving(points: Sequence[tuple[float, float]], window: int = 5) -> list[tuple[float, float]]:
    """A trailing mean, to see through the noise of single steps."""
    out = []
    for index, (x, _) in enumerate(points):
        part = [y for _, y in points[max(0, index - window + 1) : index + 1]]
        out.append((x, sum(part) / len(part)))
    return out


def _open(width: int, height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
    )
