"""Where the batch stands: sizes are told without it only where it comes first."""

from __future__ import annotations

from whyshape.analyses.layers import Layers, Origins
from whyshape.graph import Graph
from whyshape.rules.base import TOLD


def batch_in_front(graph: Graph, layers: Layers | None = None) -> bool:
    """Whether the first axis may be the batch: no layer keeps its batch on an axis that comes from another, as an LSTM(10, 20) does.

    ``layers``: of the graph, where somebody has them already.

    >>> from whyshape.readers.notation import build, parse
    >>> batch_in_front(build(parse("LSTM(10, 20)"), (5, 2, 10)))
    False
    >>> batch_in_front(build(parse("LSTM(10, 20, batch_first=True)"), (2, 5, 10)))
    True
    """
    asked = [node for node in graph.nodes if node.op in TOLD["batch"] and node.rule is not None]
    if not asked:
        return True
    origins = Origins(layers or Layers(graph))
    for node in asked:
        axis = node.rule.answer("batch", graph.call(node))
        if axis:
            step = origins.of(node.inputs[0], axis)
            if step.node is not None or step.axis != 0:
                return False
    return True
