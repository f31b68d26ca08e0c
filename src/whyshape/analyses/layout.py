"""Where the parts of a module stand in its picture: columns by longest path, places within a column by barycentre."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.rows import Row
from whyshape.graph import Graph

MOST = 60  # parts in one picture; beyond it the list serves better
SWEEPS = 4  # passes of the ordering; more changed no picture of the zoo


class Picture(NamedTuple):
    """``at``: column and place of each part; ``edges``: pairs of parts, ``-1`` for what comes from outside."""

    at: list[list[int]]
    edges: list[list[int]]


def picture(graph: Graph, rows: list[Row], index: int) -> Picture | None:
    """The parts of row ``index`` (-1: of the whole model) laid out; None where they are one chain, or too many to draw."""
    parts = children(rows, index)
    if not 2 <= len(parts) <= MOST:
        return None
    edges = joined(graph, [rows[p] for p in parts])
    inner = [(a, b) for a, b in edges if a >= 0]
    if all(b == a + 1 for a, b in inner) and all(b == 0 for a, b in edges if a < 0):
        return None
    return Picture([list(place) for place in placed(len(parts), inner)], [list(e) for e in edges])


def children(rows: list[Row], index: int) -> list[int]:
    """The rows directly inside row ``index``; -1 asks for those of the whole model."""
    place, end = index + 1, len(rows) if index < 0 else index + 1 + rows[index].kids
    found = []
    while place < end:
        found.append(place)
        place += 1 + rows[place].kids
    return found


def joined(graph: Graph, parts: list[Row]) -> list[tuple[int, int]]:
    """Which part feeds which, each pair once; a part that reads from outside all of them has an edge from -1."""
    maker = {}
    for i, part in enumerate(parts):
        for node in graph.nodes[part.first : part.first + part.count]:
            maker.update(dict.fromkeys(node.outputs, i))
    found = {}
    for i, part in enumerate(parts):
        for node in graph.nodes[part.first : part.first + part.count]:
            for t in node.inputs:
                source = maker.get(t, -1)
                if source != i and graph.tensors[t].kind in ("activation", "input"):
                    found[source, i] = None
    return sorted(found)


def placed(count: int, edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Column and place of ``count`` parts whose ``edges`` all run from a smaller to a larger number.

    >>> placed(4, [(0, 1), (1, 3), (0, 2), (2, 3)])  # a part, two beside each other, and where they meet
    [(0, 0), (1, 0), (1, 1), (2, 0)]
    """
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    column = [0] * count
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        if a < b:
            before[b].append(a)
            after[a].append(b)
            column[b] = max(column[b], column[a] + 1)
    columns: list[list[int]] = [[] for _ in range(max(column, default=-1) + 1)]
    for part in range(count):
        columns[column[part]].append(part)
    place = {part: i for members in columns for i, part in enumerate(members)}
    for sweep in range(SWEEPS):
        near = before if sweep % 2 == 0 else after
        for members in columns if sweep % 2 == 0 else reversed(columns):
            middle = {p: sum(place[q] for q in near[p]) / len(near[p]) if near[p] else place[p] for p in members}
            members.sort(key=lambda p: (middle[p], p))
            place.update((part, i) for i, part in enumerate(members))
    return [(column[part], place[part]) for part in range(count)]
