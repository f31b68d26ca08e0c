"""Blocks in rows, data flowing down; what passes rows runs beside them; what is too tall goes on in the next strip.

All places are computed as if every strip flowed down from its top. Where many lines are carried from strip to strip, every second strip
flows up, so that a U becomes a U.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count, pairwise
from typing import NamedTuple, Protocol

from whyshape.analyses.figure.strips import LOOK_BACK, carried_over, strips
from whyshape.analyses.layout import Picture
from whyshape.story.scene import Line, Mark

GAP, TRACK, LANE, BESIDE = 11.0, 4.0, 7.0, 12.0  # between rows, between lines in a gap, between lines beside blocks, between blocks
TIP = 6.0  # the least an arrow goes straight before it ends
PORT = 6.0  # from the middle of a block to where a line from aside enters
NUDGES = (0.0, 1.3, -1.3)  # how a line moves aside that would run into another one between two strips


class Block(Protocol):
    """Something to stand in a flow: how large it is, the x where data enters and leaves it, and how it is painted."""

    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def enter(self) -> float: ...
    @property
    def leave(self) -> float: ...
    def paint(self, x: float, y: float, up: bool) -> list[Mark]: ...


class Point(NamedTuple):
    """Where data comes into a flow or goes out of it."""

    width: float = 0.0
    height: float = 0.0
    enter: float = 0.0
    leave: float = 0.0

    def paint(self, x: float, y: float, up: bool) -> list[Mark]:
        """Nothing is seen of it."""
        return []


class _Stretch(NamedTuple):
    """A line's way sideways in a gap, from ``low`` to ``high``, and the blocks it leads to."""

    low: float
    high: float
    to: frozenset[int]

    def keeps_clear(self, other: _Stretch) -> bool:
        """Whether both may run on one track: they do not meet, or they end in one and the same block."""
        return self.high < other.low - 1 or other.high + 1 < self.low or (self.to == other.to and len(self.to) == 1)


class Flow:
    """The blocks of a sketch laid out; a block like others, so that flows can stand in flows.

    ``tall`` is how high it may be before it goes on in a new strip; ``closed`` that its last block is where data leaves it, at its lower
    edge. ``paint`` draws it; ``up`` upside down, words upright.
    """

    def __init__(self, sketch: Picture, blocks: list, tall: float, closed: bool = False, look_back: float = LOOK_BACK):
        self.sketch, self.blocks, self.closed = sketch, blocks, closed
        self.rows = max(column for column, _ in sketch.at) + 1
        self.high = [max((b.height for b, at in zip(blocks, sketch.at) if at[0] == row), default=0.0) for row in range(self.rows)]
        self.strips = strips(sketch, self.high, tall, GAP, look_back)
        self.strip = [k for k, rows in enumerate(self.strips) for _ in rows]  # of each row
        carried = carried_over(sketch, self.rows)
        turns = not closed and any(carried[rows[0]] > 1 for rows in self.strips[1:])
        self.upward = [turns and k % 2 == 1 for k in range(len(self.strips))]
        self.x: dict[tuple[int, int], float] = {}  # within the strip, by row and place
        self.broad = [self._across(rows) for rows in self.strips]
        self._single = self._fed_by_one()
        self._tracks: dict[tuple[int, int], int] = {}  # by gap and the block whose line runs there; gap n is under the last row
        self._gaps = self._along()
        self._down()
        self._beside()
        self.enter, self.leave = self._axis(0), self._axis(len(blocks) - 1)

    def _axis(self, i: int) -> float:
        return self.left[self._of(i)] + self.x[self._cell(i)]

    def _cell(self, i: int) -> tuple[int, int]:
        """The row and the place of a block."""
        row, place = self.sketch.at[i]
        return row, place

    def _of(self, i: int) -> int:
        """The strip of a block."""
        return self.strip[self.sketch.at[i][0]]

    def _across(self, rows: range) -> float:
        """The x of every block and of every line of a strip; how wide the strip is."""
        here = sorted((self._cell(i)[::-1], i) for i in range(len(self.blocks)) if self._cell(i)[0] in rows)
        joined = {tuple(edge) for edge in self.sketch.edges if len(edge) == 2}
        columns: list[list[int]] = []  # blocks on one axis: what stands at place 0, and what runs straight down beside it
        for (place, row), i in here:
            last = columns[-1][-1] if columns else None
            if (
                last is not None
                and place == self._cell(last)[1]
                and (not place or (self._cell(last)[0] == row - 1 and (last, i) in joined))
            ):
                columns[-1].append(i)
            else:
                columns.append([i])
        edge: dict[int, float] = {}  # of each row: how far it is taken
        for column in columns:
            axis = max(edge.get(self._cell(i)[0], -BESIDE) + BESIDE + self.blocks[i].enter for i in column)
            for i in column:
                self.x[self._cell(i)] = axis
                edge[self._cell(i)[0]] = axis - self.blocks[i].enter + self.blocks[i].width
        return max(max(edge.values()), self._lanes(rows, edge))

    def _lanes(self, rows: range, edge: dict[int, float]) -> float:
        """What one block sends past several rows runs as one line: straight down where nothing is in its way, else right of what it passes."""
        passing: dict[int, set[tuple[int, int]]] = {}
        ends: dict[int, set[int]] = {}
        for sent in self.sketch.edges:
            if len(sent) > 2 and self.sketch.at[sent[0]][0] in rows and self.sketch.at[sent[1]][0] in rows:
                passing.setdefault(sent[0], set()).update(self._way(sent)[1:-1])
                ends.setdefault(sent[0], set()).add(sent[1])
        taken: list[tuple[float, set[int]]] = []
        for source, cells in sorted(passing.items(), key=lambda item: (len(item[1]), item[0])):
            met = {row for row, _ in cells} | {self._cell(b)[0] for b in ends[source]}
            beside = max(edge[row] for row, _ in cells)
            for x in chain([self._start(source)], count(beside + LANE, LANE)):
                clear = all(abs(x - other) >= LANE or not met & known for other, known in taken)
                if clear and self._free(x, met, ends[source]):
                    break
            taken.append((x, met))
            if source and not self.blocks[source].width:  # what comes in beside the first begins on its lane
                self.x[self._cell(source)] = x
            self.x.update(dict.fromkeys(cells, x))
        return max((x + 3 for x, _ in taken), default=0.0)

    def _free(self, x: float, rows: set[int], ends: set[int]) -> bool:
        """Whether no block of these rows, but those where the line ends, stands at ``x`` or beside it."""
        for i, block in enumerate(self.blocks):
            left = self.x.get(self._cell(i), 0.0) - block.enter
            if self._cell(i)[0] in rows and i not in ends and left - LANE + 0.01 < x < left + block.width + LANE - 0.01:
                return False
        return True

    def _way(self, edge: list[int]) -> list[tuple[int, int]]:
        a, b, *passed = edge
        row = self.sketch.at[a][0]
        places = [self.sketch.at[a][1], *passed, self.sketch.at[b][1]]
        return [(row + k, place) for k, place in enumerate(places)]

    def _inside(self, edge: list[int]) -> bool:
        """Whether an edge stays in one strip."""
        return self._of(edge[0]) == self._of(edge[1])

    def _start(self, i: int) -> float:
        """The x, in its strip, where data leaves a block."""
        return self.x[self._cell(i)] - self.blocks[i].enter + self.blocks[i].leave

    def _fed_by_one(self) -> set[int]:
        """The blocks that one edge enters."""
        fed = [edge[1] for edge in self.sketch.edges]
        return {b for b in fed if fed.count(b) == 1}

    def _arrival(self, b: int, from_x: float) -> float:
        """Where an edge enters a block: what comes from aside enters beside the middle, lest it be taken for what goes straight down."""
        x = self.x[self._cell(b)]
        if self.blocks[b].height == 0 or b in self._single or abs(from_x - x) < 0.01:
            return x
        return x + (PORT if from_x > x else -PORT)

    def _hops(self, edge: list[int]) -> list[tuple[int, float, float]]:
        """The steps of an edge through the gaps above its rows: the gap, the x it comes from and the x it goes to."""
        a, b = edge[:2]
        row_a, row_b = self.sketch.at[a][0], self.sketch.at[b][0]
        if not self._inside(edge):  # out to the right of its strip, and in from the left of the other one
            return [(row_a + 1, self._start(a), self.broad[self._of(a)] + 1), (row_b, -1.0, self._arrival(b, -1.0))]
        way = self._way(edge)
        xs = [self._start(a), *(self.x[cell] for cell in way[1:])]
        xs[-1] = self._arrival(b, xs[-2])
        return [(cell[0], x, to) for (x, to), cell in zip(pairwise(xs), way[1:])]

    def _gap(self, edge: list[int], k: int, row: int) -> int:
        """A number for the gap of hop ``k``: the one above the row, but under the strip's last row where an edge leaves the strip."""
        leaves = not self._inside(edge) and k == 0 and (row == self.rows or self.strip[row] != self._of(edge[0]))
        return self.rows + self._of(edge[0]) if leaves else row

    def _along(self) -> list[float]:
        """How high each gap is: sideways stretches that would lie on each other and mean different things take different tracks."""
        stretches: list[dict[int, _Stretch]] = [{} for _ in range(self.rows + len(self.strips))]
        for edge in self.sketch.edges:
            for k, (row, x, to) in enumerate(self._hops(edge)):
                if x != to:
                    low, high = sorted((x, to))
                    here = stretches[self._gap(edge, k, row)]
                    ends = {edge[1]} if k == len(self._hops(edge)) - 1 else {-1 - edge[0]}
                    known = here.get(edge[0], _Stretch(low, high, frozenset()))
                    here[edge[0]] = _Stretch(min(known.low, low), max(known.high, high), known.to | ends)
        gaps = []
        firsts = {rows[0] for rows in self.strips}
        for gap, here in enumerate(stretches):
            taken: list[list[_Stretch]] = []
            for source, stretch in sorted(here.items(), key=lambda item: (item[1].high - item[1].low, item[0])):
                track = next((k for k, known in enumerate(taken) if all(map(stretch.keeps_clear, known))), len(taken))
                if track == len(taken):
                    taken.append([])
                taken[track].append(stretch)
                self._tracks[gap, source] = track
            plain = gap in firsts or gap >= self.rows  # nothing runs there unless it must
            gaps.append((0.0 if plain and not taken else GAP) + TRACK * max(0, len(taken) - 1))
        return gaps

    def _down(self) -> None:
        """The y of every row within its strip, and how high the strips are."""
        self.top = [0.0] * self.rows
        self.ends = []
        for k, rows in enumerate(self.strips):
            y = 0.0
            for row in rows:
                y += self._gaps[row]
                self.top[row] = y
                y += self.high[row]
            self.ends.append(y + self._gaps[self.rows + k])
        self.tall = max(self.ends)
        if self.closed:  # data leaves at the lower edge, however short the last strip is
            self.top[-1] = self.ends[-1] = self.tall

    def _level(self, gap: int, source: int) -> float:
        """The y, in its strip, of a line's way sideways in a gap."""
        end = self.top[gap] if gap < self.rows else self.ends[gap - self.rows]
        return end - TIP - TRACK * self._tracks[gap, source]

    def _y(self, strip: int, y: float) -> float:
        return self.tall - y if self.upward[strip] else y

    def _beside(self) -> None:
        """Lanes between the strips, the x of every strip, and tracks above all strips for what goes further than to the next one."""
        out: list[dict[int, float]] = [{} for _ in self.strips]  # by strip at the lane's left: each source's level
        into: list[dict[tuple[int, int], list[int]]] = [{} for _ in self.strips]  # by gap and track at its right: who arrives there
        far: dict[int, tuple[int, int]] = {}
        crossing = [edge for edge in self.sketch.edges if not self._inside(edge)]
        for edge in crossing:
            a, b = self._of(edge[0]), self._of(edge[1])
            gap_a, gap_b = (self._gap(edge, k, row) for k, (row, *_) in enumerate(self._hops(edge)))
            out[a][edge[0]] = self._y(a, self._level(gap_a, edge[0]))
            into[b - 1].setdefault((gap_b, self._tracks[gap_b, edge[0]]), []).append(edge[0])
            if b > a + 1:
                low, high = far.get(edge[0], (a, b - 1))
                far[edge[0]] = min(low, a), max(high, b - 1)
        self._over: dict[int, int] = {}
        taken: list[list[tuple[int, int]]] = []
        for source, (low, high) in sorted(far.items(), key=lambda item: (item[1][1] - item[1][0], item)):
            track = next((k for k, known in enumerate(taken) if all(high < lo or hi < low for lo, hi in known)), len(taken))
            taken += [[]] * (track == len(taken))
            taken[track] = [*taken[track], (low, high)]
            self._over[source] = track
        head = TRACK * (len(taken) + 1) if taken else 0.0
        self._nudge: dict[tuple[int, int], float] = {}
        self._lane: dict[tuple[int, int], int] = {}
        widths = [self._gutter(k, out[k], into[k], -head) for k in range(len(self.strips) - 1)]
        self.left = [0.0]
        for broad, gutter in zip(self.broad, widths):
            self.left.append(self.left[-1] + broad + gutter)
        self.width = self.left[-1] + self.broad[-1]
        self.head, self.height = head, self.tall + head

    def _gutter(self, k: int, out: dict[int, float], into: dict[tuple[int, int], list[int]], above: float) -> float:
        """Lanes for all that runs up or down between strip ``k`` and the next; how wide the room between them is."""
        spans: dict[int, list[float]] = {source: [y] for source, y in out.items()}
        for (gap, track), sources in into.items():
            level = self._y(k + 1, self.top[gap] - TIP - TRACK * track)
            others = [y for source, y in out.items() if source not in sources]
            self._nudge[gap, track] = nudge = max(NUDGES, key=lambda n: (min([2.0, *(abs(level + n - y) for y in others)]), -abs(n)))
            for source in sources:
                spans.setdefault(source, []).append(level + nudge)
        for source in spans:
            if source in self._over:
                spans[source].append(above)
        taken: list[list[tuple[float, float]]] = []
        for source, ys in sorted(spans.items(), key=lambda item: (max(item[1]) - min(item[1]), item[0])):
            low, high = min(ys), max(ys)
            lane = next((i for i, known in enumerate(taken) if all(high < lo - 1 or hi + 1 < low for lo, hi in known)), len(taken))
            taken += [[]] * (lane == len(taken))
            taken[lane] = [*taken[lane], (low, high)]
            self._lane[k, source] = lane
        return max(2 * BESIDE, BESIDE + LANE * len(taken))

    def _points(self, edge: list[int]) -> list[tuple[float, float]]:
        """The corners of an edge, from the block it leaves to the block it enters."""
        a, b = edge[:2]
        strip_a, strip_b = self._of(a), self._of(b)
        start = self.top[self.sketch.at[a][0]] + self.blocks[a].height
        hops, here = self._hops(edge), self.left[strip_a]
        if strip_a == strip_b:
            points = [(here + hops[0][1], self._y(strip_a, start))]
            for row, x, to in hops:
                if x != to:
                    level = self._y(strip_a, self._level(row, a))
                    points += [(here + x, level), (here + to, level)]
                points.append((here + to, self._y(strip_a, self.top[row])))
            return points
        (row_a, x, _), (row_b, _, to) = hops
        gap_a, gap_b = self._gap(edge, 0, row_a), self._gap(edge, 1, row_b)
        leaves = self._y(strip_a, self._level(gap_a, a))
        arrives = self._y(strip_b, self._level(gap_b, a)) + self._nudge[gap_b, self._tracks[gap_b, a]]
        lanes = [self.left[k] + self.broad[k] + BESIDE / 2 + LANE * self._lane[k, a] for k in dict.fromkeys((strip_a, strip_b - 1))]
        points = [(here + x, self._y(strip_a, start)), (here + x, leaves), (lanes[0], leaves)]
        if len(lanes) > 1:
            over = -TRACK * (1 + self._over[a])
            points += [(lanes[0], over), (lanes[1], over)]
        end = self.left[strip_b] + to
        return [*points, (lanes[-1], arrives), (end, arrives), (end, self._y(strip_b, self.top[row_b]))]

    @property
    def ink(self) -> float:
        """How long all its lines are."""
        ways = (pairwise(self._points(edge)) for edge in self.sketch.edges)
        return sum(abs(c - a) + abs(d - b) for way in ways for (a, b), (c, d) in way)

    def paint(self, x: float, y: float, up: bool) -> list[Mark]:
        """The lines, then the blocks, with the upper left corner at ``x, y``."""
        place: Callable[[float, float], tuple[float, float]] = lambda px, py: (
            x + px,
            y + self.height - (py + self.head) if up else y + py + self.head,
        )
        marks: list[Mark] = []
        for edge in self.sketch.edges:
            points = tuple(place(px, py) for px, py in _without_doubles(self._points(edge)))
            marks.append(Line(points, "line", 0.7, arrow=self.blocks[edge[1]].height > 0))
        for i, (block, at) in enumerate(zip(self.blocks, self.sketch.at)):
            strip, row = self._of(i), at[0]
            turned = up != self.upward[strip]
            px, py = place(self._axis(i) - block.enter, self._y(strip, self.top[row]))
            marks += block.paint(px, py - block.height if turned else py, turned)
        return marks


def _without_doubles(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners without those that lie on the straight between their neighbours."""
    kept = [points[0]]
    for here, after in pairwise(points[1:]):
        straight = (kept[-1][0] == here[0] == after[0]) or (kept[-1][1] == here[1] == after[1])
        if not straight and here != kept[-1]:
            kept.append(here)
    return [*kept, points[-1]]
