"""A layer by its name, and the first one worth drawing."""

from __future__ import annotations

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node

MANY = 12  # layers named in a refusal


def find(graph: Graph, path: str) -> Node:
    """The call of a layer, by its path or by the end of it: one whose window slides, where there is one."""
    found = [n for n in graph.nodes if n.path == path] or [n for n in graph.nodes if n.path.endswith(f".{path}")]
    found = [n for n in found if slides(n, graph)] or found
    if not found:
        raise WhyshapeError(f"no layer is called {path!r}; layers with a window: {_known(graph)}")
    return found[0]


def first_window(graph: Graph) -> Node:
    """The first layer whose window is worth drawing."""
    sliding = [n for n in graph.nodes if slides(n, graph)]
    for node in sliding:
        if graph.tensors[node.inputs[0]].shape[-2:] != graph.tensors[node.outputs[0]].shape[-2:]:
            return node
    if not sliding:
        raise WhyshapeError("no layer of this model has a window that moves, so there is nothing to draw")
    return sliding[0]


def first_learned(graph: Graph) -> Node:
    """The first layer that learns: one whose weights are blocks, where there is one."""
    learning = [node for node in graph.nodes if learned(graph, node)]
    if not learning:
        raise WhyshapeError("no layer of this model learns numbers, so there is nothing to draw")
    return next((node for node in learning if any(len(graph.tensors[i].shape) > 2 for i in learned(graph, node))), learning[0])


def learned(graph: Graph, node: Node) -> list[int]:
    """The parameters a call reads, each once."""
    return [i for i in dict.fromkeys(node.inputs) if graph.tensors[i].kind == "parameter"]


def slides(node: Node, graph: Graph) -> bool:
    """Whether a window moves over what the node reads."""
    return node.rule is not None and not node.rule.pointwise and bool(node.rule.reach(graph.call(node)))


def _known(graph: Graph) -> str:
    names = list(dict.fromkeys(n.path for n in graph.nodes if n.path and slides(n, graph)))
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more if names else "none"
