"""One layer: its window at the first place, the second and the last; what it makes; its formula with the numbers put in."""

from __future__ import annotations

import itertools

from whyshape.analyses.figure.stages import size_text
from whyshape.analyses.grids import Grid, Walk, covered, holes, outline, placed, unread, walk
from whyshape.analyses.grids import drawn as grid_marks
from whyshape.analyses.layers import Layers
from whyshape.analyses.words import Words
from whyshape.graph import Graph, Node
from whyshape.story.scene import WIDTHS, Box, Line, Mark, Scene, Text, wide

LEFT, TOP, BETWEEN = 16.0, 24.0, 26.0  # where the first grid stands, and how far the second is from it
TALL, CELL = 150.0, 9.0  # the most a grid and a cell take


def convolution(graph: Graph, node: Node, width: float = WIDTHS["column"]) -> Scene:
    """One layer on its true grid; an axis too long for the paper is cut, with true numbers on its rulers."""
    way = walk(graph, node)
    rows, columns = way.rows, way.columns
    left, right = beside(way, width)
    marks = grids(way, left, right)
    last_row, last = rows.places - 1, columns.places - 1
    marks += covered(left, rows.cells[0], columns.cells[0], "kernel") + holes(left, rows.cells[0], columns.cells[0])
    marks += covered(right, (0,), (0,), "kernel")
    legend = [("kernel", "first place" if not way.spread else "spread by the first number")]
    if last:
        marks += outline(left, rows.cells[0], columns.cells[1]) + outline(right, (0,), (1,))
        legend.append(("", "second"))
    if last or last_row:
        marks += covered(left, rows.cells[last_row], columns.cells[last], "next") + covered(right, (last_row,), (last,), "next")
        legend.append(("next", "last"))
    marks += heads(graph, node, way, left, width)
    y = TOP + max(left.height, right.height) + 12
    marks += _legend(legend, y)
    said = lines(graph, node, way)
    below, height = written(said, y + 11, width)
    return Scene(width, height, f"{node.path or node.op}: the window and what it makes", in_words(said), (*marks, *below))


def written(said: list[str], y: float, width: float) -> tuple[list[Mark], float]:
    """The lines under the grids, the first one bold, and where they end."""
    wrapped = [row for line in said for row in _wrapped(line, width - LEFT - 4, 6.5)]
    return [Text(LEFT, y + 9 * i, words, 6.5, bold=i == 0) for i, words in enumerate(wrapped)], y + 9 * len(wrapped)


def in_words(said: list[str]) -> str:
    """The lines as running text."""
    return " ".join(line if line.endswith(".") else f"{line}." for line in said)


def grids(way: Walk, left: Grid, right: Grid) -> list[Mark]:
    """Both grids, nothing on them yet."""
    inks = ("out", "space") if way.spread else ("space", "out")
    marks = grid_marks(left, way.rows.n, way.columns.n, inks[0]) + grid_marks(right, way.rows.places, way.columns.places, inks[1])
    return marks + ([] if way.spread else unread(left, way))


def heads(graph: Graph, node: Node, way: Walk, left: Grid, width: float) -> list[Mark]:
    """Over each grid what it is: ``input 1x28x28``."""
    came, gives = (size_text(tuple(map(int, graph.tensors[t].shape))) for t in (node.inputs[0], node.outputs[0]))
    one, other = (f"output {gives}", f"input {came}") if way.spread else (f"input {came}", f"output {gives}")
    x = max(LEFT + left.width + BETWEEN, LEFT + wide(one, 7, True) + 8)
    x = max(0.0, min(x, width - 4 - wide(other, 7, True)))
    return [Text(LEFT, 9, one, 7, bold=True), Text(x, 9, other, 7, bold=True)]


def named(graph: Graph, node: Node) -> str:
    """What a layer is called under its picture: its path, or its type where it is written out alone and its number says nothing."""
    return node.type if len(graph.nodes) == 1 and node.path.isdecimal() else node.path or node.op


def lines(graph: Graph, node: Node, way: Walk) -> list[str]:
    """What is said under the grids: the layer, its formulas, its maps, and what the marks mean."""
    layer = Layers(graph).of(node)
    name = named(graph, node)
    said = [name if name == node.type else f"{name} ({node.type or node.op})"]
    said += [f"{names}: {formula} = {value}" for names, formula, value in layer.formulas if names != "batch"]
    maps = node.rule.answer("maps", graph.call(node)) if node.rule is not None else None
    if isinstance(maps, str) and maps:
        said.append(maps)
    skipped = "" if way.spread else Words(graph).unread(layer)
    if skipped:
        said.append(f"{skipped} Crossed: never read.")
    if any(not 0 <= c < way.columns.n for c in way.columns.shown) or any(not 0 <= r < way.rows.n for r in way.rows.shown):
        said.append("Hatched: cut away." if way.spread else f"Hatched: {way.beyond}.")
    return said


def beside(way: Walk, width: float) -> tuple[Grid, Grid]:
    """What the window walks over and what it makes, side by side at one scale."""
    rows, columns, made = way.rows.shown, way.columns.shown, (_cut(list(range(way.rows.places))), _cut(list(range(way.columns.places))))
    cell = min((width - LEFT - BETWEEN - 8) / (_slots(columns) + _slots(made[1])), TALL / max(_slots(rows), _slots(made[0])), CELL)
    left = placed(rows, columns, LEFT, TOP, cell)
    return left, placed(*made, LEFT + left.width + BETWEEN, TOP, cell)


def _legend(legend: list[tuple[str, str]], y: float) -> list[Mark]:
    marks: list[Mark] = []
    x = LEFT
    for ink, words in legend:
        if ink:
            marks.append(Box(x, y - 5, 6, 6, fill=ink, edge="text"))
        else:
            marks.append(Line(((x, y - 5), (x + 6, y - 5), (x + 6, y + 1), (x, y + 1), (x, y - 5)), "text", 0.9, True))
        marks.append(Text(x + 9, y, words, 6, ink="dim"))
        x += 9 + wide(words, 6) + 10
    return marks


def _cut(cells: list[int]) -> list[int]:
    return cells if len(cells) <= 32 else cells[:16] + cells[-7:]


def _slots(cells: list[int]) -> float:
    return len(cells) + 1.5 * sum(1 for a, b in itertools.pairwise(cells) if b != a + 1)


def _wrapped(words: str, room: float, size: float) -> list[str]:
    """The words in lines; a single word wider than the room is broken where the room ends."""
    found, line = [], ""
    for word in words.split(" "):
        joined = f"{line} {word}" if line else word
        if wide(joined, size, bold=True) <= room:
            line = joined
            continue
        if line:
            found.append(line)
            word = "   " + word
        while wide(word, size, bold=True) > room and len(found) < 12:
            fits = next(n for n in range(min(len(word), 200), 0, -1) if wide(word[:n], size, bold=True) <= room)
            found.append(word[:fits])
            word = "   " + word[fits:]
        line = word
    return [*found, line] if wide(line, size, bold=True) <= room else found
