"""The receptive field: on the input, what the middle cell of each layer sees."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.field import fields, window
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.story.scene import DEPTHS, WIDTHS, Box, Mark, Scene, Text, shortened, wide

TALL = 150.0  # points the input may take


class Step(NamedTuple):
    """What the middle cell of one layer's result sees of the input: first and last place on each of two axes."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    exact: bool

    @property
    def words(self) -> str:
        """``14 x 14``, with ``at most`` where it may be less."""
        h, w = (b - a + 1 for a, b in zip(self.first, self.last))
        return f"{'' if self.exact else 'at most '}{h} x {w}"


def receptive(graph: Graph, width: float = WIDTHS["column"], most: int = len(DEPTHS)) -> Scene:
    """Nested rectangles on the input, darkest where the first layer looks; at most ``most`` layers, evenly chosen."""
    shape = tuple(map(int, graph.tensors[graph.inputs[0]].shape))
    if len(shape) != 4:
        raise WhyshapeError(f"the receptive field is drawn on images (batch, maps, height, width); this input has {len(shape)} axes")
    steps = seen(graph, shape, most)
    h, w = shape[-2:]
    side = min(width * 0.4, TALL * w / max(h, w))
    unit = side / w
    marks: list[Mark] = [Box(8, 16, side, h * unit, fill="space")]
    ink = {step: DEPTHS[round(i * (len(DEPTHS) - 1) / max(1, len(steps) - 1))] for i, step in enumerate(steps)}
    area = lambda step: (step.last[0] - step.first[0] + 1) * (step.last[1] - step.first[1] + 1)
    for step in sorted(steps, key=area, reverse=True):
        (top, start), (bottom, end) = step.first, step.last
        box = (8 + start * unit, 16 + top * unit, (end - start + 1) * unit, (bottom - top + 1) * unit)
        marks.append(Box(*box, fill=ink[step], edge="text", width=0.5))
    broad = max(wide(step.words, 6.5, bold=True) for step in steps)
    for i, step in enumerate(steps):
        y = 22 + i * 11
        marks.append(Box(side + 16, y - 6, 7, 7, ink[step]))
        marks.append(Text(side + 27, y, shortened(step.name, width - side - 27 - broad - 10, 6.5), 6.5))
        marks.append(Text(width - 4, y, step.words, 6.5, "end", bold=True))
    marks.append(Text(8, 10, f"input {h} x {w}; the middle cell of each layer sees", 7, bold=True))
    height = 22 + max(h * unit, 11 * len(steps))
    words = "; ".join(f"{step.name} sees {step.words}" for step in steps)
    return Scene(width, height, f"{graph.name or 'model'}: receptive field", words, tuple(marks))


def seen(graph: Graph, shape: tuple[int, ...], most: int) -> list[Step]:
    """Layers that see more than the layers before them, each with the exact window of its middle cell."""
    steps: list[Step] = []
    for node, moves in _widening(graph, shape, most):
        out = node.outputs[0]
        found = window(graph, out, tuple(int(n) // 2 for n in graph.tensors[out].shape))
        rows, columns = found[2], found[3]
        if not rows.cells or not columns.cells:
            continue
        step = Step(node.path or node.op, (rows.first, columns.first), (rows.last, columns.last), rows.exact and columns.exact)
        covers = step.first == (0, 0) and step.last == (shape[2] - 1, shape[3] - 1)
        if (moves or covers) and (step.first, step.last) not in [(known.first, known.last) for known in steps]:
            steps.append(step)
    if not steps:
        raise WhyshapeError("no layer of this model has a window, so every cell sees one cell")
    return steps


def _widening(graph: Graph, shape: tuple[int, ...], most: int) -> list[tuple[Node, bool]]:
    """The layers after which a cell sees more, up to the first that surely sees all of the input; sizes by formula, so this is fast.

    With each whether its middle cell has a place on the input; where it has none (tokens, rows of numbers) only all of the input counts.
    """
    found = fields(graph)
    nodes: list[tuple[Node, bool]] = []
    known = {(True, (1, 1), False)}
    for node in graph.nodes:
        sees = found.of(node)
        if not sees:
            continue
        rows, columns = sees.values()
        moves, whole = None not in (rows.axis, columns.axis), rows.whole and columns.whole
        key = (moves, (rows.size, columns.size), whole)
        mixes = node.rule is not None and node.rule.whole  # attention, a global pool: here the middle cell may see all there is
        if key not in known and (moves or mixes):
            known.add(key)
            nodes.append((node, moves))
        if rows.size >= 2 * shape[2] - 1 and columns.size >= 2 * shape[3] - 1:
            break  # wherever the middle cell stands, its window covers the input
    if len(nodes) > most:
        nodes = [nodes[round(i * (len(nodes) - 1) / (most - 1))] for i in range(most)]
    return nodes
