"""The parts of a module and how they are joined: as a figure, and in the language of Graphviz."""

from __future__ import annotations

from whyshape.analyses.figure import folded, size_text
from whyshape.analyses.layout import children, joined, placed
from whyshape.analyses.rows import Row
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story.scene import Box, Line, Mark, Scene, Text, shortened


def parts(graph: Graph, path: str = "") -> Scene:
    """The parts of a module (or of the whole model) as boxes joined by lines: data flows down, skips pass beside."""
    every = folded(graph)
    index = -1 if not path else _row_of(every, path)
    found = [every[p] for p in children(every, index)]
    if not found:
        raise WhyshapeError(f"{path} has no parts to draw")
    sketch = placed(len(found) + 1, joined(graph, found))
    broad = max(place for _, place in sketch.at) + 1
    w, h, gap = 104.0, 26.0, 16.0
    x = lambda place: 8 + (place * (w + 14) if place < broad else broad * (w + 14) + (place - broad) * 9 - w / 2)
    y = lambda column: 6.0 if column == 0 else 22 + (column - 1) * (h + gap) + gap
    marks: list[Mark] = [Text(x(sketch.at[0][1]) + w / 2, 13, "what comes in", 6.5, "middle", "dim")]
    for a, b, *passed in sketch.edges:
        column, place = sketch.at[a]
        points = [(x(place) + w / 2, y(column) + (h if a else 10))]
        for k, next_place in enumerate([*passed, sketch.at[b][1]], 1):
            there = x(next_place) + w / 2
            if there != points[-1][0]:
                points += [(points[-1][0], y(column + k) - gap + 6), (there, y(column + k) - gap + 6)]
            points.append((there, y(column + k)))
        marks.append(Line(tuple(points), "line", 0.7, arrow=True))
    for (column, place), part in zip(sketch.at[1:], found):
        out = graph.tensors[graph.nodes[part.first + part.count - 1].outputs[0]].shape
        name = f"{part.name}{f' x {part.times}' if part.times > 1 else ''} {part.type}".strip()
        marks.append(Box(x(place), y(column), w, h, fill="soft"))
        marks += [
            Text(x(place) + 4, y(column) + 11, shortened(name, w - 8, 6.5), 6.5, bold=True),
            Text(x(place) + 4, y(column) + 21, size_text(tuple(map(int, out))), 6.5),
        ]
    lanes = max([p for _, _, *passed in sketch.edges for p in passed], default=0) + 1 - broad
    width = 8 + broad * (w + 14) + max(0, lanes) * 9
    height = y(max(column for column, _ in sketch.at)) + h + 8
    words = ", ".join(f"{part.name or part.type}" for part in found)
    return Scene(width, height, f"{path or graph.name or 'model'}: {len(found)} parts", words, tuple(marks))


def _row_of(every: list[Row], path: str) -> int:
    names: list[str] = []
    for i, row in enumerate(every):
        del names[row.depth :]
        names.append(row.name)
        if ".".join(n for n in names if n) == path and row.kids:
            return i
    raise WhyshapeError(f"no module with parts is called {path!r}")


def dot(graph: Graph, path: str = "") -> str:
    """The same parts in the language of Graphviz."""
    every = folded(graph)
    found = [every[p] for p in children(every, -1 if not path else _row_of(every, path))]
    lines = ["digraph model {", "  rankdir=TB;", '  node [shape=box, fontname="Helvetica"];', '  0 [label="what comes in", shape=plain];']
    for i, part in enumerate(found, 1):
        out = graph.tensors[graph.nodes[part.first + part.count - 1].outputs[0]].shape
        name = f"{part.name} {part.type}".strip()
        lines.append(f'  {i} [label="{_plain(name)}\\n{size_text(tuple(map(int, out)))}"];')
    lines += [f"  {a} -> {b};" for a, b in joined(graph, found)]
    return "\n".join([*lines, "}"]) + "\n"


def _plain(words: str) -> str:
    """Words as they may stand in one of Graphviz' strings; everything outside plain letters is written out."""
    return "".join(c if 32 <= ord(c) < 127 and c not in '"\\<>&' else f"\\\\u{ord(c):04x}" for c in words)
