"""The receptive field: which part of the input a cell anywhere in the network looks at."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from whyshape.analyses.live import Asked, Held, live
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.rules.kept import tensors
from whyshape.rules.looks import looks
from whyshape.rules.sight import ALL, AT_MOST_ALL, Look


class Field(NamedTuple):
    """What cell ``i`` of ``axis`` sees along one axis of the input, the edges aside: ``size`` cells from ``stride*i + start`` on."""

    axis: int | None  # of the tensor, from the end; None: no axis moves the window
    stride: Fraction | int
    start: Fraction | int  # where the window of cell 0 begins, at the lowest: negative in the padding
    stop: Fraction | int  # where it ends, at the highest
    size: int = 1
    whole: bool = False  # some path (a gate, a global pool) sees all of the input; the other numbers are of the paths that do not
    aligned: bool = True  # all paths are centred on the same place
    exact: bool = True  # False: at most this
    along: int | None = None  # this axis counts through places and maps, as `flatten` leaves them: each cell has a window of its own place

    def seen_by(self, how: list[Look]) -> Field:
        """As seen by an operator that looks at the tensor's axes like this."""
        if self.axis is not None:
            return self.through(_of_axis(how, self.axis))
        if self.along is None:
            return self
        look = _of_axis(how, self.along)
        if look.same:
            return self._replace(along=look.axis, exact=self.exact and look.exact)
        one = look.axis is None and not look.stride and look.low == look.high  # always the same cell
        return self._replace(along=None, whole=self.whole or not one, exact=self.exact and look.exact)

    def through(self, look: Look) -> Field:
        """As seen by an operator that looks at this tensor."""
        if look.joint is not None and look.axis is not None:  # one cell each, whose place the axis counts together with others
            return Field(None, 0, self.start, self.stop, self.size, self.whole, self.aligned, self.exact, look.axis)
        if look.axis == self.axis and look.same:
            return self if look.exact else self._replace(exact=False)
        if look.axis is None and look.stride:
            return Field(None, 0, self.start, self.stop, self.size, True, self.aligned, self.exact and look.exact)
        start, stop = self.start + self.stride * look.low, self.stop + self.stride * look.high
        size = self.size + ceil(self.stride * (look.span - 1))
        whole = self.whole or (look.axis is None and look.high > look.low)
        return Field(look.axis, self.stride * look.stride, start, stop, size, whole, self.aligned, self.exact and look.exact)

    def joined(self, other: Field) -> Field:
        """Two paths to the same cell: the union of what they see."""
        if self == other:
            return self
        whole, exact = self.whole or other.whole, self.exact and other.exact
        if self.along is not None or other.along is not None:
            return Field(None, 0, min(self.start, other.start), max(self.stop, other.stop), max(self.size, other.size), True, False, False)
        if self.axis is None or other.axis is None:
            keep = self if other.axis is None else other
            return keep._replace(whole=whole or self.axis != other.axis, exact=exact)
        start, stop = min(self.start, other.start), max(self.stop, other.stop)
        if self.axis != other.axis or self.stride != other.stride:
            return Field(None, 0, start, stop, max(self.size, other.size), True, False, False)
        centred = self.start + self.stop == other.start + other.stop
        larger, smaller = (self, other) if self.stop - self.start >= other.stop - other.start else (other, self)
        inside = larger.start <= smaller.start and smaller.stop <= larger.stop
        size = larger.size if inside else floor(stop - start) + 1
        return Field(self.axis, self.stride, start, stop, size, whole, self.aligned and other.aligned and centred, exact)


class Fields(NamedTuple):
    """The receptive field of every tensor on one input: for each tensor one `Field` for each of the input's axes, or None."""

    graph: Graph
    input: int
    table: tuple[tuple[Field, ...] | None, ...]

    def of(self, node: Node) -> dict[int, Field] | None:
        """The fields of a node's result, by axis of the input (places only). None: it does not depend on this input."""
        found = self.table[node.outputs[0]] if node.outputs else None
        return None if found is None else {a: found[a] for a in places(self.graph, self.input)}


EARLY = 8  # calls: a picture meets its first window soon


def places(graph: Graph, tensor: int) -> tuple[int, ...]:
    """The axes of an input that are places, not batch or channels: those that the first window slides over, where one soon does."""
    rank = len(graph.tensors[tensor].shape)
    for node in graph.nodes[:EARLY]:
        slides = (node.rule.reach(graph.call(node)) or {}) if node.rule is not None else {}
        if slides and len(slides) == rank - 2 and len(graph.tensors[node.outputs[0]].shape) == rank:
            return tuple(sorted(axis % rank for axis in slides))
    return tuple(range(2, rank)) if rank > 2 else tuple(range(1, rank))


def fields(graph: Graph, which: int = 0) -> Fields:
    """The receptive field of every tensor, forward from input number ``which``.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> x = net.layer("Conv2d", "conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> x = net.layer("MaxPool2d", "pool_1", x, args=(2,))
    >>> found = fields(net.graph(x)).of(net.nodes[-1])[2]
    >>> found.size, int(found.stride), int(found.start)
    (6, 2, 0)
    """
    source = graph.inputs[which]
    held = live(graph)
    rank = len(graph.tensors[source].shape)
    table: list[tuple[Field, ...] | None] = [None] * len(held)
    table[source] = tuple(Field(a - rank, 1, 0, 0) for a in range(rank))
    ways = Ways(held)
    for node in graph.nodes:
        if not any(table[t] for t in node.inputs):
            continue
        for number, t in enumerate(node.outputs):
            seen: list[Field] | None = None
            for tensor, how in ways.of(node, number):
                before = table[tensor]
                if before is not None:
                    after = [f.seen_by(how) for f in before]
                    seen = after if seen is None else [a.joined(b) for a, b in zip(seen, after)]
            table[t] = None if seen is None else tuple(seen)
    return Fields(graph, source, tuple(table))


def _of_axis(how: list[Look], axis: int) -> Look:
    return how[axis] if -len(how) <= axis else AT_MOST_ALL


class Ways:
    """How results look at what the node reads; calls that are alike look alike, and are asked once."""

    def __init__(self, held: Held):
        self.held = held
        self._known: dict[tuple[Asked, int], list[tuple[int, list[Look]]]] = {}

    def of(self, node: Node, output: int) -> list[tuple[int, list[Look]]]:
        """Each tensor the node reads, with how result number ``output`` looks at each of its axes."""
        if node.rule is None:
            return [(t, [AT_MOST_ALL] * len(self.held[t].shape)) for t in node.inputs]
        asked = self.held.asked(node)
        found = self._known.get((asked, output))
        if found is None:
            call, inputs = asked.call, asked.node.inputs
            found = [(inputs.index(t.index), looks(call, t, place, output)) for place, t in enumerate(tensors(call))]
            self._known[asked, output] = found
        return [(node.inputs[place], how) for place, how in found]


class Seen(NamedTuple):
    """The cells of one input axis that an output cell depends on: exact, the edges of every layer respected."""

    cells: frozenset[int]
    exact: bool = True

    @property
    def first(self) -> int:
        return min(self.cells)

    @property
    def last(self) -> int:
        return max(self.cells)


def window(graph: Graph, tensor: int, cell: tuple[int | None, ...], which: int = 0) -> dict[int, Seen]:
    """The part of an input that one cell of a tensor depends on: for each axis of the input that is a place, the cells.

    None stands for all cells of an axis: ``(0, None, 3, 5)`` is place 3, 5 on all maps.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> x = net.layer("Conv2d", "c", net.input((1, 1, 28, 28)), args=(1, 10, 5), kwargs={"padding": 2})
    >>> seen = window(net.graph(x), x.index, (0, 0, 0, 9))
    >>> (seen[2].first, seen[2].last), (seen[3].first, seen[3].last)
    ((0, 2), (7, 11))
    """
    held = live(graph)
    shape = held[tensor].shape
    if len(cell) != len(shape) or any(c is not None and not 0 <= c < n for c, n in zip(cell, shape)):
        text = ", ".join("any" if c is None else str(c) for c in cell)
        raise WhyshapeError(f"cell {text} is not in a tensor of {'x'.join(map(str, shape))}; cells are counted from 0")
    asked = [Seen(frozenset(range(int(n)) if c is None else (c,))) for c, n in zip(cell, shape)]
    wanted: dict[int, list[Seen]] = {tensor: asked}
    ways = Ways(held)
    for node in reversed(graph.nodes):
        for number, region in [(k, wanted[t]) for k, t in enumerate(node.outputs) if t in wanted]:
            for read, how in ways.of(node, number):
                source = held[read]
                if source.leaf and source.kind != "input":
                    continue
                sees = [_cells(look, region, int(n)) for look, n in zip(how, source.shape)]
                if not all(s.cells for s in sees):  # between the steps of a transposed convolution nothing is seen
                    continue
                before = wanted.get(source.index)
                wanted[source.index] = sees if before is None else [_either(a, b) for a, b in zip(before, sees)]
    found = wanted.get(graph.inputs[which])
    return {a: Seen(frozenset()) if found is None else found[a] for a in places(graph, graph.inputs[which])}


def _either(a: Seen, b: Seen) -> Seen:
    return Seen(a.cells | b.cells, a.exact and b.exact)


def _cells(look: Look, region: list[Seen], n: int) -> Seen:
    if look.joint is not None:
        cells, exact = look.joint([s.cells for s in region])
        return Seen(cells, exact and all(s.exact for s in region))
    if look is ALL or look is AT_MOST_ALL:
        return Seen(frozenset(range(n)), look.exact)
    if look.axis is None:
        return Seen(frozenset(c for c in look.cells(0) if 0 <= c < n), look.exact)
    asking = region[look.axis]
    if look.exact and look.stride == 1 and look.low == look.high == 0 and max(asking.cells, default=0) < n:
        return asking  # every cell sees its own place
    return Seen(frozenset(c for i in asking.cells for c in look.cells(i) if 0 <= c < n), asking.exact and look.exact)


def padding_share(field: Field, cell: int, n: int) -> Fraction:
    """How much of a cell's window along one axis lies outside an input of ``n`` cells, in padding."""
    first = ceil(field.start + field.stride * cell)
    last = first + field.size - 1
    inside = max(min(last, n - 1) - max(first, 0) + 1, 0)
    return 1 - Fraction(inside, field.size)
