"""The parts of a module and how they are joined, opened as deep as asked, wrapped to the width of the paper."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.figure.boxes import WIDEST
from whyshape.analyses.figure.flow import Flow
from whyshape.analyses.figure.plans import Plans
from whyshape.analyses.figure.stages import called, folded
from whyshape.analyses.figure.strips import EVEN, LOOK_BACK
from whyshape.analyses.rows import Row
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story.scene import SMALLEST, TALLEST, WIDTHS, Scene, Text, wide

MOSTS = (WIDEST, 84.0, 62.0)  # how wide a box may be: narrower where the paper is
TALL = 300.0  # points a picture may grow downwards before it goes on beside itself
HEIGHT_COUNTS = 3.0  # a point of height costs as much as so many points of lines
SLACK = ((1.1, LOOK_BACK), (1.1, EVEN), (1.2, EVEN), (1.3, EVEN))  # how a strip is filled: up to its share and a bit, cut well or evenly
STRIPS = 12  # the most strips that are tried
MARGIN = 4.0


def parts(graph: Graph, path: str = "", width: float = 0, depth: int = 1) -> Scene:
    """The parts of a module (or of the whole model): data flows down, what skips parts passes beside them.

    ``width`` is of the paper; without one the picture is as wide as it needs to be, and never needs more than a page if that can be
    helped: where it would, modules stay closed, first those built as one that is open. ``depth`` opens modules inside modules; a block that
    is repeated is opened once. Raises `WhyshapeError` where there are no parts.
    """
    every, index = asked(graph, path)
    if depth < 1:
        raise WhyshapeError(f"a graph is drawn at least 1 level deep, not {depth}")
    room = (width or WIDTHS["page"]) - 2 * MARGIN
    for plans in _closing(Plans(graph, every), index, depth):
        flow = _fitted(plans, index, depth, room)
        if flow.width <= room and flow.height <= TALLEST:
            break
    else:  # closing does not help
        plans = Plans(graph, every)
        flow = _fitted(plans, index, depth, room)
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
    words = ", ".join(found)
    if plans.closed:
        words += ". Closed, so that the picture fits a page: " + ", ".join(plans.name(place) for place in sorted(plans.closed))
    return Scene(broad, height, f"{path or graph.name or 'model'}: {len(found)} parts", words, tuple(marks))


def _closing(plans: Plans, index: int, depth: int) -> Iterator[Plans]:
    """Ever fewer modules open: all; of those built alike only the first, innermost ones first; then without the tallest of the innermost."""
    yield plans
    for level in range(1, depth):
        first: dict[object, int] = {}
        alike = {}
        for place, inner, deep in plans.opened(index, depth):
            if deep == level:
                known = first.setdefault((plans.every[place].type, plans.look(inner, deep)), place)
                if known != place:
                    alike[place] = f"as {plans.name(known)}"
        if alike:
            plans = plans.closing(alike)
            yield plans
    while still := {p: plans.height(inner, deep) for p, inner, deep in plans.opened(index, depth) if not any(plans.opened(inner, deep))}:
        plans = plans.closing({max(still, key=lambda place: (still[place], place)): ""})
        yield plans


def _fitted(plans: Plans, index: int, depth: int, room: float) -> Flow:
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
