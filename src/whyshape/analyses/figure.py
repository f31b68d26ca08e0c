"""Figures for papers and lessons: the architecture, one convolution, the receptive field. Every number is the graph's own."""

from __future__ import annotations

import itertools

from whyshape.analyses.field import window
from whyshape.analyses.grids import Grid, Walk, covered, outline, placed, walk
from whyshape.analyses.grids import drawn as grid_marks
from whyshape.analyses.layers import Layers
from whyshape.analyses.layout import children, joined
from whyshape.analyses.rows import Row, rows
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.story.scene import WIDTHS, Box, Line, Mark, Scene, Text, shortened, wide

NOT_TO_SCALE = 64  # sizes further apart than this are drawn by their square root, and the figure says so


def drawn(graph: Graph, kind: str, layer: str | None = None, width: str | None = None, style: str = "lenet") -> Scene:
    """The figure of that kind: ``arch``, ``conv``, ``rf`` or ``graph``; ``width`` is ``column`` (84 mm) or ``page`` (174 mm)."""
    room = WIDTHS[width or ("page" if kind == "arch" else "column")]
    match kind:
        case "arch":
            return architecture(graph, room, style)
        case "conv":
            return convolution(graph, find(graph, layer) if layer else first_window(graph), room)
        case "rf":
            return receptive(graph, room)
        case "graph":
            from whyshape.analyses.parts import parts

            return parts(graph, layer or "")
    raise WhyshapeError(f"a figure is arch, conv, rf or graph, not {kind!r}")


def find(graph: Graph, path: str) -> Node:
    """The call of a layer, by its path or by the end of it."""
    found = [n for n in graph.nodes if n.path == path] or [n for n in graph.nodes if n.path.endswith(f".{path}")]
    found = [n for n in found if _slides(n, graph)] or found
    if not found:
        known = ", ".join(dict.fromkeys(n.path for n in graph.nodes if n.path and _slides(n, graph))) or "none"
        raise WhyshapeError(f"no layer is called {path!r}; layers with a window: {shortened(known, 600, 7)}")
    return found[0]


def _slides(node: Node, graph: Graph) -> bool:
    return node.rule is not None and not node.rule.pointwise and bool(node.rule.reach(graph.call(node)))


def first_window(graph: Graph) -> Node:
    """The first layer whose window is worth drawing."""
    for node in graph.nodes:
        if _slides(node, graph) and graph.tensors[node.inputs[0]].shape[-2:] != graph.tensors[node.outputs[0]].shape[-2:]:
            return node
    return find(graph, "")


def folded(graph: Graph) -> list[Row]:
    """The rows of the graph, alike neighbours in one."""
    layers = Layers(graph)
    return rows(graph, [layers.of(node).mark for node in graph.nodes])


def called(graph: Graph, row: Row) -> str:
    """A row's path, or for a bare call its operator: ``layer1.0..1 x 2``."""
    node = graph.nodes[row.first]
    above = node.path.split(".")[: row.depth] if row.name else []
    return ".".join([*above, row.name or node.op]) + (f" x {row.times}" if row.times > 1 else "")


def stages(graph: Graph, most: int) -> list[Row]:
    """The model in rows that follow each other, opened level by level while there are at most ``most`` of them."""
    every = folded(graph)
    parts = children(every, -1)
    while True:
        opened = [kid for p in parts for kid in ((every[p].times == 1 and children(every, p)) or [p])]
        if len(opened) > most or opened == parts:
            return [every[p] for p in parts]
        parts = opened


def architecture(graph: Graph, width: float = WIDTHS["page"], style: str = "lenet") -> Scene:
    """The model from left to right: space as a square, maps as a stack beside it, each on its own ruler; skips as arcs above."""
    step, deep = 47.0, 94.0 if style == "lenet" else 66.0
    line = max(2, int((width - 14) // step))
    parts = stages(graph, 3 * line)
    source = graph.inputs[0]
    shown: list[tuple[str, str, tuple[int, ...], int]] = [("input", "", tuple(graph.tensors[source].shape), -1)]
    for i, part in enumerate(parts):
        last = graph.nodes[part.first + part.count - 1]
        shape = tuple(map(int, graph.tensors[last.outputs[0]].shape))
        if shape != shown[-1][2] or part.kids or (last.rule is not None and last.rule.macs(graph.call(last))):
            times = f" x {part.times}" if part.times > 1 else ""
            name = called(graph, part).removesuffix(times)
            shown.append((shortened(name, step - 2 - wide(times, 6), 6) + times, _about(graph, part, last), shape, i))
    scale = _scales([shape for _, _, shape, _ in shown])
    height = deep * -(-len(shown) // line) + 10
    marks: list[Mark] = []
    centre = {}
    for i, (name, about, shape, at) in enumerate(shown):
        x, y = 14 + step * (i % line), 14 + deep * (i // line)
        centre[at] = (x + (step - 8) / 2, y + 3, i)
        marks += _stage(name, about, shape, x, y, step - 8, scale, style)
        if i % line:
            marks.append(Line(((x - 8, y + 30), (x - 1, y + 30)), "line", 0.6, arrow=True))
    skips = _skips(graph, parts, centre)
    for (x1, y1, i), (x2, _, j) in skips:
        if i // line == j // line:
            marks.append(Line(((x1, y1), ((x1 + x2) / 2, y1 - 26), (x2, y1)), "calculated", 0.7, curve=True))
    if scale[2] and style == "lenet":
        marks.append(Text(width - 4, height - 2, "not to scale (square root)", 6, "end", "dim"))
    words = " -> ".join(dict.fromkeys(size_text(shape) for _, _, shape, _ in shown))
    if skips:
        words += f". {len(skips)} skip connection{'s' if len(skips) > 1 else ''}."
    return Scene(width, height, f"{graph.name or 'model'}: sizes from input to output", words, tuple(marks))


def _about(graph: Graph, part: Row, last: Node) -> str:
    """The layer's type and the size of its window: ``Conv2d 5x5``."""
    if part.kids or last.rule is None:
        return part.type
    found = last.rule.reach(graph.call(last)) or {}
    size = "x".join(str(int(w.size)) for _, w in sorted(found.items()) if int(w.size) > 1)
    return f"{part.type} {size}".strip() if not getattr(last.rule, "adaptive", False) else part.type


def size_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[1:] if len(shape) > 1 else shape)) or "one number"


def _scales(shapes):
    spaces = [max(s[-2:]) for s in shapes if len(s) > 3]
    maps = [s[1] if len(s) > 2 else s[-1] for s in shapes if len(s) > 1]
    far = any(v and max(v) > NOT_TO_SCALE * max(1, min(v)) for v in (spaces, maps))
    bend = (lambda n: n**0.5) if far else float
    return (
        lambda n: max(2.0, 26 * bend(n) / bend(max(spaces, default=1))),
        lambda n: max(2.0, 34 * bend(n) / bend(max(maps, default=1))),
        far,
    )


def _stage(name: str, about: str, shape, x: float, y: float, room: float, scale, style: str) -> list[Mark]:
    space, maps, _ = scale
    marks: list[Mark] = []
    middle = x + room / 2
    count = shape[1] if len(shape) > 2 else shape[-1] if len(shape) > 1 else 1
    above = f"{count} {'map' if len(shape) > 2 else 'number'}{'' if count == 1 else 's'}"
    about = "" if about == name else about
    if style == "blocks":
        marks.append(Box(x, y + 12, room, 34, fill="soft"))
        marks += [
            Text(middle, y + 24, shortened(name, room, 6), 6, "middle", bold=True),
            Text(middle, y + 34, shortened(about, room, 6), 6, "middle", "dim"),
        ]
        return [*marks, Text(middle, y + 43, shortened(size_text(shape), room, 6), 6, "middle")]
    marks.append(Text(middle, y + 10, shortened(above, room + 8, 6.5), 6.5, "middle", "calculated"))
    tall = maps(count)
    if len(shape) > 3:
        h, w = space(shape[-2]), space(shape[-1])
        marks.append(Box(x + 2, y + 46 - h, w, h, fill="space"))
        at = x + 2 + w + 3
    else:
        at = middle - 3
    if count <= 12:
        marks += [
            Box(at, y + 46 - (i + 1) * max(1.2, tall / count), 6, max(1.2, tall / count), fill="maps", width=0.3) for i in range(count)
        ]
    else:
        marks.append(Box(at, y + 46 - tall, 6, tall, fill="maps"))
    below = "x".join(map(str, shape[2:]))
    if below:
        marks.append(Text(middle, y + 54, shortened(below, room + 6, 6.5), 6.5, "middle", "chosen"))
    marks.append(Text(middle, y + 63, shortened(name, room + 6, 6), 6, "middle", bold=True))
    marks.append(Text(middle, y + 71, shortened(about, room + 6, 6), 6, "middle", "dim"))
    return marks


def _skips(graph: Graph, parts: list[Row], centre):
    kept, latest = {0: -1}, -1
    for i in range(len(parts)):
        latest = i if i in centre else latest
        kept[i + 1] = latest
    found = {(kept[a], kept[b]) for a, b in joined(graph, parts) if b > a + 1 and kept[b] - 1 > kept[a] and kept[b] in centre}
    ends = [(centre[a], centre[b]) for a, b in sorted(found) if a in centre]
    return [(a, b) for a, b in ends if b[2] > a[2] + 1]


def convolution(graph: Graph, node: Node, width: float = WIDTHS["column"]) -> Scene:
    """One layer: its window at the first place, the second (one stride on) and the last; what it makes; its formula with numbers."""
    way = walk(graph, node)
    rows_, columns = way.rows, way.columns
    left, right = beside(way, width)
    marks = [
        *grid_marks(left, rows_.n, columns.n, "out" if way.spread else "space"),
        *grid_marks(right, rows_.places, columns.places, "space" if way.spread else "out"),
    ]
    last_row, last = rows_.places - 1, columns.places - 1
    marks += covered(left, rows_.cells[0], columns.cells[0], "kernel")
    marks += covered(right, (0,), (0,), "kernel")
    if last:
        marks += outline(left, rows_.cells[0], columns.cells[1]) + outline(right, (0,), (1,))
    if last or last_row:
        marks += covered(left, rows_.cells[last_row], columns.cells[last], "next") + covered(right, (last_row,), (last,), "next")
    came, gives = (graph.tensors[t].shape for t in (node.inputs[0], node.outputs[0]))
    names = ("output", "input") if way.spread else ("input", "output")
    sides = (gives, came) if way.spread else (came, gives)
    marks += [
        Text(16, 9, f"{names[0]} {size_text(sides[0])}", 7, bold=True),
        Text(
            max(16 + left.width + 26, 24 + wide(f"{names[0]} {size_text(sides[0])}", 7)),
            9,
            f"{names[1]} {size_text(sides[1])}",
            7,
            bold=True,
        ),
    ]
    y = 24 + max(left.height, right.height) + 12
    lines = [f"{node.path or node.op} ({node.type or node.op})"]
    lines += [f"{names}: {formula} = {value}" for names, formula, value in Layers(graph).of(node).formulas if names != "batch"]
    if any(not 0 <= c < columns.n for c in columns.shown) or any(not 0 <= r < rows_.n for r in rows_.shown):
        lines.append("hatched: cut away" if way.spread else f"hatched: {way.beyond}")
    for i, words in enumerate(_wrapped(lines, width - 16, 6.5)):
        marks.append(Text(16, y + 9 * i, words, 6.5, bold=i == 0))
    height = y + 9 * len(_wrapped(lines, width - 16, 6.5))
    return Scene(width, height, f"{node.path or node.op}: the window and what it makes", ". ".join(lines), tuple(marks))


def beside(way: Walk, width: float) -> tuple[Grid, Grid]:
    """What the window walks over and what it makes, side by side at one scale."""
    rows_, columns, made = way.rows.shown, way.columns.shown, (_cut(list(range(way.rows.places))), _cut(list(range(way.columns.places))))
    cell = min((width - 50) / (_slots(columns) + _slots(made[1])), 150 / max(_slots(rows_), _slots(made[0])), 9.0)
    left = placed(rows_, columns, 16, 24, cell)
    return left, placed(*made, 16 + left.width + 26, 24, cell)


def _cut(cells: list[int]) -> list[int]:
    return cells if len(cells) <= 32 else cells[:16] + cells[-7:]


def _slots(cells: list[int]) -> float:
    return len(cells) + 1.5 * sum(1 for a, b in itertools.pairwise(cells) if b != a + 1)


def _wrapped(lines: list[str], room: float, size: float) -> list[str]:
    found = []
    for words in lines:
        line = ""
        for word in words.split(" "):
            if line and wide(f"{line} {word}", size) > room:
                found.append(line)
                line = " " * 3 + word
            else:
                line = f"{line} {word}" if line else word
        found.append(line)
    return found


def receptive(graph: Graph, width: float = WIDTHS["column"], most: int = 10) -> Scene:
    """Nested squares on the input: what the middle cell of each layer sees."""
    source = graph.inputs[0]
    shape = graph.tensors[source].shape
    if len(shape) < 4:
        raise WhyshapeError(f"the receptive field is drawn on images; this input has {len(shape)} axes")
    steps: list[tuple[str, tuple[int, int, int, int], bool]] = []
    for node in graph.nodes:
        out = node.outputs[0]
        size = graph.tensors[out].shape
        if len(size) != len(shape) or not _slides(node, graph):
            continue
        seen = window(graph, out, tuple(int(n) // 2 for n in size))
        rank = len(shape)
        box = (seen[rank - 2].first, seen[rank - 1].first, seen[rank - 2].last, seen[rank - 1].last)
        if box not in [known for _, known, _ in steps]:
            steps.append((node.path or node.op, box, seen[rank - 1].exact))
    if not steps:
        raise WhyshapeError("no layer of this model has a window, so every cell sees one cell")
    if len(steps) > most:
        steps = [steps[round(i * (len(steps) - 1) / (most - 1))] for i in range(most)]
    h, w = int(shape[-2]), int(shape[-1])
    side = min(width * 0.46, 150 * w / max(h, w))
    unit = side / w
    marks: list[Mark] = [Box(8, 16, side, h * unit, fill="space")]
    inks = ("kernel", "maps", "next", "out", "soft")  # from the smallest outwards
    inside = sorted(steps, key=lambda step: (step[1][2] - step[1][0], step[1][3] - step[1][1]))
    ink = {box: inks[i % len(inks)] for i, (_, box, _) in enumerate(inside)}
    for _, (top, start, bottom, end), _ in reversed(inside):
        w_, h_ = (end - start + 1) * unit, (bottom - top + 1) * unit
        marks.append(Box(8 + start * unit, 16 + top * unit, w_, h_, ink[top, start, bottom, end], width=0.8))
    words = []
    for i, (name, (top, start, bottom, end), exact) in enumerate(steps):
        y = 22 + i * 11
        marks.append(Box(side + 18, y - 6, 7, 7, ink[top, start, bottom, end]))
        told = f"{'' if exact else 'at most '}{bottom - top + 1} x {end - start + 1}"
        marks.append(Text(side + 29, y, _ending(name, width - side - 82, 6.5), 6.5))
        marks.append(Text(width - 4, y, told, 6.5, "end", bold=True))
        words.append(f"{name} sees {told}")
    marks.append(Text(8, 10, f"input {h} x {w}; the middle cell of each layer sees", 7, bold=True))
    height = 24 + max(h * unit, 11 * len(steps))
    return Scene(width, height, f"{graph.name or 'model'}: receptive field", "; ".join(words), tuple(marks))


def _ending(words: str, room: float, size: float) -> str:
    most = len(shortened("x" * 200, room, size))
    return words if len(words) <= most else "..." + words[3 - most :]
