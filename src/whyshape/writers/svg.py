"""A scene as SVG: sharp at any size, with its title and its words inside, and the same bytes on every machine."""

from __future__ import annotations

import html
from itertools import groupby

from whyshape.story.scene import DEPTHS, Box, Line, Scene, Text, hatching
from whyshape.writers.html import visible

INKS = {
    "paper": "#ffffff", "text": "#1a1a1a", "dim": "#595959", "line": "#404040", "space": "#cfe3f5", "out": "#cdebe3", "maps": "#f0b27a",
    "kernel": "#d55e00", "next": "#e8b48c", "pad": "#ffffff", "chosen": "#005a8c", "calculated": "#a64900", "soft": "#f4f6f8", "shade": "#e6eaee",
}  # fmt: skip
DARK, LIGHT = (107, 44, 0), (253, 240, 226)
for _i, _depth in enumerate(DEPTHS):
    INKS[_depth] = "#" + "".join(f"{a + (b - a) * _i // (len(DEPTHS) - 1):02x}" for a, b in zip(DARK, LIGHT))
FONT = "Helvetica, Arial, sans-serif"


def write(scene: Scene, moving: str = "", style: str = "") -> str:
    """The SVG file. ``moving`` and ``style`` are what `animation` adds: drawn last, and how it moves."""
    size = f"{number(scene.width)} {number(scene.height)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(scene.width)}pt" height="{number(scene.height)}pt" viewBox="0 0 {size}" '
        f'font-family="{FONT}" role="img">\n<title>{text(scene.title)}</title>\n<desc>{text(scene.words)}</desc>\n'
        + (f"<style>{style}</style>\n" if style else "")
        + f'<rect width="{number(scene.width)}" height="{number(scene.height)}" fill="{INKS["paper"]}"/>\n'
        + drawn(scene.marks)
        + f"\n{moving}</svg>\n"
    )


def drawn(marks) -> str:
    """Marks from back to front; neighbours in the same ink become one path, which is most of a grid."""
    pieces = []
    for ink, group in groupby(marks, _ink):
        run = list(group)
        pieces.append(f'<path d="{"".join(map(_way, run))}" {ink}/>' if ink else "".join(map(mark, run)))
    return "\n".join(pieces)


def _ink(m) -> str:
    """How a plain box or line is painted; empty for a mark that stands by itself."""
    match m:
        case Box(hatch=False):
            fill, edge = (INKS[ink] if ink else "none" for ink in (m.fill, m.edge))
            return f'fill="{fill}" stroke="{edge}" stroke-width="{number(m.width)}"'
        case Line(arrow=False):
            return f'fill="none" stroke="{INKS[m.ink]}" stroke-width="{number(m.width)}"' + (' stroke-dasharray="2 1.5"' if m.dash else "")
    return ""


def _way(m) -> str:
    match m:
        case Box():
            return f"M{number(m.x)} {number(m.y)}h{number(m.w)}v{number(m.h)}h{number(-m.w)}z"
        case Line():
            (x, y), *rest = m.points
            if m.curve and len(rest) == 2:
                return f"M{number(x)} {number(y)}Q{number(rest[0][0])} {number(rest[0][1])} {number(rest[1][0])} {number(rest[1][1])}"
            if len(rest) == 1 and rest[0][1] == y:
                return f"M{number(x)} {number(y)}h{number(rest[0][0] - x)}"
            if len(rest) == 1 and rest[0][0] == x:
                return f"M{number(x)} {number(y)}v{number(rest[0][1] - y)}"
            return f"M{number(x)} {number(y)}" + "".join(f"L{number(a)} {number(b)}" for a, b in rest)
    raise TypeError(f"{type(m).__name__} has no outline")


def mark(m) -> str:
    """A mark that is not a plain box or line."""
    match m:
        case Box():
            lines = "".join(f"M{number(a)} {number(b)}L{number(c)} {number(d)}" for a, b, c, d in hatching(m))
            return drawn([m._replace(hatch=False)]) + f'<path d="{lines}" fill="none" stroke="{INKS["line"]}" stroke-width="0.4"/>'
        case Line():
            tip = "L".join(f"{number(x)} {number(y)}" for x, y in head(m))
            return drawn([m._replace(arrow=False)]) + f'<path d="M{tip}z" fill="{INKS[m.ink]}"/>'
        case Text():
            bold = ' font-weight="bold"' if m.bold else ""
            where = f'x="{number(m.x)}" y="{number(m.y)}" font-size="{number(m.size)}" text-anchor="{m.anchor}" fill="{INKS[m.ink]}"{bold}'
            return f"<text {where}>{text(m.words)}</text>"
    raise TypeError(f"{type(m).__name__} is no mark")


def head(m: Line) -> list[tuple[float, float]]:
    """The corners of an arrow's head, at its last point."""
    (x1, y1), (x2, y2) = m.points[-2:]
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1e-9)
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    return [(x2, y2), (x2 - 4 * dx + 1.6 * dy, y2 - 4 * dy - 1.6 * dx), (x2 - 4 * dx - 1.6 * dy, y2 - 4 * dy + 1.6 * dx)]


def number(x: float) -> str:
    """A length with at most two digits behind the point.

    >>> number(3.10), number(-0.001), number(12)
    ('3.1', '0', '12')
    """
    written = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def text(words: str) -> str:
    """Words as SVG may hold them: escaped, hidden characters written out."""
    return html.escape(visible(words).replace("\n", " "), quote=True)
