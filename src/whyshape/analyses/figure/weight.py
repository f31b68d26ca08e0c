"""What a layer learns, as it is stored: a block for each kernel and map, with the multiplication that counts its numbers."""

from __future__ import annotations

from math import ceil

from whyshape.analyses.figure.conv import LEFT, in_words, named, written
from whyshape.analyses.figure.found import learned
from whyshape.analyses.words import Words
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node, Ref, Tensor, rebuild
from whyshape.rules.words import count
from whyshape.story.scene import SMALLEST, WIDTHS, Box, Line, Mark, Scene, Text, wide

HIGH, APART = 96.0, 4.0  # how high the blocks of one tensor may stand, and how far from each other
LARGEST, LEAST, BLOCK = 8.0, 3.0, 36.0  # the side of a number, and about how large a block is
TENSORS = 8  # drawn of one layer; more are told in words
COUNTED = {
    "out_channels": "map it makes",
    "in_channels": "map it reads",
    "out_features": "number it makes",
    "units": "number it makes",
    "in_features": "number it reads",
    "num_features": "map it reads",
}


def weights(graph: Graph, node: Node, width: float = WIDTHS["column"]) -> Scene:
    """The learned tensors of one call, each in rows and columns of blocks. Raises `WhyshapeError` where it learns nothing."""
    tensors = learned(graph, node)
    if not tensors:
        known = dict.fromkeys(n.path for n in graph.nodes if n.path and learned(graph, n))
        told = ", ".join([*known][:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        raise WhyshapeError(f"{node.path or node.op} learns no numbers, so there is nothing to draw; layers that do: {told or 'none'}")
    meant, name = _meant(node), named(graph, node)
    marks: list[Mark] = []
    y, words = 10.0, []
    for i in tensors[:TENSORS]:
        told = _told(graph.tensors[i], meant.get(i, ()))
        words.append(told)
        above, y = written([told], y, width)
        blocks, bottom = _blocks(tuple(map(int, graph.tensors[i].shape)), y - 4, width - LEFT - 18)
        marks += above + blocks
        y = bottom + 14
    said = [f"{name}: {line}" for line in Words(graph).weights(node)]
    if len(tensors) > TENSORS:
        said.append(f"{len(tensors) - TENSORS} more tensors are not drawn.")
    below, height = written(said, y, width)
    return Scene(width, height, f"{name}: what it learns", in_words([*said, *words]), (*marks, *below))


def _meant(node: Node) -> dict[int, tuple[str, ...]]:
    """For each tensor that stands for an argument of the rule: what its axes are called."""
    if node.rule is None:
        return {}
    same = lambda ref: ref
    given = node.rule.bind(rebuild(node.args, same), rebuild(node.kwargs, same))
    return {ref.tensor: node.rule.knobs[name] for name, ref in given.items() if isinstance(ref, Ref) and name in node.rule.knobs}


def _told(tensor: Tensor, axes: tuple[str, ...]) -> str:
    """``weight: 20 x 10 blocks of 5 x 5, a row for each map it makes, a column for each map it reads``."""
    shape = tuple(map(int, tensor.shape))
    name = f"{tensor.name.rpartition('.')[2]}: " if tensor.name else ""
    what = f"{' x '.join(map(str, shape[:2]))} {'blocks of ' + ' x '.join(map(str, shape[2:])) if len(shape) > 2 else 'numbers'}"
    if len(shape) < 2:
        what = f"{shape[0]} numbers" if shape else "one number"
    if _one_each(shape):
        what = f"{count(shape[0], 'block')} of {' x '.join(map(str, shape[2:]))}"
    lines = ("a row", "a column") if len(shape) > 1 and not _one_each(shape) else ("one",)
    return ", ".join([name + what, *(f"{line} for each {COUNTED[axis]}" for line, axis in zip(lines, axes) if axis in COUNTED)])


def _one_each(shape: tuple[int, ...]) -> bool:
    """Whether every kernel reads a single map: its one block may then stand anywhere."""
    return len(shape) > 2 and shape[1] == 1


def _blocks(shape: tuple[int, ...], y: float, room: float) -> tuple[list[Mark], float]:
    """As many blocks as there is room for, and where they end; what is left out is three dots."""
    rows, columns, *kernel = (1, *(shape or (1,))) if len(shape) < 2 else shape
    high, broad = ([1, 1, *kernel])[-2:]
    side = min(LARGEST, max(LEAST, BLOCK // max(high, broad)))
    shown_h, shown_w = min(high, int(HIGH / side)), min(broad, int(room / side))
    apart = APART if kernel else 0.0
    step_x, step_y = shown_w * side + apart, shown_h * side + apart
    total = rows * columns
    across, down = max(1, int((room + apart) / step_x)), max(1, int((HIGH + apart) / step_y))
    if _one_each(shape):  # they follow one another like the words of a text
        across = min(rows, across)
        down = min(ceil(rows / across), down)
        rows, columns = ceil(rows / across), across
    across, down = min(columns, across), min(rows, down)
    marks: list[Mark] = []
    at = [(LEFT + c * step_x, y + r * step_y) for r in range(down) for c in range(across)][:total]
    marks += [Box(x, top, shown_w * side, shown_h * side, fill="next", edge="text", width=0.4) for x, top in at]
    for x, top in at:
        marks += [Line(((x + i * side, top), (x + i * side, top + shown_h * side)), "text", 0.2) for i in range(1, shown_w)]
        marks += [Line(((x, top + i * side), (x + shown_w * side, top + i * side)), "text", 0.2) for i in range(1, shown_h)]
    right, bottom = LEFT + across * step_x - apart, y + down * step_y - apart
    if across < columns or shown_w < broad:
        marks.append(Text(right + 3, y + 6, "...", SMALLEST))
    if down < rows or shown_h < high:
        marks.append(Text(LEFT, bottom + 6, "...", SMALLEST))
        bottom += 5
    if (down, across) != (rows, columns):
        told = f"{down} x {across} of {rows} x {columns} drawn" if rows > 1 and not _one_each(shape) else f"{len(at)} of {total} drawn"
        marks.append(Text(max(LEFT + 10, right - wide(told, SMALLEST)), bottom + (6 if down == rows else 1), told, SMALLEST, ink="dim"))
        bottom += 7 if down == rows else 2
    return marks, bottom
