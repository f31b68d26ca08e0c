"""A picture as data: boxes, lines and words in points, in inks that have names. Writers turn it into SVG, TikZ, PDF or pixels."""

from __future__ import annotations

from typing import NamedTuple

MM = 72 / 25.4
WIDTHS = {"column": 84 * MM, "page": 174 * MM}  # of one printed column, and of a whole page
SMALLEST = 6.0  # points: no word is set smaller
BROAD = 0.54  # of the size: how wide a letter is on the average, a little more than it is in any of our fonts


PAUSE = 0.3  # seconds a walking window stands still


class Box(NamedTuple):
    """A rectangle. ``fill`` and ``edge`` are inks or empty; ``hatch`` draws slanted lines, so that colour is never the only difference."""

    x: float
    y: float
    w: float
    h: float
    fill: str = ""
    edge: str = "line"
    hatch: bool = False
    width: float = 0.5


class Line(NamedTuple):
    """A line through points; ``curve`` bends it through them as one arc (three points: from, over, to)."""

    points: tuple[tuple[float, float], ...]
    ink: str = "line"
    width: float = 0.5
    dash: bool = False
    arrow: bool = False
    curve: bool = False


class Text(NamedTuple):
    """Words at a point: ``anchor`` start, middle or end; ``y`` is the line they stand on."""

    x: float
    y: float
    words: str
    size: float = 7
    anchor: str = "start"
    ink: str = "text"
    bold: bool = False


Mark = Box | Line | Text


class Scene(NamedTuple):
    """A finished picture: its size, what it is called, what it says in words, and its marks from back to front."""

    width: float
    height: float
    title: str
    words: str
    marks: tuple[Mark, ...]


def wide(words: str, size: float) -> float:
    """About how wide the words are set: an upper estimate, so that nothing touches."""
    return BROAD * size * len(words)


def shortened(words: str, room: float, size: float) -> str:
    """The words, cut to the room there is.

    >>> shortened("a_rather_long_name", 40, 7)
    'a_rathe...'
    """
    most = int(room / (BROAD * size))
    return words if len(words) <= most else words[: max(1, most - 3)] + "..."


def hatching(box: Box, step: float = 3.0) -> list[tuple[float, float, float, float]]:
    """The slanted lines inside a box, as ``x1, y1, x2, y2``: every writer draws the same ones."""
    lines, start = [], step
    while start < box.w + box.h:
        x1, y1 = (start, 0.0) if start <= box.w else (box.w, start - box.w)
        x2, y2 = (0.0, start) if start <= box.h else (start - box.h, box.h)
        lines.append((box.x + x1, box.y + y1, box.x + x2, box.y + y2))
        start += step
    return lines
