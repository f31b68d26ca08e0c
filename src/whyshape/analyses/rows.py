"""A graph's calls as the rows of a tree table: modules hold their parts, neighbours that are alike stand in one row."""

from __future__ import annotations

import string
from itertools import groupby
from typing import NamedTuple

from whyshape.graph import Graph


class Row(NamedTuple):
    """One row: a module or a call. It covers the calls ``first .. first + count - 1``, of which ``times`` alike blocks are told once."""

    depth: int
    name: str  # relative to the row it stands in; "0..79" where it stands for several
    type: str
    first: int
    count: int  # type: ignore[assignment]  # of all its repetitions (a tuple's own `count` is not wanted here)
    times: int
    kids: int  # rows below it


class _Block(NamedTuple):
    name: str
    type: str
    first: int
    count: int  # type: ignore[assignment]
    times: int
    kids: tuple
    mark: int  # equal for blocks that are alike in every number


def rows(graph: Graph, derivations: list[int] | None = None, chained: bool = False) -> list[Row]:
    """The rows in the order of the calls, each followed by the rows inside it.

    ``derivations``: for each call a number that is equal where two calls are derived alike; without it every call is its own.
    ``chained``: only blocks that feed one another stand in one row, not those side by side; a picture would make a chain of them.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> x = net.layer("Conv2d", "conv.conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> x = net.layer("ReLU", "conv.relu_1", x)
    >>> [(row.depth, row.name, row.type) for row in rows(net.graph(x))]
    [(0, 'conv', ''), (1, 'conv_1', 'Conv2d'), (1, 'relu_1', 'ReLU')]
    """
    types = {module.path: module.type for module in graph.modules}
    alike = derivations or list(range(len(graph.nodes)))
    parts = [node.path.split(".") if node.path else [] for node in graph.nodes]
    marks: dict[tuple, int] = {}

    def mark(*key) -> int:
        return marks.setdefault(key, len(marks))

    def call(index: int, name: str) -> _Block:
        node = graph.nodes[index]
        sizes = tuple(tuple(map(int, graph.tensors[i].shape)) for i in (*node.inputs, *node.outputs))
        return _Block(name, node.op if not name else node.type, index, 1, 1, (), mark(alike[index], node.type, sizes))

    def feeds(one: _Block, other: _Block) -> bool:
        made = {t for node in graph.nodes[one.first : one.first + one.count] for t in node.outputs}
        return any(t in made for node in graph.nodes[other.first : other.first + other.count] for t in node.inputs)

    def block(indices: list[int], depth: int) -> tuple[_Block, ...]:
        found = []
        key = lambda i: parts[i][depth] if len(parts[i]) > depth else None
        for name, group in groupby(indices, key):
            inside = list(group)
            if name is None:
                found += [call(i, "") for i in inside]
            elif len(inside) == 1 and len(parts[inside[0]]) == depth + 1:
                found.append(call(inside[0], name))
            else:
                kids = block(inside, depth + 1)
                path = ".".join(parts[inside[0]][: depth + 1])
                kind = types.get(path, graph.nodes[inside[0]].type if len(parts[inside[0]]) == depth + 1 else "")
                found.append(_Block(name, kind, inside[0], len(inside), 1, kids, mark(kind, *((k.name, k.mark) for k in kids))))
        return _folded(found, feeds if chained else None)

    result: list[Row] = []
    for top in block(list(range(len(graph.nodes))), 0):
        _write(top, 0, result)
    return result


def _folded(blocks: list[_Block], feeds=None) -> tuple[_Block, ...]:
    """Numbered neighbours that are alike, as one block: ``0..79``, ``encoder_layer_0..11``."""
    folded = []
    for (_, stem), group in groupby(blocks, lambda b: (b.mark, b.name.rstrip(string.digits))):
        runs: list[list[_Block]] = []
        for block in group:
            if runs and block.name != stem and (feeds is None or feeds(runs[-1][-1], block)):
                runs[-1].append(block)
            else:
                runs.append([block])
        for run in runs:
            if len(run) > 1:
                name = f"{run[0].name}..{run[-1].name[len(stem) :]}"
                folded.append(run[0]._replace(name=name, times=len(run), count=sum(b.count for b in run)))
            else:
                folded += run
    return tuple(folded)


def _write(block: _Block, depth: int, result: list[Row]) -> None:
    place = len(result)
    result.append(Row(depth, block.name, block.type, block.first, block.count, block.times, 0))
    for kid in block.kids:
        _write(kid, depth + 1, result)
    result[place] = result[place]._replace(kids=len(result) - place - 1)
