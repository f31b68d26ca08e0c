"""What the repetitions that one row stands for do not have in common: settings that no size depends on."""

from __future__ import annotations

from inspect import signature

from whyshape.analyses.rows import Row
from whyshape.graph import Graph, Node, Ref

FEW = 6  # values told


def differs(graph: Graph, row: Row) -> list[str]:
    """For a row that stands for alike blocks: the settings in which they differ, each with its values in order.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> x = net.input((1, 8))
    >>> for i in range(3):
    ...     x = net.layer("Linear", f"blocks.{i}.fc", x, args=(8, 8))
    ...     x = net.layer("Dropout", f"blocks.{i}.drop", x, args=(i / 10,))
    >>> differs(net.graph(x), Row(0, "blocks.0..2", "", 0, 6, 3, 2))
    ['drop p: 0.0, 0.1, 0.2']
    """
    if row.times < 2:
        return []
    length, found = row.count // row.times, []
    for at in range(row.first, row.first + length):
        alike = graph.nodes[at : row.first + row.count : length]
        settings = [_settings(node) for node in alike]
        for name in dict.fromkeys(name for each in settings for name in each):
            values = list(dict.fromkeys(str(each.get(name, "its default")) for each in settings))
            if len(values) > 1:
                inside = alike[0].path.rpartition(".")[2] if length > 1 and alike[0].path else alike[0].op
                found.append(f"{inside} {name}: {', '.join(values[:FEW])}{' ...' if len(values) > FEW else ''}")
    return list(dict.fromkeys(found))


def _settings(node: Node) -> dict[str, object]:
    """The plain numbers and words among a call's arguments, by name."""
    names = list(signature(node.rule.shape).parameters) if node.rule is not None else []
    given = {names[i] if i < len(names) else f"argument {i}": value for i, value in enumerate(node.args)} | node.kwargs
    return {name: value for name, value in given.items() if isinstance(value, (bool, int, float, str)) and not isinstance(value, Ref)}
