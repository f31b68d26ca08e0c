"""The data of the report page: every size as an expression tree, every demand, and the tree of rows to show.

The page holds no rule. It evaluates the trees written here, so a knob turned in the browser asks the same formula.
All trees stand in one table, ``trees``, each part once; everywhere else a tree is its index there. An entry is a number, a knob's
name, ``[slot, axis]`` (an axis of the call's inputs) or ``[operator, index, ...]``.
Calls that are derived alike share one derivation, and neighbours that are alike share one row.
"""

from __future__ import annotations

from typing import Any

from whyshape.analyses.differs import differs
from whyshape.analyses.glossary import GLOSSARY
from whyshape.analyses.layout import children, picture
from whyshape.analyses.report_calls import Calls
from whyshape.analyses.rows import Row, rows
from whyshape.graph import Graph
from whyshape.sizes import plain

SCHEMA = "whyshape.report.v1"
SHORT = 60  # calls that one line still tells one by one
FEW = 16  # parts of a part that take its place in that line


def report(graph: Graph, *, fits: str = "", problems=(), hazards=(), checks=()) -> dict[str, Any]:
    """The report's data, ready for JSON. What other analyses know (``fits``, ``problems``, ``hazards``, ``checks``) is shown if given.

    >>> from whyshape.graph import Builder
    >>> net = Builder("one")
    >>> out = net.layer("Conv2d", "conv", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> data = report(net.graph(out))
    >>> data["trees"][data["rules"][0]["outs"][0][1]], data["nodes"]
    ('out_channels', [[0, [0], [1], 1, 0]])
    """
    graph = graph.settled()
    table = Calls(graph)
    for node in graph.nodes:
        table.add(node)
    found = rows(graph, [node[0] for node in table.nodes])
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "title": graph.name or "model",
        "training": graph.training,
        "trees": table.trees,
        "sentences": list(table.sentences),
        "words": [dict(told) for told in table.told],
        "shapes": table.shapes,
        "tensors": table.tensors,
        "inputs": [[table.tensor(i), graph.tensors[i].name or f"input {n}"] for n, i in enumerate(graph.inputs)],
        "outputs": [table.tensor(i) for i in graph.outputs if graph.tensors[i].kind not in ("parameter", "buffer")],
        "rules": table.rules,
        "nodes": table.nodes,
        "branches": [
            table.condition(cond, lambda at: (table.tensor(at.leaf.ref[1]), at.leaf.ref[2]))
            for cond in graph.branches
            if cond.left is not cond.right  # a size that was looked up: that says nothing about it
        ],
        "totals": table.totals,
        "rows": [[row.depth, row.name, row.type, row.first, row.count, row.times, row.kids] for row in found],
        "differs": {str(index): told for index, row in enumerate(found) if (told := differs(graph, row))},
        "pictures": _pictures(graph, found),
        "chain": _chain(graph, found),
        "bars": _bars(found),
        "fits": fits or _no_map(graph),
        "glossary": list(GLOSSARY.items()),
        "notes": list(graph.notes),
        "checks": [*table.derived(), *checks],
    }
    if graph.problem is not None:
        stopped = graph.problem
        data["problem"] = {"sentence": _filled(stopped), "path": stopped.path, "type": stopped.type, "op": stopped.op}
        problems = problems or [{"sentence": f"{stopped.path or stopped.op} stopped the model: {_filled(stopped)}."}]
    for name, value in (("problems", list(problems)), ("hazards", list(hazards))):
        if value:
            data[name] = value
    return data


def _chain(graph: Graph, found: list[Row]) -> list[int]:
    """The rows whose sizes tell the way from input to output in one line: calls of a small model, parts of a large one.

    What does not rest on an input (a table of positions, a first state of zeros) lies beside the way.
    """
    reached = set(graph.inputs)
    for node in graph.nodes:
        if not reached.isdisjoint(node.inputs):
            reached.update(node.outputs)
    if len(graph.nodes) <= SHORT:
        picked = [i for i, row in enumerate(found) if not row.kids]
    else:
        picked = [i for part in children(found, -1) for i in _opened(found, part)]
    return [i for i in picked if reached.issuperset(graph.nodes[found[i].first + found[i].count - 1].outputs[:1])]


def _bars(found: list[Row]) -> list[int]:
    """The rows whose sums are compared: the parts of the model, and in place of some of them their own parts, while that stays a few."""
    parts, at = children(found, -1), 0
    while at < len(parts) < FEW:
        inside = children(found, parts[at])
        if inside and len(parts) + len(inside) <= FEW + 1:
            parts[at : at + 1] = inside
        else:
            at += 1
    return [_only(found, part) for part in parts]


def _only(found: list[Row], part: int) -> int:
    """The part, or its only part's only part: it says which of several is meant."""
    while len(inside := children(found, part)) == 1:
        part = inside[0]
    return part


def _opened(found: list[Row], part: int) -> list[int]:
    """The parts of a part, where they are a few; else itself."""
    inside = children(found, part)
    return inside if 1 < len(inside) < FEW else [part]


def _no_map(graph: Graph) -> str:
    """Why no map of sizes is drawn, where none is."""
    if graph.problem is not None:
        at = graph.problem.path or graph.problem.op
        return f"The model stopped at {at}, so the layers behind it were not read. Which sizes would pass all of them is not known here."
    named = [(graph.tensors[i].name or f"input {n}", plain(graph.tensors[i].shape)) for n, i in enumerate(graph.inputs)]
    if len(named) == 1 and len(named[0][1]) == 4:
        return ""
    told = ", ".join(f"{name} ({' x '.join(map(str, shape))})" for name, shape in named)
    return f"A map of sizes is drawn for a model of one image. This model's inputs: {told or 'none'}."


def _filled(stopped) -> str:
    try:
        return stopped.sentence.format(**plain(stopped.numbers))
    except (KeyError, IndexError, ValueError):  # a sentence that is already filled, with a brace of the model's own in it
        return stopped.sentence


def _pictures(graph: Graph, found: list[Row]) -> dict[str, Any]:
    """For each row whose parts are not one chain: where its parts stand and how they are joined. Alike rows share one picture."""
    drawn = {}
    for index, row in enumerate(found):
        if row.kids:
            sketch = picture(graph, found, index)
            if sketch is not None:
                drawn[str(index)] = {"at": sketch.at, "edges": sketch.edges}
    return drawn
