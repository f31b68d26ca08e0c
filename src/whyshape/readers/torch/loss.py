"""A loss that refused what a network gave it: the network is found in the lines above, so that both are run again as one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import torch

from whyshape.errors import WhyshapeError
from whyshape.readers.torch.freeze import flat
from whyshape.readers.torch.source import file_tree

PASSED_ON = frozenset(
    ["to", "cuda", "cpu", "float", "double", "half", "bfloat16", "long", "int", "contiguous", "clone", "detach", "requires_grad_"]
)
TRIED = 6  # calls above the loss that may have made its input


class Network(NamedTuple):
    """A call of a network: which of its results went into the loss, and what the user calls the network and its inputs."""

    net: torch.nn.Module
    inputs: tuple[torch.Tensor, ...]
    names: tuple[str, ...]  # of the network, then of its inputs
    place: int = 0


class WithLoss(torch.nn.Module):
    """The network, under the name it has, and the loss of one of its results."""

    def __init__(self, made: Network, loss, rest: dict):
        super().__init__()
        self.add_module(made.names[0], made.net)
        self.held = (made.names[0], len(made.inputs), made.place, loss, rest)  # the loss is no part of the network

    def forward(self, *tensors):
        name, count, place, loss, rest = self.held
        return loss(flat(getattr(self, name)(*tensors[:count]))[place], *tensors[count:], **rest)


def with_loss(made: Network, loss, rest: dict) -> WithLoss:
    """Both as one model, whose inputs have the user's names; the loss's own are its target."""

    class Named(WithLoss):
        def forward(self, *tensors):
            return super().forward(*tensors)

    words = ["self", *made.names[1:], "target"]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    Named.forward.__signature__ = inspect.Signature([inspect.Parameter(w, kind) for w in dict.fromkeys(words)])  # type: ignore[attr-defined]
    Named.__name__ = WithLoss.__name__
    return Named(made, loss, rest)


def network(frame, line: int, wanted: torch.Tensor) -> Network | None:
    """The call of a network on this line or above it whose result has the sizes the loss was given."""
    from whyshape.readers.torch import read

    for made in islice(_calls(frame, line), TRIED):
        try:
            graph = read(made.net, input_data=made.inputs)
        except WhyshapeError:
            continue
        for place, index in enumerate(graph.outputs):
            if graph.tensors[index].shape == tuple(wanted.shape):
                return made._replace(place=place)
    return None


def _calls(frame, line: int) -> Iterator[Network]:
    """Calls of networks in this frame's code up to the line, the last first."""
    code = frame.f_code
    tree = file_tree(code.co_filename)
    first = 0 if code.co_name == "<module>" else code.co_firstlineno
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and first <= n.lineno <= line] if tree is not None else []
    for call in sorted(calls, key=lambda n: (-n.lineno, n.col_offset)):
        net = _known(call.func, frame)
        inputs = tuple(_known(a, frame) for a in call.args)
        if isinstance(net, torch.nn.Module) and inputs and not call.keywords and all(isinstance(t, torch.Tensor) for t in inputs):
            yield Network(net, inputs, (_name(call.func, "net"), *(_name(a, f"input_{i}") for i, a in enumerate(call.args, 1))))


def _name(node, otherwise: str) -> str:
    """What the user calls it."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else otherwise
    return otherwise if hasattr(WithLoss, name) or name in ("held", "self", "target") else name


def _known(node, frame) -> Any:
    """What a name, or a part of something held under a name, stands for; nothing is run for it."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        held = _known(node.value, frame)
        fields = getattr(held, "__dict__", {})
        return fields.get(node.attr, fields.get("_modules", {}).get(node.attr) if isinstance(held, torch.nn.Module) else None)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PASSED_ON:
        return _known(node.func.value, frame)
    return None


__all__ = ["Network", "network", "with_loss"]
