"""What is drawn of each module: its parts, which of them are opened, and which boxes stand closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from whyshape.analyses.figure.boxes import LEAST, MEASURED, WIDEST, Box, Entry, Frame
from whyshape.analyses.figure.flow import Flow, Point
from whyshape.analyses.figure.stages import about, called, inside, operator, short, size_text, together
from whyshape.analyses.figure.strips import LOOK_BACK
from whyshape.analyses.layout import Picture, placed
from whyshape.analyses.rows import Row
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story.scene import SMALLEST, wide

MANY, LARGEST = 16, 240  # parts of a module: beyond the first, calls in a row are one part; beyond the second, there is no picture
ENTRIES = 3  # tensors that come in one by one; more come in together


class Plan(NamedTuple):
    """The parts of a module as they are drawn: the rows, those told in the box of the row before them, and how they are joined."""

    rows: list[Row]
    after: list[list[Row]]
    entries: list[tuple[str, str]]  # what comes in: its name and its size
    sketch: dict[bool, Picture]  # by whether it stands in a frame
    names: list[str]


class Plans:
    """What is drawn of each module; planned once, laid out as often as it takes to fit the paper.

    ``closed``: modules that are not opened, by their places in ``every``, each with what its box says of that.
    """

    def __init__(self, graph: Graph, every: list[Row]):
        self.graph, self.every = graph, every
        self.closed: dict[int, str] = {}
        self._places = {row: i for i, row in enumerate(every)}
        self._plans: dict[int, Plan] = {}
        self._boxes: dict[tuple[int, float, bool], list[Box]] = {}
        self._whole: dict[tuple[int, int, float], Flow] = {}

    def closing(self, closed: dict[int, str]) -> Plans:
        """The same, with these modules closed too."""
        other = Plans(self.graph, self.every)
        other._plans, other._boxes = self._plans, self._boxes  # neither asks what is open
        other.closed = self.closed | closed
        return other

    def of(self, index: int) -> Plan:
        """The plan of one module; -1 is the whole model."""
        if index not in self._plans:
            self._plans[index] = self._made(index)
        return self._plans[index]

    def _made(self, index: int) -> Plan:
        rows = together([self.every[p] for p in inside(self.every, index)], MANY)
        if len(rows) > LARGEST:
            raise WhyshapeError(f"{len(rows)} parts are too many for a picture; name a module inside: --layer PATH")
        names = [called(self.graph, row) for row in rows]
        entries, edges = self._joined(rows)
        first = len(entries)
        kept, after = self._told_before(rows, edges, first)
        new = {i: i for i in range(first)}
        for i, row in enumerate(rows, first):
            new[i] = kept.index(row) + first if row in kept else new[i - 1]
        joins = sorted({(new[a], new[b]) for a, b in edges if new[a] != new[b]})
        n = first + len(kept)
        ends = {a for a, _ in joins}
        leaving = [*joins, *((i, n) for i in range(first, n) if i not in ends)]
        return Plan(kept, after, entries, {False: placed(n, joins, first), True: placed(n + 1, leaving, first)}, names)

    def _joined(self, rows: list[Row]) -> tuple[list[tuple[str, str]], list[tuple[int, int]]]:
        """What comes in from outside, and which part feeds which; what comes in has the first numbers."""
        tensors, made, outside, read = self.graph.tensors, {}, {}, []
        for i, row in enumerate(rows):
            span = self.graph.nodes[row.first : row.first + row.count]
            for node in span:
                made.update(dict.fromkeys(node.outputs, i))
                for t in node.inputs:
                    if tensors[t].kind in ("activation", "input") and made.get(t) != i:
                        read.append((t, i))
                        if t not in made:
                            outside.setdefault(t, len(outside))
        several = len(outside) > ENTRIES
        entries = [
            (tensors[t].name if tensors[t].kind == "input" and len(outside) > 1 else "what comes in", self._size(t)) for t in outside
        ]
        if several or not entries:
            entries = [("what comes in", f"{len(outside)} tensors")] if several else [("", "")]
        first = len(entries)
        number = lambda t: made[t] + first if t in made else 0 if several else outside[t]
        return entries, sorted({(number(t), i + first) for t, i in read})

    def _size(self, tensor: int) -> str:
        return size_text(tuple(map(int, self.graph.tensors[tensor].shape)))

    def _told_before(self, rows: list[Row], edges: list[tuple[int, int]], first: int) -> tuple[list[Row], list[list[Row]]]:
        """The rows that get a box, and for each those told in it: single steps after it that compute and resize nothing."""
        sources: dict[int, list[int]] = {}
        readers: dict[int, list[int]] = {}
        for a, b in edges:
            sources.setdefault(b, []).append(a)
            readers.setdefault(a, []).append(b)
        kept: list[Row] = []
        after: list[list[Row]] = []
        for i, row in enumerate(rows, first):
            alone = kept and sources.get(i) == [i - 1] and readers.get(i - 1) == [i] and not self.opens(kept[-1])
            if alone and self._quiet(row):
                after[-1].append(row)
            else:
                kept.append(row)
                after.append([])
        return kept, after

    def _quiet(self, row: Row) -> bool:
        node = self.graph.nodes[row.first]
        if row.kids or row.count > 1 or node.rule is None or len(node.outputs) != 1 or not node.inputs:
            return False
        sizes = [tuple(map(int, self.graph.tensors[t].shape)) for t in (node.inputs[0], node.outputs[0])]
        call = self.graph.call(node)
        slides = any(int(w.size) > 1 or w.stride < 1 for w in (node.rule.reach(call) or {}).values())
        return sizes[0] == sizes[1] and not slides and not node.rule.macs(call)

    def opens(self, row: Row) -> bool:
        """Whether there is something to see inside a row."""
        return row in self._places and self._places[row] not in self.closed and len(inside(self.every, self._inner(row))) > 1

    def opened(self, index: int, depth: int) -> Iterator[tuple[int, int, int]]:
        """Every module that is drawn open: its place, the place of the row whose parts are shown, and how deep those may be opened."""
        for row in self.of(index).rows:
            if depth > 1 and self.opens(row):
                inner = self._inner(row)
                yield self._places[row], inner, depth - 1
                yield from self.opened(inner, depth - 1)

    def look(self, index: int, depth: int) -> Any:
        """How the inside of a module is drawn but for its sizes: two modules that look the same have the same parts, joined the same way."""
        plan = self.of(index)
        rows = []
        for row, after in zip(plan.rows, plan.after):
            box = self._box(row, after, WIDEST, True)
            more = self.look(self._inner(row), depth - 1) if depth > 1 and self.opens(row) else None
            rows.append((box.name, frozenset((box.kind, box.last)), box.measured, more))
        return len(plan.entries), repr(plan.sketch[True]), tuple(rows)

    def name(self, place: int) -> str:
        """The path of a module."""
        return called(self.graph, self.every[place]._replace(times=1))

    def height(self, inner: int, depth: int) -> float:
        """How high the parts of an opened module stand."""
        return self._framed(inner, depth, WIDEST, float("inf")).height

    def _inner(self, row: Row) -> int:
        """The row whose parts are shown where this one is opened: its only part, where it has only one."""
        place = self._places[row]
        while len(kids := inside(self.every, place)) == 1 and self.every[kids[0]].kids:
            place = kids[0]
        return place

    def flow(self, index: int, depth: int, most: float, tall: float, framed: bool = False, look_back: float = LOOK_BACK) -> Flow:
        """The parts laid out, boxes at most ``most`` wide; in a frame the last point is where data goes out."""
        plan = self.of(index)
        if (index, most, framed) not in self._boxes:
            self._boxes[index, most, framed] = [self._box(row, after, most, framed) for row, after in zip(plan.rows, plan.after)]
        boxes = self._boxes[index, most, framed]
        room = min(max([LEAST, *(box.width for box in boxes)]), most)  # all boxes of a module are equally wide
        blocks: list = [Point() if framed or not name else Entry(name, size) for name, size in plan.entries]
        for row, box in zip(plan.rows, boxes):
            if depth > 1 and self.opens(row):
                inner = self._inner(row)
                kids = self._framed(inner, depth - 1, most, tall - Frame.TITLE)
                blocks.append(Frame(box.name, box.size, self._type(self.every[inner]) or box.kind, kids, depth))
            else:
                said = self.closed.get(self._places.get(row, -1), "")
                blocks.append(box._replace(width=room, last=said or box.last))
        return Flow(plan.sketch[framed], [*blocks, *([Point()] if framed else [])], tall, framed, look_back)

    def _framed(self, index: int, depth: int, most: float, tall: float) -> Flow:
        """The parts of an opened module; what is low enough as a whole is laid out once."""
        key = (index, depth, most)
        if key not in self._whole:
            self._whole[key] = self.flow(index, depth, most, float("inf"), framed=True)
        whole = self._whole[key]
        return whole if whole.height <= tall else self.flow(index, depth, most, tall, framed=True)

    def _type(self, row: Row) -> str:
        if row.times > 1:
            return f"{row.times} x {row.type}" if row.type else f"x {row.times}"
        return row.type if row.name else ""

    def _box(self, row: Row, after: list[Row], most: float, framed: bool) -> Box:
        """What stands in a box: the part's name, its result, its type, and what follows in it."""
        graph = self.graph
        span = graph.nodes[row.first : row.first + row.count]
        size = self._size(span[-1].outputs[0]) if span[-1].outputs else ""
        if row not in self._places:
            ops = ", ".join(dict.fromkeys(operator(node) for node in span))
            name, kind, last = called(graph, row), "", ops
        else:
            name = short(called(graph, row._replace(times=1))) if row.name and not framed else row.name or operator(span[-1])
            inner = self.every[self._inner(row)]
            kind = self._type(inner) if inner.times > 1 else about(graph, row, span[-1], name)
            steps = [r.type if r.name.isdecimal() else r.name or operator(graph.nodes[r.first]) for r in after]
            last = f"then {', '.join(steps)}" if steps else ""
            if not last and wide(size, SMALLEST) + 6 + wide(kind, SMALLEST) > most - 8:
                kind, last = "", kind
        measured = any(node.by == "measured" for node in span)
        need = max(wide(name, 6.5, True), wide(size, SMALLEST) + 6 + wide(kind, SMALLEST), min(wide(last, SMALLEST), most * 0.8)) + 8
        return Box(need + MEASURED * measured, name, size, kind, last, measured)
