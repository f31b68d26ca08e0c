"""One sliding layer as two grids: what its window walks over, and what it makes. The numbers are the rule's own (`reach`)."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.story.scene import Box, Line, Mark, Text

MOST = 32  # cells along one axis; a longer one is cut, with its true numbers on the rulers
HEAD, TAIL = 16, 7  # cells left and right of the cut
LONGEST = 72  # cells where the first two windows and the last need so many to be whole
CROSSES = 400  # never-read cells marked one by one; beyond it the words tell them


class Axis(NamedTuple):
    """One axis of a walk: ``cells[place]`` are the cells the window covers there; those below 0 or from ``n`` on are padding."""

    n: int
    places: int
    cells: tuple[tuple[int, ...], ...]
    before: int = 0
    after: int = 0

    @property
    def shown(self) -> list[int]:
        """The cells a picture shows, padding included; a jump among them is a cut."""
        every = list(range(-self.before, self.n + self.after))
        if len(every) <= MOST:
            return every
        first, last = self.cells[:2], self.cells[-1]
        head = max(HEAD, max((max(c, default=0) for c in first), default=0) + self.before + 2)
        tail = max(TAIL, max(last, default=0) - min(last, default=0) + 3)
        if head + tail > LONGEST:  # a window this large is itself cut
            head = min(head, MOST - TAIL)
            tail = MOST - head
        return every if head + tail >= len(every) else every[:head] + every[-tail:]


class Walk(NamedTuple):
    """A layer's window on its way. ``spread``: a transposed one, which moves over the output and spreads one input cell at a time."""

    rows: Axis
    columns: Axis
    spread: bool
    beyond: str = "padding"  # what lies outside the grid: padding and what it counts as, or only a window hanging over the edge


def walk(graph: Graph, node: Node) -> Walk:
    """How the node's window walks over its last two axes (one, for a sequence). Raises `WhyshapeError` where nothing slides."""
    rule = node.rule
    windows = rule.reach(graph.call(node)) if rule is not None and not rule.pointwise else None
    came, made = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
    if rule is None or not windows or -1 not in windows:
        raise WhyshapeError(f"{node.path or node.op} has no window that moves, so there is nothing to draw; name a convolution or a pool")
    spread = windows[-1].stride < 0

    def axis(i: int) -> Axis:
        if i not in windows:
            return Axis(1, 1, ((0,),))
        n, out, window = int(came[i]), int(made[i]), windows[i]
        if getattr(rule, "adaptive", False):
            return Axis(n, out, tuple(tuple(range(j * n // out, -(-(j + 1) * n // out))) for j in range(out)))
        places, over = (n, out) if spread else (out, n)
        step = abs(int(window.stride))
        cells = tuple(
            tuple(p * step - int(window.before) + j * int(window.dilation) for j in range(int(window.size))) for p in range(places)
        )
        low, high = min(map(min, cells), default=0), max(map(max, cells), default=0)
        return Axis(
            over,
            places,
            cells,
            max(0, -low, 0 if spread else int(window.before)),
            max(0, high - over + 1, 0 if spread else int(window.after)),
        )

    padded, value = any(int(w.before) or int(w.after) for w in windows.values()), rule.padded(graph.call(node))
    beyond = f"padding ({value})" if value else "padding"
    return Walk(axis(-2), axis(-1), spread, beyond if padded else "the window hangs over the edge")


class Grid(NamedTuple):
    """A grid on paper: where each shown cell of an axis stands."""

    rows: dict[int, float]
    columns: dict[int, float]
    cell: float
    width: float
    height: float

    def box(self, row: int, column: int, **ink) -> Box | None:
        """The box of one cell, if it is shown."""
        if row not in self.rows or column not in self.columns:
            return None
        return Box(self.columns[column], self.rows[row], self.cell, self.cell, **ink)


def placed(rows: list[int], columns: list[int], x: float, y: float, cell: float) -> Grid:
    """The grid of these cells with its upper left corner at ``x, y``; a cut takes one and a half cells."""

    def ruler(cells: list[int], start: float) -> tuple[dict[int, float], float]:
        at, found, last = start, {}, None
        for i in cells:
            if last is not None and i != last + 1:
                at += 1.5 * cell
            found[i], last = at, i
            at += cell
        return found, at - start

    down, height = ruler(rows, y)
    across, width = ruler(columns, x)
    return Grid(down, across, cell, width, height)


def drawn(grid: Grid, n_rows: int, n_columns: int, ink: str) -> list[Mark]:
    """The cells: padding hatched with the word, a cut left white, and true numbers on the rulers."""
    marks: list[Mark] = []
    inside_rows, inside_columns = [r for r in grid.rows if 0 <= r < n_rows], [c for c in grid.columns if 0 <= c < n_columns]
    for rows in _runs(list(grid.rows)):
        for columns in _runs(list(grid.columns)):
            whole = _span(grid, rows, columns)
            padded = any(not 0 <= r < n_rows for r in rows) or any(not 0 <= c < n_columns for c in columns)
            if padded:
                marks.append(Box(*whole, fill="pad", edge="line", hatch=True, width=0.4))
            real_rows, real_columns = [r for r in rows if r in inside_rows], [c for c in columns if c in inside_columns]
            if not real_rows or not real_columns:
                continue
            area = _span(grid, real_rows, real_columns)
            marks.append(Box(*area, fill=ink, edge="line"))
            x, y, w, h = area
            thin = min(0.4, grid.cell / 6)
            marks += [Line(((grid.columns[c], y), (grid.columns[c], y + h)), "paper", thin) for c in real_columns[1:]]
            marks += [Line(((x, grid.rows[r]), (x + w, grid.rows[r])), "paper", thin) for r in real_rows[1:]]
    for c in {inside_columns[0], inside_columns[-1]} if inside_columns else ():
        marks.append(Text(grid.columns[c] + grid.cell / 2, min(grid.rows.values()) - 2, str(c), 6, "middle", "dim"))
    for r in {inside_rows[0], inside_rows[-1]} if n_rows > 1 and inside_rows else set():
        marks.append(Text(min(grid.columns.values()) - 2, grid.rows[r] + grid.cell / 2 + 2, str(r), 6, "end", "dim"))
    return marks


def covered(grid: Grid, rows: tuple[int, ...], columns: tuple[int, ...], fill: str, width: float = 0.5) -> list[Mark]:
    """The cells under the window; between the cells of a dilated one the holes stay open."""
    found = (grid.box(r, c, fill=fill, edge="text", width=width) for r in rows for c in columns)
    return [box for box in found if box is not None]


def holes(grid: Grid, rows: tuple[int, ...], columns: tuple[int, ...]) -> list[Mark]:
    """A dot in each cell a dilated window steps over."""
    if not rows or not columns:
        return []
    inside = [
        (r, c) for r in range(min(rows), max(rows) + 1) for c in range(min(columns), max(columns) + 1) if r not in rows or c not in columns
    ]
    if len(inside) > CROSSES:
        return []
    boxes = (grid.box(r, c) for r, c in inside)
    dot = 0.2 * grid.cell
    at = 0.4 * grid.cell
    return [Box(box.x + at, box.y + at, dot, dot, fill="text", edge="") for box in boxes if box is not None]


def unread(grid: Grid, way: Walk) -> list[Mark]:
    """A cross on each shown cell that no window reads."""
    read = [{c for window in axis.cells for c in window} for axis in (way.rows, way.columns)]
    cells = [(r, c) for r in grid.rows if 0 <= r < way.rows.n for c in grid.columns if 0 <= c < way.columns.n]
    missed = [(r, c) for r, c in cells if r not in read[0] or c not in read[1]]
    if len(missed) > CROSSES:
        return []
    marks: list[Mark] = []
    near, far = 0.25 * grid.cell, 0.75 * grid.cell
    for r, c in missed:
        x, y = grid.columns[c], grid.rows[r]
        marks.append(Line(((x + near, y + near), (x + far, y + far)), "dim", 0.5))
        marks.append(Line(((x + near, y + far), (x + far, y + near)), "dim", 0.5))
    return marks


def outline(grid: Grid, rows: tuple[int, ...], columns: tuple[int, ...], dash: bool = True) -> list[Mark]:
    """The window's edge at one place."""
    here, across = [r for r in rows if r in grid.rows], [c for c in columns if c in grid.columns]
    if not here or not across:
        return []
    x, y, w, h = _span(grid, here, across)
    return [Line(((x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)), "text", min(0.9, grid.cell / 2), dash)]


def _span(grid: Grid, rows, columns) -> tuple[float, float, float, float]:
    x, y = grid.columns[columns[0]], grid.rows[rows[0]]
    return x, y, grid.columns[columns[-1]] + grid.cell - x, grid.rows[rows[-1]] + grid.cell - y


def _runs(cells: list[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for i in cells:
        if found and i == found[-1][-1] + 1:
            found[-1].append(i)
        else:
            found.append([i])
    return found
