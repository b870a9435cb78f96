"""The picture of a run, as SVG: bars of requests a second, and lines of how they grow."""

from collections.abc import Callable, Sequence
from html import escape
from typing import TypeAlias

from bench.peers.questions import NAMES, Name
from bench.peers.run import Figure, Outcome, Sizes
from bench.peers.servers import OURS, TRIVIAL

Shown: TypeAlias = Callable[[Figure, str], str]
_COLOURS = ("#0b6e4f", "#c44536", "#2f5d9b", "#d99a2b", "#7a5195", "#6c757d", "#222222")
_WIDTH, _LABEL, _VALUE = 900, 210, 70
_BAR, _GAP, _HEAD = 14, 4, 30
_CHART, _CHART_HEIGHT = 280, 190


def drawn(base: Outcome, grown: Sequence[Outcome]) -> str:
    """The whole picture: bars for each operation, then a chart for each way of growing."""
    names = [name for name in dict.fromkeys(server for server, _ in base.figures)
             if name != TRIVIAL]  # fmt: skip
    parts: list[str] = []
    at = 10
    for operation in NAMES:
        parts += _bars(base, operation, names, at)
        at += _HEAD + len(names) * (_BAR + _GAP) + 12
    curves = ways(base, grown)
    for n, (title, points) in enumerate(curves):
        parts += _chart(title, points, left=10 + n * (_CHART + 15), top=at)
    height = at + (_CHART_HEIGHT + 60 if curves else 0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>' + "".join(parts) + "</svg>\n"
    )


def ways(base: Outcome, grown: Sequence[Outcome]) -> list[tuple[str, list[tuple[int, Outcome]]]]:
    """What grows alone: the outcomes that differ from the base in nothing else, in order."""
    found = []
    for title, size_of in _SIZES:
        points = [(size_of(base.sizes), base)]
        points += [
            (size_of(one.sizes), one)
            for one in grown
            if all(other(one.sizes) == other(base.sizes) for name, other in _SIZES if name != title)
        ]
        if len(points) > 1:
            found.append((title, sorted(points, key=lambda point: point[0])))
    return found


_SIZES: tuple[tuple[str, Callable[[Sizes], int]], ...] = (
    ("brands", lambda sizes: sizes.brands),
    ("clients", lambda sizes: sizes.clients),
    ("rows of a page", lambda sizes: sizes.page),
)


def _bars(base: Outcome, operation: Name, names: Sequence[str], top: int) -> list[str]:
    rates = {name: one.rate for name in names if (one := base.figures.get((name, operation)))}
    most = max(rates.values(), default=1.0)
    parts = [_text(10, top + 18, f"{operation}, requests a second", weight="bold")]
    for n, name in enumerate(names):
        y = top + _HEAD + n * (_BAR + _GAP)
        rate = rates.get(name, 0.0)
        width = rate / most * (_WIDTH - _LABEL - _VALUE - 20)
        weight = "bold" if name == OURS else "normal"
        parts += [
            _text(_LABEL - 8, y + 11, name, anchor="end", weight=weight),
            f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}"'
            f' fill="{_COLOURS[n % len(_COLOURS)]}"/>',
            _text(_LABEL + width + 6, y + 11, f"{rate:,.0f}", weight=weight),
        ]
    return parts


def _chart(
    title: str, points: Sequence[tuple[int, Outcome]], *, left: int, top: int
) -> list[str]:  # fmt: skip
    """Our rate of each operation, as its part of the best; sizes stand at even distances."""
    base = top + 30 + _CHART_HEIGHT
    across = (_CHART - 50) / max(1, len(points) - 1)
    parts = [
        _text(left, top + 18, f"{OURS}: more {title}", weight="bold"),
        f'<path d="M{left + 10} {top + 30}V{base}H{left + _CHART - 20}" fill="none"'
        ' stroke="#999"/>',
    ]
    for n, operation in enumerate(NAMES):
        rates = [one.figures[OURS, operation].rate if (OURS, operation) in one.figures else 0.0
                 for _, one in points]  # fmt: skip
        most = max(rates) or 1.0
        spots = [(left + 20 + k * across, base - rate / most * (_CHART_HEIGHT - 10))
                 for k, rate in enumerate(rates)]  # fmt: skip
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        colour = _COLOURS[n % len(_COLOURS)]
        parts += [
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            _text(left + 20 + n * 45, base + 34, operation, colour=colour),
        ]
    parts += [_text(left + 20 + k * across, base + 16, f"{size:,}", anchor="middle")
              for k, (size, _) in enumerate(points)]  # fmt: skip
    return parts


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal",
    colour: str = "#222",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
        f' fill="{colour}">{escape(text)}</text>'
    )
