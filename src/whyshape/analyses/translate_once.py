"""What a model computes from its learned tensors alone: the same at every call, so it is computed once, when the weights are moved."""

from __future__ import annotations

from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph.graph import Graph, rebuild
from whyshape.rules import RULES

TYPED = {"torch.tensor", "arange", "linspace", "eye"}  # numbers that the code types, made without any tensor
OWN = {"Tensor.expand"}  # said otherwise: a class token is repeated for the batch


def once(graph: Graph) -> set[int]:
    """The tensors that need no input: learned ones, and what is computed from them.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> graph = net.graph(net.layer("Linear", "fc", net.input((1, 4)), args=(4, 2)))
    >>> sorted(graph.tensors[i].name for i in once(graph))
    ['fc.bias', 'fc.weight']
    """
    found = {i for i, t in enumerate(graph.tensors) if t.kind in ("parameter", "buffer") and t.name}
    for node in graph.nodes:
        from_learned = bool(node.inputs) and found.issuperset(node.inputs) and node.op not in OWN
        if node.rule is not None and not node.inplace and (from_learned or node.op in TYPED):
            found.update(node.outputs)
    return found


def values(graph: Graph, state: dict[str, Any]) -> dict[str, Any]:
    """The learned tensors by name, and by `name_of` those computed from them. ``state``: the model's tensors by name."""
    import torch

    held = {i: state[graph.tensors[i].name] for i in once(graph) if graph.tensors[i].kind in ("parameter", "buffer")}
    wanted, found = once(graph), dict(state)
    with torch.no_grad():
        for node in graph.nodes:
            if not node.outputs or not wanted.issuperset(node.outputs):
                continue
            args, kwargs = (rebuild(given, lambda ref: held[ref.tensor]) for given in (node.args, node.kwargs))
            kwargs.pop("memory_format", None)  # how numbers lie in memory changes none of them
            made = _function(node.op)(*args, **kwargs)
            for i, out in zip(node.outputs, made if isinstance(made, (tuple, list)) else (made,)):
                if tuple(out.shape) != tuple(graph.tensors[i].shape):
                    raise WhyshapeError(f"{node.path or node.op}: {node.op} of learned tensors gives another size than in the network.")
                held[i] = found[name_of(graph, i)] = out
    return found


def name_of(graph: Graph, tensor: int) -> str:
    """What a learned tensor is called, and one that is computed once."""
    return graph.tensors[tensor].name or f"computed {tensor}"


def _function(op: str):
    """PyTorch's function of that name. Where there are several, one in torch.nn.functional has the signature of the rule; then a method
    takes what a function does and sizes one by one as well, unless it stands apart under a dotted name."""
    import torch

    from whyshape.readers.torch.names import ROOFS, dotted

    if "." in op:
        return dotted(op)
    methods = () if f"Tensor.{op}" in RULES else (torch.Tensor,)
    return next(getattr(roof, op) for roof in (torch.nn.functional, *methods, *ROOFS) if hasattr(roof, op))
