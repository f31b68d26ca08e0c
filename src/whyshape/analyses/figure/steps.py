"""Why plus 1? The last axis of a sliding window in three strips: the room it has, its moves, and the place where it starts."""

from __future__ import annotations

from itertools import pairwise

from whyshape.analyses.figure.conv import LEFT, in_words, named, written
from whyshape.analyses.grids import Grid, covered, drawn, outline, placed, walk
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.story.scene import WIDTHS, Line, Mark, Scene

CELL, ABOVE = 9.0, 9.0  # the most a cell takes, and how far above it an arrow runs


def steps(graph: Graph, node: Node, width: float = WIDTHS["column"]) -> Scene:
    """Where the "+ 1" of the size formula comes from, with this layer's own numbers.

    Raises `WhyshapeError` where nothing slides, or where no such formula gives the size (transposed layers, adaptive pools).
    """
    axis, name = walk(graph, node).columns, named(graph, node)
    assert node.rule is not None  # or there would be no walk
    windows = node.rule.reach(graph.call(node)) or {}
    size, stride, before, dilation, after = map(int, windows[-1])
    if stride < 1 or getattr(node.rule, "adaptive", False):
        raise WhyshapeError(f"{name} does not make its size by moving a window over its input: there is no + 1 to explain")
    room, span, moves = axis.n + before + after, dilation * (size - 1) + 1, axis.places - 1
    left = room - span
    rounded = {-(-left // stride): "ceil", left // stride: "floor"}.get(moves)
    if rounded is None:
        raise WhyshapeError(f"{name} makes {axis.places} of {axis.n}, which is no whole number of moves and one more")
    cells = "columns" if -2 in windows else "cells"
    said = [
        f"1. The window covers {span} of {room} {cells}: {room} - {span} = {left} are left.",
        f"2. In steps of {stride} that is {rounded}({left}/{stride}) = {moves} {'move' if moves == 1 else 'moves'}.",
        f"3. It also stands where it starts: {moves} + 1 = {axis.places} {'place' if axis.places == 1 else 'places'}.",
    ]
    shown = axis.shown
    cell = min(CELL, (width - LEFT - 8) / (len(shown) + 1.5 * sum(b != a + 1 for a, b in pairwise(shown))))
    marks: list[Mark] = []
    y = 12.0
    for words, strip in zip(said, (_room, _moves, _places)):
        below, y = written([words], y, width)
        grid = placed([0], shown, LEFT, y + 12, cell)
        marks += below + drawn(grid, 1, axis.n, "space") + strip(grid, axis.cells, range(-before, axis.n + after))
        y += 12 + cell + 18
    below, height = written([f"{name}: {rounded}(({room} - {span})/{stride}) + 1 = {axis.places}"], y, width)
    return Scene(width, height, f"{name}: why plus 1", in_words(said), (*marks, *below))


Cells = tuple[tuple[int, ...], ...]


def _room(grid: Grid, cells: Cells, room: range) -> list[Mark]:
    """The window at its first place, and an arrow over all it may move."""
    return covered(grid, (0,), cells[0], "kernel") + _arrow(grid, max(cells[0]) + 1, room[-1])


def _moves(grid: Grid, cells: Cells, room: range) -> list[Mark]:
    """The window at its first place and its last, and an arrow for each move."""
    arrows = [mark for a, b in pairwise(cells) for mark in _arrow(grid, a[0], b[0] - 1)]
    return outline(grid, (0,), cells[0]) + covered(grid, (0,), cells[-1], "kernel") + arrows


def _places(grid: Grid, cells: Cells, room: range) -> list[Mark]:
    """The first cell of the window at each place; the one it starts at stands out."""
    first, *others = (window[0] for window in cells)
    return covered(grid, (0,), tuple(others), "next") + covered(grid, (0,), (first,), "kernel")


def _arrow(grid: Grid, first: int, last: int) -> list[Mark]:
    """An arrow above these cells, where both ends are shown."""
    if first not in grid.columns or last not in grid.columns or last < first:
        return []
    y = grid.rows[0] - ABOVE
    return [Line(((grid.columns[first], y), (grid.columns[last] + grid.cell, y)), "text", 0.6, arrow=True)]
