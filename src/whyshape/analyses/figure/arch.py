"""The architecture: stages from left to right, space as a square and maps as a stack beside it, each on its own ruler."""

from __future__ import annotations

import re
import string
from itertools import groupby
from typing import NamedTuple

from whyshape.analyses.figure.stages import Stage, stages
from whyshape.analyses.layout import joined
from whyshape.analyses.rows import Row
from whyshape.graph import Graph
from whyshape.story.scene import WIDTHS, Box, Line, Mark, Scene, Text, shortened, wide

NOT_TO_SCALE = 64  # sizes further apart than this are drawn by their square root, and the figure says so
LINES = 3  # of stages in one figure
STEP, LARGEST = 47.0, 78.0  # from stage to stage: the words need so much, and more than this only moves them apart
EDGE = 13.0  # left and right of the stages
CARDS = 12  # maps drawn one by one
UNKNOWN = 20.0  # how tall a block is whose axes nobody can tell apart


class Ruler(NamedTuple):
    """How long a size is drawn."""

    most: int
    length: float
    bent: bool  # by its square root

    def of(self, n: int) -> float:
        """In points; something that is there stays to be seen."""
        share = n / self.most
        return max(1.5, self.length * (share**0.5 if self.bent else share))

    @staticmethod
    def over(sizes: list[int], length: float) -> Ruler:
        """The ruler all these sizes are measured with."""
        return Ruler(max(sizes, default=1), length, bool(sizes) and max(sizes) > NOT_TO_SCALE * max(1, min(sizes)))


def architecture(graph: Graph, width: float = WIDTHS["page"], style: str = "lenet") -> Scene:
    """The whole model in at most three lines of stages; what passes over a stage is an arc, from line to line a letter."""
    room = width - 2 * EDGE
    fit = max(2, int(room // STEP))
    shown, parts = stages(graph, LINES * fit)
    lines = -(-len(shown) // fit)
    per_line = -(-len(shown) // lines)
    step = min(room / per_line, LARGEST)
    left = EDGE + (room - step * min(per_line, len(shown))) / 2 if lines == 1 else EDGE
    joins = _joins(graph, shown, parts)
    look = _Look(graph, shown, step - 9, style)
    marks: list[Mark] = []
    y = 5.0
    letters: dict[int, str] = {}
    for first in range(0, len(shown), per_line):
        here = range(first, min(first + per_line, len(shown)))
        at = {i: left + step * (i - first) for i in here}
        middle = {i: x + look.room / 2 for i, x in at.items()}
        arcs = _levels([(a, b) for a, b in joins if b > a + 1 and a in at and b in at])
        apart = [(a, b) for a, b in joins if b > a + 1 and (a in at) != (b in at)]
        top = y + max((6.0 + 5 * level for level in arcs.values()), default=0.0) + (10 if apart else 0)
        for (a, b), level in sorted(arcs.items()):
            ends = (middle[a] + 3, top), ((middle[a] + middle[b]) / 2, top - 2 * (4.0 + 5 * level)), (middle[b] - 3, top)
            marks.append(Line(ends, "line", 0.7, curve=True, arrow=True))
        marks += _letters(apart, middle, y, step - 2, letters)
        floor = look.floor(here)
        entry = top + (17 if look.blocks else floor - min(12.0, (floor - 10) / 2))
        for i in here:
            marks += look.stage(i, at[i], top, floor)
            if (i - 1, i) in joins or i == first > 0:
                marks.append(Line(((at[i] - 8, entry), (at[i] - 1, entry)), "line", 0.7, arrow=True))
        words, deep = look.brackets(here, at, top + look.height(here))
        marks += words
        y = top + look.height(here) + deep + 5
    height = y - 1
    bent = " and ".join(word for word, ruler in (("squares", look.space), ("stacks", look.maps)) if ruler.bent)
    if bent and style == "lenet":
        height += 8
        marks.append(Text(width - 4, height - 3, f"{bent} by their square root, not to scale", 6, "end", "dim"))
    return Scene(width, height, f"{graph.name or 'model'}: sizes from input to output", _words(shown, joins, letters), tuple(marks))


def _words(shown: list[Stage], joins: set[tuple[int, int]], letters: dict[int, str]) -> str:
    chain = " -> ".join(size for size, _ in groupby("x".join(map(str, stage.form.shape)) or "one number" for stage in shown))
    over = sum(b > a + 1 for a, b in joins)
    if not over:
        return chain
    told = f"{chain}. {over} connection{'s pass' if over > 1 else ' passes'} over other stages."
    return told + (" A letter marks where one leaves and where it arrives." if letters else "")


def _joins(graph: Graph, shown: list[Stage], parts: list[Row]) -> set[tuple[int, int]]:
    """Which stage feeds which. A part that is not shown belongs to the stage before it."""
    stage_of, latest = {0: 0}, 0
    at = {stage.place: i for i, stage in enumerate(shown)}
    for i in range(len(parts)):
        latest = at.get(i, latest)
        stage_of[i + 1] = latest
    return {(stage_of[a], stage_of[b]) for a, b in joined(graph, parts) if stage_of[a] < stage_of[b]}


def _levels(arcs: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """How high each arc rises: above those that begin and end under it."""
    found: dict[tuple[int, int], int] = {}
    for a, b in sorted(arcs, key=lambda arc: (arc[1] - arc[0], arc)):
        found[a, b] = 1 + max((level for (c, d), level in found.items() if c < b and a < d), default=0)
    return found


def _letters(apart, middle: dict[int, float], top: float, room: float, letters: dict[int, str]) -> list[Mark]:
    """A letter in a box over each stage where a connection leaves for another line (filled) and where one arrives (white)."""
    over: dict[int, list[tuple[str, str]]] = {}
    for source in sorted({a for a, _ in apart}):
        n = len(letters)
        letter = letters.setdefault(source, string.ascii_lowercase[n] if n < 26 else str(n))
        if source in middle:
            over.setdefault(source, []).insert(0, (letter, "maps"))
        for b in sorted(b for a, b in apart if a == source and b in middle):
            over.setdefault(b, []).append((letter, "paper"))
    marks: list[Mark] = []
    most = int(room // 9)
    for stage, found in over.items():
        if len(found) > most:
            found = [*found[: most - 1], ("+", "paper")]
        for k, (letter, fill) in enumerate(found):
            x = middle[stage] - 4.5 * len(found) + 9 * k
            marks += [Box(x, top, 8, 8, fill=fill, width=0.4), Text(x + 4, top + 6, letter, 6, "middle", bold=True)]
    return marks


class _Look:
    """How stages are drawn: sizes that all stages of the figure share."""

    def __init__(self, graph: Graph, shown: list[Stage], room: float, style: str):
        self.graph, self.shown, self.room, self.blocks = graph, shown, room, style == "blocks"
        side = min(room - 12, 46.0)
        self.space = Ruler.over([max(s.form.space) for s in shown if len(s.form.space) > 1], side)
        self.maps = Ruler.over([s.form.count for s in shown if s.form.count is not None], side * 1.25)
        words = room - 4 if self.blocks else room + 5
        self._names = [in_lines(s.name, words, 6.5, bold=True) for s in shown]
        self._about = [in_lines(s.about, words, 6, most=3) for s in shown]
        self._most = max(len(name) + len(kind) for name, kind in zip(self._names, self._about))

    def floor(self, here: range) -> float:
        """Where the squares and stacks of one line stand, below its top."""
        return 10 + max(self._tall(self.shown[i]) for i in here)

    def _tall(self, stage: Stage) -> float:
        form = stage.form
        if form.count is None:
            return UNKNOWN
        return max(self.maps.of(form.count), self.space.of(form.space[-2]) if len(form.space) > 1 else 0.0)

    def height(self, here: range) -> float:
        """Of the stages of one line, without brackets."""
        if self.blocks:
            return 14 + 8 * self._most
        return self.floor(here) + 9 + 8 * max(len(self._names[i]) for i in here) + 7.5 * max(len(self._about[i]) for i in here)

    def stage(self, i: int, x: float, top: float, floor: float) -> list[Mark]:
        """One stage whose cell begins at ``x``."""
        stage, middle = self.shown[i], x + self.room / 2
        if self.blocks:
            return self._block(i, x, top)
        form = stage.form
        marks: list[Mark] = []
        if form.above:
            marks.append(Text(middle, top + 7, shortened(form.above, self.room + 8, 6.5), 6.5, "middle", "calculated"))
        marks += self._sizes(i, middle, top + floor)
        y = top + floor + 8
        if form.below:
            marks.append(Text(middle, y, shortened(form.below, self.room + 8, 6.5), 6.5, "middle", "chosen" if form.above else "text"))
        for words in self._names[i]:
            y += 8
            marks.append(Text(middle, y, words, 6.5, "middle", bold=True))
        for words in self._about[i]:
            y += 7.5
            marks.append(Text(middle, y, words, 6, "middle", "dim"))
        return marks

    def _sizes(self, i: int, middle: float, floor: float) -> list[Mark]:
        form = self.shown[i].form
        if form.count is None:  # nothing says what these axes count: a plain block
            return [Box(middle - 5, floor - UNKNOWN, 10, UNKNOWN, fill="soft")]
        tall = self.maps.of(form.count)
        h, w = (self.space.of(n) for n in form.space[-2:]) if len(form.space) > 1 else (0.0, 0.0)
        if len(form.space) == 1:
            h, w = 4.0, min(self.room - 12, 30.0)  # a row of places
        x = middle - (w + (3 if w else 0) + 6) / 2
        marks: list[Mark] = [Box(x, floor - h, w, h, fill="space")] if w else []
        at = x + (w + 3 if w else 0)
        if form.count <= CARDS:
            one = max(1.3, tall / max(1, form.count))
            marks += [Box(at, floor - (k + 1) * one, 6, one, fill="maps", width=0.3) for k in range(form.count)]
        else:
            marks.append(Box(at, floor - tall, 6, tall, fill="maps"))
        return marks + self._window(i + 1, x, floor - h, h, w)

    def _window(self, i: int, x: float, y: float, h: float, w: float) -> list[Mark]:
        """The window the next stage moves over this one, true to scale in the corner where it starts."""
        if i >= len(self.shown) or self.space.bent or self.shown[i].row is None or self.shown[i].row.kids:
            return []
        node = self.graph.nodes[self.shown[i].row.first]
        if node.rule is None or node.rule.pointwise or getattr(node.rule, "adaptive", False):
            return []
        if node.inputs[:1] != (self.shown[i - 1].made,):
            return []
        found = node.rule.reach(self.graph.call(node)) or {}
        if len(found) != 2 or any(window.stride < 1 for window in found.values()):
            return []
        unit = self.space.length / self.space.most
        tall, broad = (int(window.size) * unit for _, window in sorted(found.items()))
        return [Box(x, y, broad, tall, fill="kernel", width=0.4)] if tall <= h and broad <= w and tall >= 1.5 else []

    def _block(self, i: int, x: float, top: float) -> list[Mark]:
        y, middle = top + 10, x + self.room / 2
        marks: list[Mark] = [Box(x, top, self.room, 14 + 8 * self._most, fill="soft")]
        for words in self._names[i]:
            marks.append(Text(middle, y, words, 6.5, "middle", bold=True))
            y += 8
        for words in self._about[i]:
            marks.append(Text(middle, y, words, 6, "middle", "dim"))
            y += 8
        sizes = "x".join(map(str, self.shown[i].form.shape)) or "one number"
        return [*marks, Text(middle, top + 8 * self._most + 10, shortened(sizes, self.room + 4, 6), 6, "middle")]

    def brackets(self, here: range, at: dict[int, float], y: float) -> tuple[list[Mark], float]:
        """Under neighbours that stand in one module its name, where their own names do not say it."""
        marks: list[Mark] = []
        start = here[0]
        for i in [*here[1:], here[-1] + 1]:
            module = self._module(start)
            if i <= here[-1] and self._module(i) == module:
                continue
            inner = range(start, i)
            if module and len(inner) > 1 and not any(self.shown[k].name.partition(".")[0] == module for k in inner):
                a, b = at[start] + 1, at[i - 1] + self.room - 1
                marks.append(Line(((a, y + 3), (a, y + 5), (b, y + 5), (b, y + 3)), "dim", 0.5))
                marks.append(Text((a + b) / 2, y + 12, shortened(module, b - a, 6), 6, "middle", "dim"))
            start = i
        return marks, 13.0 if marks else 0.0

    def _module(self, i: int) -> str:
        row = self.shown[i].row
        return self.graph.nodes[row.first].path.partition(".")[0] if row is not None and row.depth else ""


def in_lines(words: str, room: float, size: float, bold: bool = False, most: int = 2) -> list[str]:
    """Words in at most ``most`` lines, broken where a name has its joints.

    >>> in_lines("AdaptiveAvgPool2d", 40, 6)
    ['AdaptiveAvg', 'Pool2d']
    """
    if not words:
        return []
    lines, rest = [], words
    while rest and len(lines) < most - 1 and wide(rest, size, bold) > room:
        joints = [
            m.end() for m in re.finditer(r"[_. ](?=.)|[a-z0-9](?=[A-Z])", rest[:400]) if wide(rest[: m.end()].rstrip(), size, bold) <= room
        ]
        if not joints:
            break
        lines.append(rest[: joints[-1]].rstrip())
        rest = rest[joints[-1] :]
    return [*lines, shortened(rest, room, size, bold)]
