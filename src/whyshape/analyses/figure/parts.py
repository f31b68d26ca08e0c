"""The parts of a module and how they are joined, opened as deep as asked."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from whyshape.analyses.figure.stages import about, called, folded, inside, operator, short, size_text
from whyshape.analyses.layout import Picture, joined, placed
from whyshape.analyses.rows import Row
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story.scene import SMALLEST, Box, Line, Mark, Scene, Text, shortened, wide

HIGH, LEAST, MOST = 22.0, 46.0, 110.0  # of a box: how high, and how wide
GAP, TRACK, LANE, BESIDE = 11.0, 4.0, 7.0, 12.0  # between rows, between lines in a gap, between lines beside the parts, between parts
PORT = 6.0  # from the middle of a box to where a line from aside enters
FRAME = 7.0  # around the parts of an opened module
LARGEST = 60  # parts of one module in one picture


class Sheet(NamedTuple):
    """Marks laid out from 0, 0; data enters and leaves at ``axis``."""

    width: float
    height: float
    axis: float
    marks: list[Mark]


def parts(graph: Graph, path: str = "", width: float = 0, depth: int = 1) -> Scene:
    """The parts of a module (or of the whole model): data flows down, what skips parts passes beside them.

    ``depth`` opens modules inside modules; a block that is repeated is opened once. Raises `WhyshapeError` where there are no parts.
    """
    every, index = asked(graph, path)
    if depth < 1:
        raise WhyshapeError(f"a graph is drawn at least 1 level deep, not {depth}")
    sheet = _laid(graph, every, index, depth)
    broad = max(width, sheet.width + 8)
    left = (broad - sheet.width) / 2
    top = 13.0
    marks = [Text(max(left + sheet.axis, 28), 9, "what comes in", 6.5, "middle", "dim"), *_moved(sheet.marks, left, top)]
    found = [called(graph, every[p]) for p in inside(every, index)]
    return Scene(broad, top + sheet.height + 6, f"{path or graph.name or 'model'}: {len(found)} parts", ", ".join(found), tuple(marks))


def _laid(graph: Graph, every: list[Row], index: int, depth: int, framed: bool = False) -> Sheet:
    """The parts of one row, joined. What comes in is number 0; in a frame what goes out is the last number."""
    found = inside(every, index)
    if len(found) > LARGEST:
        raise WhyshapeError(f"{len(found)} parts are too many for a picture; name a module inside: --layer PATH")
    edges = joined(graph, [every[p] for p in found])
    boxes = [_told(graph, every[p], framed) for p in found]
    room = max((max(wide(name, 6.5, True), wide(size, SMALLEST) + 6 + wide(kind, SMALLEST)) for name, size, kind in boxes), default=0) + 8
    room = min(max(room, LEAST), MOST)  # all boxes of a module are equally wide
    sheets = [Sheet(0, 0, 0, []), *(_part(graph, every, p, depth, room, box) for p, box in zip(found, boxes))]
    if framed:
        ends = {a for a, _ in edges}
        edges = [*edges, *((i, len(found) + 1) for i in range(1, len(found) + 1) if i not in ends)]
        sheets.append(Sheet(0, 0, 0, []))
    return _drawn(placed(len(sheets), edges), sheets)


def _told(graph: Graph, row: Row, framed: bool) -> tuple[str, str, str]:
    """What stands in a box: the part's name, its result, its type."""
    last = graph.nodes[row.first + row.count - 1]
    name = short(called(graph, row._replace(times=1))) if row.name and not framed else row.name or operator(last)
    return name, size_text(tuple(map(int, graph.tensors[last.outputs[0]].shape))), about(graph, row, last, name)


def _part(graph: Graph, every: list[Row], place: int, depth: int, room: float, told: tuple[str, str, str]) -> Sheet:
    name, size, kind = told
    if depth > 1 and len(inside(every, place)) > 1:
        kids = _laid(graph, every, place, depth - 1, framed=True)
        title = f"{name}  {kind}".strip()
        wider = max(kids.width, min(wide(title, 6.5, True) + wide(size, SMALLEST) + 13, 2 * MOST) - 2 * FRAME, LEAST)
        aside = (wider - kids.width) / 2
        axis = kids.axis + FRAME + aside
        width, height = wider + 2 * FRAME, kids.height + 12
        marks: list[Mark] = [Box(0, 0, width, height + 1, fill="out" if depth % 2 else "soft", edge="dim")]
        marks += _moved(kids.marks, FRAME + aside, 12)
        marks += [
            Text(4, 8, shortened(title, width - wide(size, SMALLEST) - 12, 6.5, True), 6.5, bold=True),
            Text(width - 4, 8, size, SMALLEST, "end"),
        ]
        return Sheet(width, height + 1, axis, marks)
    return _box(name, size, kind, room)


def _box(name: str, size: str, kind: str, room: float) -> Sheet:
    """A part that is not opened: its name, its result and its type."""
    left = room - 8 - wide(size, SMALLEST) - 6
    marks: list[Mark] = [Box(0, 0, room, HIGH, fill="paper"), Text(4, 9, shortened(name, room - 8, 6.5, True), 6.5, bold=True)]
    marks.append(Text(4, 18, shortened(size, room - 8, SMALLEST), SMALLEST, ink="chosen"))
    if kind and wide(kind, SMALLEST) <= left + 0.01:
        marks.append(Text(room - 4, 18, kind, SMALLEST, "end", "dim"))
    return Sheet(room, HIGH, room / 2, marks)


class _Lines(NamedTuple):
    """Where the lines run: the x of every number and of every stand-in, and which track of a gap each sideways stretch takes."""

    x: dict[tuple[int, int], float]  # by column of the layout (a row on paper) and place in it
    tracks: dict[tuple[int, int, int], int]  # by gap, source and place it leaves
    gaps: list[float]  # how high each gap is


def _drawn(sketch: Picture, sheets: list[Sheet]) -> Sheet:
    """Boxes in rows, with room between the rows for as many lines side by side as run there."""
    rows = max(column for column, _ in sketch.at) + 1
    high = [max((sheets[i].height for i, (column, _) in enumerate(sketch.at) if column == row), default=0.0) for row in range(rows)]
    x, broad = _across(sketch, sheets)
    ways = [_way(sketch, edge) for edge in sketch.edges]
    lines = _tracks(sketch, ways, x, sheets, rows)
    top, y = [], 0.0
    for row in range(rows):
        y += lines.gaps[row]
        top.append(y)
        y += high[row]
    marks: list[Mark] = []
    for (a, b, *_), way in zip(sketch.edges, ways):
        start = top[way[0][0]] + sheets[a].height
        points = [(x[way[0]], start)]
        for before, after in pairwise(way):
            row, there = after[0], _arrival(x, before, after, way, sheets[b])
            if there != points[-1][0]:
                level = top[row] - 6 - TRACK * lines.tracks.get((row, a, before[1]), 0)
                points += [(points[-1][0], level), (there, level)]
            points.append((there, top[row]))
        marks.append(Line(tuple(points), "line", 0.7, arrow=sheets[b].height > 0))
    for i, (column, place) in enumerate(sketch.at):
        marks += _moved(sheets[i].marks, x[column, place] - sheets[i].axis, top[column])
    return Sheet(broad, y, x[sketch.at[0][0], sketch.at[0][1]], marks)


def _arrival(x, before, after, way, target: Sheet) -> float:
    """Where a hop ends: what comes from aside enters a box beside its middle, so that it cannot be taken for what goes straight down."""
    aside = after == way[-1] and target.height > 0 and x[before] != x[after]
    return x[after] + (PORT if x[before] > x[after] else -PORT) * aside


def _way(sketch: Picture, edge: list[int]) -> list[tuple[int, int]]:
    a, b, *passed = edge
    column = sketch.at[a][0]
    places = [sketch.at[a][1], *passed, sketch.at[b][1]]
    return [(column + k, place) for k, place in enumerate(places)]


def _across(sketch: Picture, sheets: list[Sheet]) -> tuple[dict[tuple[int, int], float], float]:
    """The x of every place: parts that share a place stand on one axis, stand-ins pass to the right of all parts."""
    left: dict[int, float] = {}
    right: dict[int, float] = {}
    for sheet, (_, place) in zip(sheets, sketch.at):
        left[place] = max(left.get(place, 0.0), sheet.axis)
        right[place] = max(right.get(place, 0.0), sheet.width - sheet.axis)
    axis, edge = {}, 0.0
    for place in sorted(left):
        axis[place] = edge + left[place]
        edge = axis[place] + right[place] + BESIDE
    edge -= BESIDE
    x = {(column, place): axis[place] for column, place in sketch.at}
    # What one source sends past several rows runs as one line, in the first lane that is free in all of them.
    passing: dict[int, set[tuple[int, int]]] = {}
    for sent in sketch.edges:
        if len(sent) > 2:
            passing.setdefault(sent[0], set()).update(_way(sketch, sent)[1:-1])
    lanes: list[set[int]] = []
    for _, cells in sorted(passing.items(), key=lambda item: (len(item[1]), item[0])):
        rows = {column for column, _ in cells}
        lane = next((k for k, taken in enumerate(lanes) if not taken & rows), len(lanes))
        if lane == len(lanes):
            lanes.append(set())
        lanes[lane] |= rows
        x.update(dict.fromkeys(cells, edge + LANE * (1 + lane)))
    return x, edge + (LANE * len(lanes) + 3 if lanes else 0)


class _Stretch(NamedTuple):
    """A line's way sideways in a gap, from ``low`` to ``high``, and the places it leads to."""

    low: float
    high: float
    to: frozenset[int]

    def keeps_clear(self, other: _Stretch) -> bool:
        """Whether both may run on one track: they do not meet, or they end in one and the same box."""
        return self.high < other.low - 1 or other.high + 1 < self.low or (self.to == other.to and len(self.to) == 1)


def _tracks(sketch: Picture, ways, x, sheets: list[Sheet], rows: int) -> _Lines:
    """Sideways stretches in one gap take different tracks where they would lie on each other and mean different things."""
    stretches: list[dict[tuple[int, int], _Stretch]] = [{} for _ in range(rows)]
    for (a, b, *_), way in zip(sketch.edges, ways):
        for before, after in pairwise(way):
            low, high = sorted((x[before], _arrival(x, before, after, way, sheets[b])))
            if low != high:
                known = stretches[after[0]].get((a, before[1]), _Stretch(low, high, frozenset()))
                joined = _Stretch(min(known.low, low), max(known.high, high), known.to | {after[1]})
                stretches[after[0]][a, before[1]] = joined
    tracks: dict[tuple[int, int, int], int] = {}
    gaps = []
    for row, here in enumerate(stretches):
        taken: list[list[_Stretch]] = []
        for (source, place), stretch in sorted(here.items(), key=lambda item: (item[1].high - item[1].low, item[0])):
            track = next((k for k, known in enumerate(taken) if all(map(stretch.keeps_clear, known))), len(taken))
            if track == len(taken):
                taken.append([])
            taken[track].append(stretch)
            tracks[row, source, place] = track
        gaps.append((GAP if row else 0.0) + TRACK * max(0, len(taken) - 1))
    return _Lines(x, tracks, gaps)


def _moved(marks, dx: float, dy: float) -> list[Mark]:
    return [
        m._replace(points=tuple((x + dx, y + dy) for x, y in m.points)) if isinstance(m, Line) else m._replace(x=m.x + dx, y=m.y + dy)
        for m in marks
    ]


def asked(graph: Graph, path: str) -> tuple[list[Row], int]:
    """All rows, and the one that is asked for: -1 is the whole model."""
    every = folded(graph)
    if not path:
        return every, -1
    names: list[str] = []
    for i, row in enumerate(every):
        del names[row.depth :]
        names.append(row.name)
        if ".".join(n for n in names if n) == path:
            if not row.kids:
                raise WhyshapeError(f"{path} is a single layer: it has no parts to draw")
            return every, i
    known = [called(graph, row._replace(times=1)) for row in every if row.kids]
    told = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    raise WhyshapeError(f"no module with parts is called {path!r}; there are: {told or 'none'}")
