"""The parts of a module and how they are joined, opened as deep as asked, wrapped to the width of the paper."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.figure.boxes import LEAST, MEASURED, WIDEST, Box, Entry, Frame
from whyshape.analyses.figure.flow import Flow, Point
from whyshape.analyses.figure.stages import about, called, folded, inside, operator, short, size_text, together
from whyshape.analyses.figure.strips import EVEN, LOOK_BACK
from whyshape.analyses.layout import Picture, placed
from whyshape.analyses.rows import Row
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story.scene import SMALLEST, TALLEST, WIDTHS, Scene, Text, wide

MOSTS = (WIDEST, 84.0, 62.0)  # how wide a box may be: narrower where the paper is
TALL = 300.0  # points a picture may grow downwards before it goes on beside itself
HEIGHT_COUNTS = 3.0  # a point of height costs as much as so many points of lines
SLACK = ((1.1, LOOK_BACK), (1.1, EVEN), (1.2, EVEN), (1.3, EVEN))  # how a strip is filled: up to its share and a bit, cut well or evenly
STRIPS = 12  # the most strips that are tried
MANY, LARGEST = 16, 240  # parts of a module: beyond the first, calls in a row are one part; beyond the second, there is no picture
ENTRIES = 3  # tensors that come in one by one; more come in together
MARGIN = 4.0


def parts(graph: Graph, path: str = "", width: float = 0, depth: int = 1) -> Scene:
    """The parts of a module (or of the whole model): data flows down, what skips parts passes beside them.

    ``width`` is of the paper; without one the picture is as wide as it needs to be, and never needs more than a page if that can be
    helped. ``depth`` opens modules inside modules; a block that is repeated is opened once. Raises `WhyshapeError` where there are no parts.
    """
    every, index = asked(graph, path)
    if depth < 1:
        raise WhyshapeError(f"a graph is drawn at least 1 level deep, not {depth}")
    plans = _Plans(graph, every)
    flow = _fitted(plans, index, depth, (width or WIDTHS["page"]) - 2 * MARGIN)
    broad = max(width, flow.width + 2 * MARGIN)
    left = (broad - flow.width) / 2
    marks = flow.paint(left, MARGIN, False)
    height = MARGIN + flow.height + 6
    measured = sum(node.by == "measured" for node in graph.nodes)
    if measured:
        words = f"hatched: measured by a run, not explained ({measured} of {len(graph.nodes)} calls)"
        broad = max(broad, wide(words, SMALLEST) + 2 * MARGIN)
        marks.append(Text(MARGIN, height + 4, words, SMALLEST, ink="dim"))
        height += 8
    found = plans.of(index).names
    return Scene(broad, height, f"{path or graph.name or 'model'}: {len(found)} parts", ", ".join(found), tuple(marks))


def _fitted(plans: _Plans, index: int, depth: int, room: float) -> Flow:
    """The parts in one strip if that is low enough; else in strips that keep it low without long lines, boxes narrower where they must be."""
    found: list[Flow] = []
    for most in MOSTS:
        whole = plans.flow(index, depth, most, float("inf"))
        found.append(whole)
        for n in range(2, STRIPS + 1):
            lowest = min((flow.height for flow in found if flow.width <= room), default=float("inf"))
            if lowest <= TALL or whole.width > room:
                break
            tried = [plans.flow(index, depth, most, whole.height / n * slack, look_back=look_back) for slack, look_back in SLACK]
            found += tried
            if all(flow.width > room for flow in tried):
                break  # more strips would be wider still
    fits = [flow for flow in found if flow.width <= room]
    if not fits:
        return min(found, key=lambda flow: flow.width)
    if found[0] in fits and found[0].height <= TALL:
        return found[0]
    for limit in (TALL, TALLEST):
        if low := [flow for flow in fits if flow.height <= limit]:
            return min(low, key=lambda flow: flow.ink + HEIGHT_COUNTS * flow.height + flow.width)
    return min(fits, key=lambda flow: (flow.height, flow.ink))


class _Plan(NamedTuple):
    """The parts of a module as they are drawn: the rows, those told in the box of the row before them, and how they are joined."""

    rows: list[Row]
    after: list[list[Row]]
    entries: list[tuple[str, str]]  # what comes in: its name and its size
    sketch: dict[bool, Picture]  # by whether it stands in a frame
    names: list[str]


class _Plans:
    """What is drawn of each module; planned once, laid out as often as it takes to fit the paper."""

    def __init__(self, graph: Graph, every: list[Row]):
        self.graph, self.every = graph, every
        self._places = {row: i for i, row in enumerate(every)}
        self._plans: dict[int, _Plan] = {}
        self._boxes: dict[tuple[int, float, bool], list[Box]] = {}
        self._whole: dict[tuple[int, int, float], Flow] = {}

    def of(self, index: int) -> _Plan:
        """The plan of one module; -1 is the whole model."""
        if index not in self._plans:
            self._plans[index] = self._made(index)
        return self._plans[index]

    def _made(self, index: int) -> _Plan:
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
        return _Plan(kept, after, entries, {False: placed(n, joins, first), True: placed(n + 1, leaving, first)}, names)

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
        return row in self._places and len(inside(self.every, self._inner(row))) > 1

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
                blocks.append(box._replace(width=room))
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
