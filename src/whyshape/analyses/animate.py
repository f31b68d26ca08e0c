"""A layer's window walking over its true grid, step by step: an SVG that moves by CSS, or frames for GIF and MP4."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.figure.conv import TOP, beside, grids, heads, in_words, lines, written
from whyshape.analyses.grids import Grid, Walk, covered, holes, walk
from whyshape.graph import Graph, Node
from whyshape.story.scene import WIDTHS, Mark, Scene, Text, wide

MOST = 100  # frames; a longer walk shows its first rows and its last


class Film(NamedTuple):
    """A walk on paper: what stays, and which places are shown, row by row."""

    still: Scene  # the grids and the words, without a window
    walk: Walk
    left: Grid
    right: Grid
    rows: list[int]
    columns: list[int]

    def frame(self, row: int, column: int) -> Scene:
        """The picture while the window stands at that place."""
        return self.still._replace(marks=(*self.still.marks, *self.window(row, column), *self.made(row, column)))

    def window(self, row: int, column: int) -> list[Mark]:
        """The cells under the window."""
        cells = self.walk.rows.cells[row], self.walk.columns.cells[column]
        return covered(self.left, *cells, "kernel") + holes(self.left, *cells)

    def made(self, row: int, column: int) -> list[Mark]:
        """The cell it makes (or, transposed, spreads)."""
        return covered(self.right, (row,), (column,), "kernel")

    @property
    def frames(self) -> list[Scene]:
        """All pictures in reading order."""
        return [self.frame(row, column) for row in self.rows for column in self.columns]

    @property
    def even(self) -> bool:
        """Whether the window is the same at every place; an adaptive one may grow and shrink on its way."""
        alike = lambda axis, places: len({tuple(c - axis.cells[p][0] for c in axis.cells[p]) for p in places}) == 1
        return alike(self.walk.rows, self.rows) and alike(self.walk.columns, self.columns)

    @property
    def moves(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """How far the window and the made cell stand from their first place: for each shown column, and for each shown row, in points."""
        first_row, first_column = self.rows[0], self.columns[0]
        across = lambda p: self.left.columns[self.walk.columns.cells[p][0]]
        down = lambda p: self.left.rows[self.walk.rows.cells[p][0]]
        columns = [(across(p) - across(first_column), self.right.columns[p] - self.right.columns[first_column]) for p in self.columns]
        rows = [(down(p) - down(first_row), self.right.rows[p] - self.right.rows[first_row]) for p in self.rows]
        return columns, rows


def film(graph: Graph, node: Node, width: float = WIDTHS["column"] * 1.5) -> Film:
    """The walk of a layer's window. Raises `WhyshapeError` where nothing slides."""
    way = walk(graph, node)
    left, right = beside(way, width)
    columns = [p for p in right.columns if all(c in left.columns for c in way.columns.cells[p])] or [0]
    rows = [p for p in right.rows if all(r in left.rows for r in way.rows.cells[p])] or [
        0
    ]  # a window too large to be shown whole stands at its first place
    if len(columns) > MOST // 2:
        columns = [*columns[: MOST // 2 - 1], columns[-1]]
    most = max(2, MOST // len(columns))
    if len(rows) > most:
        rows = [*rows[: most - 1], rows[-1]]
    places = way.rows.places * way.columns.places
    n = len(rows) * len(columns)
    told = f"{places} places" + ("" if n == places else f", {n} shown")
    said = [*lines(graph, node, way), f"The window stands at {told}."]
    below, height = written(said, TOP + max(left.height, right.height) + 12, width)
    marks = [*grids(way, left, right), *heads(graph, node, way, left, width), *below]
    ends = [m.x + wide(m.words, m.size, m.bold) for m in marks if isinstance(m, Text) and m.anchor == "start"]
    broad = min(width, max(*ends, min(right.columns.values()) + right.width) + 8)
    still = Scene(broad, height, f"{node.path or node.op}: its window on the way", in_words(said), tuple(marks))
    return Film(still, way, left, right, rows, columns)
