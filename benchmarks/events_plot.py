"""Curves as an SVG picture, in plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, EDGE = 720, 420, 56
MOST_SWALLOWED, MOST_ALERTS = 0.10, 2.6
COLOURS = ("#b3261e", "#6b7280", "#1f5fbf", "#9ca3af")

Curve = Sequence[tuple[float, float]]
"""Share swallowed and alerts an event, by the bar."""


def drawn(curves: Mapping[str, Curve]) -> str:
    """The picture: alerts an event over events swallowed, and the goal as a box."""
    parts = [*_frame(), *_goal()]
    for at, (name, points) in enumerate(curves.items()):
        parts += _curve(name, points, COLOURS[at % len(COLOURS)], at)
    return "\n".join((*parts, "</svg>", ""))


def _frame() -> list[str]:
    across = [_text(_x(share / 100), HEIGHT - EDGE + 18, f"{share} %", "middle") for share in range(0, 11, 2)]
    up = [_text(EDGE - 8, _y(tenth / 10) + 4, f"{tenth / 10:.1f}", "end") for tenth in range(10, 27, 4)]
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<path d="M{EDGE} {EDGE / 2:g}V{HEIGHT - EDGE}H{WIDTH - EDGE / 2:g}" fill="none" stroke="#111827"/>',
        *across,
        *up,
        _text(WIDTH / 2, HEIGHT - 14, "events swallowed: none of their articles raised an alert", "middle"),
        _text(EDGE, 16, "alerts an event", "middle"),
    ]


def _goal() -> list[str]:
    left, right, top, bottom = _x(0), _x(0.02), _y(1.35), _y(1.0)
    return [f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" fill="#dcfce7"/>']


def _curve(name: str, points: Curve, colour: str, at: int) -> list[str]:
    seen = [(share, alerts) for share, alerts in points if share <= MOST_SWALLOWED and alerts <= MOST_ALERTS]
    path = " ".join(f"{_x(share):.1f},{_y(alerts):.1f}" for share, alerts in seen)
    dots = [f'<circle cx="{_x(share):.1f}" cy="{_y(alerts):.1f}" r="2.5" fill="{colour}"/>' for share, alerts in seen]
    label = f'<text x="{WIDTH - EDGE}" y="{40 + 18 * at}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>', *dots, label]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="#111827">{escape(text)}</text>'


def _x(share: float) -> float:
    return round(EDGE + share / MOST_SWALLOWED * (WIDTH - 1.5 * EDGE), 1)


def _y(alerts: float) -> float:
    return round(HEIGHT - EDGE - (alerts - 0.9) / (MOST_ALERTS - 0.9) * (HEIGHT - 1.5 * EDGE), 1)
