"""What stands in the picture of a graph: what comes in, parts, and frames around the parts of opened modules."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.figure.flow import Flow
from whyshape.story.scene import SMALLEST, Line, Mark, Text, shortened, wide
from whyshape.story.scene import Box as Rect

HIGH, LINE = 22.0, 8.0  # of a box: how high, and how much a third line adds
LEAST, WIDEST = 46.0, 110.0  # how wide
MEASURED = 3.0  # how wide the hatched edge of a measured part is


class Entry(NamedTuple):
    """What comes in: its name and its size."""

    name: str
    size: str

    @property
    def height(self) -> float:
        """Two lines of words."""
        return 15.0

    @property
    def width(self) -> float:
        """As wide as its words."""
        return min(max(wide(self.name, 6.5), wide(self.size, SMALLEST), 8.0), WIDEST)

    @property
    def enter(self) -> float:
        """Its middle."""
        return self.width / 2

    @property
    def leave(self) -> float:
        """Its middle."""
        return self.width / 2

    def paint(self, x: float, y: float, up: bool) -> list[Mark]:
        """The words."""
        words, size = shortened(self.name, self.width + 0.01, 6.5), shortened(self.size, self.width + 0.01, SMALLEST)
        return [Text(x + self.enter, y + 6, words, 6.5, "middle", "dim"), Text(x + self.enter, y + 13, size, SMALLEST, "middle", "chosen")]


class Box(NamedTuple):
    """A part that is not opened."""

    width: float
    name: str
    size: str
    kind: str
    last: str
    measured: bool

    @property
    def height(self) -> float:
        """Two lines of words, or three."""
        return HIGH + (LINE if self.last else 0)

    @property
    def enter(self) -> float:
        """Its middle."""
        return self.width / 2

    @property
    def leave(self) -> float:
        """Its middle."""
        return self.width / 2

    def paint(self, x: float, y: float, up: bool) -> list[Mark]:
        """The box and its words."""
        marks: list[Mark] = [Rect(x, y, self.width, self.height, fill="paper")]
        left, right = x + 4 + MEASURED * self.measured, x + self.width - 4
        if self.measured:
            marks.append(Rect(x, y, MEASURED, self.height, fill="paper", hatch=True))
        marks.append(Text(left, y + 9, shortened(self.name, right - left, 6.5, True), 6.5, bold=True))
        marks.append(Text(left, y + 18, shortened(self.size, right - left, SMALLEST), SMALLEST, ink="chosen"))
        if self.kind and wide(self.size, SMALLEST) + 6 + wide(self.kind, SMALLEST) <= right - left + 0.01:
            marks.append(Text(right, y + 18, self.kind, SMALLEST, "end", "dim"))
        if self.last:
            marks.append(Text(left, y + 26, _begun(self.last, right - left), SMALLEST, ink="dim"))
        return marks


def _begun(words: str, room: float) -> str:
    """The words, or as many of them as there is room for."""
    if wide(words, SMALLEST) <= room:
        return words
    kept = words[: int(room)]  # no letter is so narrow that more would fit
    while kept and wide(f"{kept}...", SMALLEST) > room:
        kept = kept[:-1]
    return f"{kept}..."


class Frame:
    """An opened module: its name and result above its parts."""

    AROUND, TITLE = 7.0, 12.0  # the room around its parts, and above them for the title

    def __init__(self, name: str, size: str, kind: str, kids: Flow, depth: int):
        self.title, self.size, self.kids = f"{name}  {kind}".strip(), size, kids
        wider = max(kids.width, min(wide(self.title, 6.5, True) + wide(size, SMALLEST) + 13, 2 * WIDEST) - 2 * self.AROUND, LEAST)
        self.aside = self.AROUND + (wider - kids.width) / 2
        self.width, self.height = wider + 2 * self.AROUND, kids.height + self.TITLE + 1
        self.enter, self.leave = kids.enter + self.aside, kids.leave + self.aside
        self.fill = "shade" if depth % 2 else "soft"

    def paint(self, x: float, y: float, up: bool) -> list[Mark]:
        """The frame, its title and what stands in it."""
        title = shortened(self.title, self.width - wide(self.size, SMALLEST) - 12, 6.5, True)
        marks: list[Mark] = [Rect(x, y, self.width, self.height, fill=self.fill, edge="dim")]
        begin, end = 4 + wide(title, 6.5, True), self.width - 4 - wide(self.size, SMALLEST)
        axis = self.leave if up else self.enter
        if begin + 3 < axis < end - 3:  # past the title, where it leaves room
            marks.append(Line(((x + axis, y), (x + axis, y + self.TITLE)), "line", 0.7))
        marks += self.kids.paint(x + self.aside, y + self.TITLE, up)
        marks.append(Text(x + 4, y + 8, title, 6.5, bold=True))
        return [*marks, Text(x + self.width - 4, y + 8, self.size, SMALLEST, "end")]
