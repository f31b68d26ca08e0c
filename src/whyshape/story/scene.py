"""A picture as data: boxes, lines and words in points, in inks that have names. Writers turn it into SVG, TikZ, PDF or pixels."""

from __future__ import annotations

from typing import NamedTuple

MM = 72 / 25.4
WIDTHS = {"column": 84 * MM, "page": 174 * MM}  # of one printed column, and of a whole page
TALLEST = 247 * MM  # a printed page has no more
SMALLEST = 6.0  # points: no word is set smaller
DEPTHS = tuple(f"depth{i}" for i in range(10))  # ten inks from dark to light: what lies in what can be told in grey too
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


# How wide the letters from the space to the tilde are in Helvetica (Arial and Liberation Sans agree), in thousandths of the size.
LETTERS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278,
    584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944,
    667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
BOLD = 1.1  # how much wider a bold word is set, at most
OTHER = 1100  # a letter of another script
HIDDEN = 4500  # a control or direction character: writers spell it out, ``\\u202e``


def wide(words: str, size: float, bold: bool = False) -> float:
    """How wide the words are set, in points.

    >>> wide("10 maps", 10), wide("10 maps", 10, bold=True) > wide("10 maps", 10)
    (38.35, True)
    """
    thousandths = sum(LETTERS[ord(c) - 32] if " " <= c <= "~" else OTHER if c.isprintable() else HIDDEN for c in words)
    return thousandths * size * (BOLD if bold else 1) / 1000


def shortened(words: str, room: float, size: float, bold: bool = False) -> str:
    """The words, cut to the room there is: a long path loses its beginning, for its end says which layer it is.

    >>> shortened("a_rather_long_name", 40, 7)
    '...ong_name'
    """
    if wide(words, size, bold) <= room:
        return words
    kept = words[-int(room / (0.19 * size)) - 1 :]  # no letter is narrower; a name may be a million letters long
    while kept and wide(f"...{kept}", size, bold) > room:
        kept = kept[1:]
    return f"...{kept}"


def hatching(box: Box, step: float = 3.0) -> list[tuple[float, float, float, float]]:
    """The slanted lines inside a box, as ``x1, y1, x2, y2``: every writer draws the same ones."""
    lines, start = [], step
    while start < box.w + box.h:
        x1, y1 = (start, 0.0) if start <= box.w else (box.w, start - box.w)
        x2, y2 = (0.0, start) if start <= box.h else (start - box.h, box.h)
        lines.append((box.x + x1, box.y + y1, box.x + x2, box.y + y2))
        start += step
    return lines
