"""Where the parts of a module stand in its picture: columns by longest path, places within a column by barycentre."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from whyshape.analyses.rows import Row
from whyshape.graph import Graph

MOST = 60  # parts in one picture; beyond it the list serves better
SWEEPS = 4  # passes of the ordering; more changed no picture of the zoo


class Picture(NamedTuple):
    """``at``: column and place of what comes in (first) and of each part; ``edges``: ``[from, to, place, ...]`` with the place at each
    column in between, so that a long edge keeps clear of the parts it passes. 0 stands for what comes in, ``n`` for part ``n - 1``.
    """

    at: list[list[int]]
    edges: list[list[int]]


def picture(graph: Graph, rows: list[Row], index: int) -> Picture | None:
    """The parts of row ``index`` (-1: of the whole model) laid out; None where they are one chain, or too many to draw."""
    parts = children(rows, index)
    if not 2 <= len(parts) <= MOST:
        return None
    edges = joined(graph, [rows[p] for p in parts])
    if all(b == a + 1 for a, b in edges):
        return None
    return placed(len(parts) + 1, edges)


def children(rows: list[Row], index: int) -> list[int]:
    """The rows directly inside row ``index``; -1 asks for those of the whole model."""
    place, end = index + 1, len(rows) if index < 0 else index + 1 + rows[index].kids
    found = []
    while place < end:
        found.append(place)
        place += 1 + rows[place].kids
    return found


def joined(graph: Graph, parts: list[Row]) -> list[tuple[int, int]]:
    """Which part feeds which, each pair once, the first part being 1; what comes from outside all of them is 0."""
    maker = {}
    for i, part in enumerate(parts, 1):
        for node in graph.nodes[part.first : part.first + part.count]:
            maker.update(dict.fromkeys(node.outputs, i))
    found = {}
    for i, part in enumerate(parts, 1):
        for node in graph.nodes[part.first : part.first + part.count]:
            for t in node.inputs:
                source = maker.get(t, 0)
                if source != i and graph.tensors[t].kind in ("activation", "input"):
                    found[source, i] = None
    return sorted(edge for edge in found if edge[0] < edge[1])


def placed(count: int, edges: list[tuple[int, int]], entries: int = 1) -> Picture:
    """``count`` things laid out, whose ``edges`` all run from a smaller to a larger number; the first ``entries`` are what comes in.

    >>> placed(4, [(0, 1), (1, 2), (2, 3), (1, 3)])  # a chain, and a skip that passes beside its third part
    Picture(at=[[0, 0], [1, 0], [2, 0], [3, 0]], edges=[[0, 1], [1, 2], [2, 3], [1, 3, 1]])
    """
    column = [0] * count
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        column[b] = max(column[b], column[a] + 1)
    fed = {b for _, b in edges}
    for part in range(entries, count):  # what nothing feeds (a learned token) stands beside what its first reader reads
        if part not in fed:
            column[part] = max(0, min((column[b] for a, b in edges if a == part), default=1) - 1)
    columns: list[list[int]] = [[] for _ in range(max(column, default=-1) + 1)]
    for part in range(count):
        columns[column[part]].append(part)
    near: dict[int, list[int]] = {}
    ways, beside_of = [], {}
    for a, b in edges:  # one stand-in for each source in every column its edges pass, so that they run as one line
        way = [a]
        for passed in range(column[a] + 1, column[b]):
            stand_in = beside_of.get((a, passed))
            if stand_in is None:
                stand_in = beside_of[a, passed] = count + len(beside_of)
                columns[passed].append(stand_in)
            way.append(stand_in)
        way.append(b)
        ways.append(way)
        for one, other in itertools.pairwise(way):
            near.setdefault(other, []).append(one)
            near.setdefault(~one, []).append(other)
    place = {part: i for members in columns for i, part in enumerate(members)}
    for sweep in range(SWEEPS):
        for members in columns if sweep % 2 == 0 else reversed(columns):
            beside = {p: near.get(p if sweep % 2 == 0 else ~p, ()) for p in members}
            middle = {p: sum(place[q] for q in found) / len(found) if found else place[p] for p, found in beside.items()}
            members.sort(key=lambda p: (p >= count, middle[p], p))  # parts first: a chain stays straight, skips pass to its right
            place.update((part, i) for i, part in enumerate(members))
    return Picture(
        [[column[part], place[part]] for part in range(count)],
        [[way[0], way[-1], *(place[stand_in] for stand_in in way[1:-1])] for way in ways],
    )
