"""The same call in the other framework, in one line: its code, its sizes there, and what to beware of."""

from __future__ import annotations

from typing import Any

from whyshape.analyses.words_notation import Notation
from whyshape.graph.graph import Graph, Node
from whyshape.rules.base import TOLD, Call, Spec
from whyshape.rules.twins import Lookalike, NoTwin, Twin, rows_there


def twin_of(node: Node, graph: Graph, last: bool | None = None) -> Twin | NoTwin | None:
    """How Keras spells a call; None where nothing is known. ``last``: its images lie maps last (unsaid: where they are images)."""
    make = TOLD["twin"].get(node.op) if node.rule is not None else None
    if make is None or not node.outputs:
        return None
    rank = len(graph.tensors[node.inputs[0]].shape)
    call: Any = graph.call(node)
    if getattr(node.rule, "knobs", {}).get("weight", ())[-1:] == ("kernel_size",) and rank == len(call.weight.shape) - 1:
        return NoTwin("a layer in Keras always wants a batch")
    if last is None:
        notation = Notation(graph)
        last = notation.moved(node.inputs[0])
        _say_maps(call, node, notation)
    return make(call, last)


def lines(node: Node, notation: Notation) -> list[str]:
    """What stands under IN KERAS: code, sizes maps last, kernel layout; then what looks alike and has other numbers. Empty: nothing is known.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> y = net.layer("Conv2d", "conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> g = net.graph(y)
    >>> print(*lines(g.nodes[0], Notation(g)))
    Conv2D(10, 5) on (28, 28, 1) -> (24, 24, 10). Same numbers, maps last. Kernel is stored (5, 5, 1, 10) there and (10, 1, 5, 5) here.
    """
    found = spelled(node, notation)
    if found is None:
        return []
    call, twin = found
    first, made = node.inputs[0], node.outputs[0]
    before, after = _there(first, notation, twin), _there(made, notation, twin)
    if _batchless(node, notation) and made not in notation.maps:  # laid in one row: nothing in front of it to leave out
        after = tuple(call.out.shape[1:])
    alike = [lookalike(other, after) for other in twin.beware]
    if isinstance(twin, NoTwin):
        return [f"no twin: {twin.reason}.", *alike]
    told = [f"{', then '.join(twin.steps)} on {text(before)} -> {text(after)}.", f"{_same(twin)}{_order(node, notation, twin)}."]
    if _batchless(node, notation):
        told.append("Keras wants a batch in front.")
    if twin.remark:
        told.append(f"{twin.remark[0].upper()}{twin.remark[1:]}.")
    if kernel := kernel_there(call, twin):
        told.append(f"Kernel is stored {text(kernel)} there and {text(call.weight.shape)} here.")
        if first in notation.rows:
            told.append(f"Its rows stand in the order of the flattened picture there: {rows_there(notation.rows[first])}.")
    return [" ".join(told), *alike]


def spelled(node: Node, notation: Notation) -> tuple[Any, Twin | NoTwin] | None:
    """The call, with a batch where it has none, and its twin; None where nothing is known."""
    make = TOLD["twin"].get(node.op) if node.rule is not None else None
    if make is None or not node.outputs or not node.inputs:
        return None
    call = notation.graph.call(node)
    _say_maps(call, node, notation)
    if _batchless(node, notation):
        _with_a_batch(call)
    return call, make(call, notation.moved(node.inputs[0]))


def _say_maps(call: Any, node: Node, notation: Notation) -> None:
    """Put into the call which axis counts maps, of its first input and its first result."""
    vars(call)["maps"] = tuple([notation.maps.get(t) for t in (node.inputs[0], node.outputs[0])])


def _batchless(node: Node, notation: Notation) -> bool:
    return notation.maps.get(node.inputs[0]) == 0


def kernel_there(call: Any, twin: Twin) -> tuple[int, ...]:
    """The shape in which Keras stores the weight; empty where it has none, or the same."""
    kernel = next((m for m in twin.weights if m.argument == "weight" and m.order), None)
    if kernel is None or not kernel.order or None in kernel.order or len(kernel.order) < 2:
        return ()
    return tuple(int(n) for n in _stored(kernel, call))


def keras_line(node: Node, graph: Graph) -> str | None:
    """`lines` in one, of a graph that is asked once; None where nothing is known."""
    return " ".join(lines(node, Notation(graph))) or None


def lookalike(found: Lookalike, after) -> str:
    """Code of the same size and other numbers, as a sentence."""
    return f"{', then '.join(found.steps)} also gives {text(after)}, but not the same values: {found.because}."


AXES = ("dim", "start_dim", "end_dim", "dim0", "dim1")  # arguments that count axes


def _with_a_batch(call: Call) -> None:
    """One picture alone, as a batch of one: axes counted from the front are one further on."""
    held = vars(call)
    held["input"], held["out"] = (Spec((1, *held[name].shape), held[name].dtype) for name in ("input", "out"))
    held["maps"] = tuple([None if axis is None else axis + 1 for axis in held["maps"]])
    held.update({name: held[name] + 1 for name in AXES if isinstance(held.get(name), int) and held[name] >= 0})


def _same(twin: Twin) -> str:
    return "Same chances" if twin.drawn else "Same count" if twin.differs else "Same numbers"


def _order(node: Node, notation: Notation, twin: Twin) -> str:
    moved = _moves(twin) and any(notation.moved(t) for t in (node.inputs[0], node.outputs[0]))
    if twin.layout == "heads":
        return ", heads behind the places"
    return ", maps last" if moved else ", batch first" if twin.layout == "turned" else ""


def _stored(kernel, call):
    shape = call.weight.shape
    if len(kernel.order) < len(shape):  # a depthwise kernel: (in*m, 1, *k) there is (*k, in, m)
        groups = int(call.groups)
        return (*shape[2:], groups, int(shape[0]) // groups)
    return tuple(shape[a] for a in kernel.order)


def _moves(twin: Twin | NoTwin) -> bool:
    return isinstance(twin, NoTwin) or twin.layout in ("last", "any", "whole")


def _there(tensor: int, notation: Notation, twin: Twin | NoTwin) -> tuple[int, ...]:
    """A shape without its batch, in the order the twin wants."""
    shape = tuple(int(n) for n in notation.graph.tensors[tensor].shape)
    if isinstance(twin, Twin) and twin.layout == "whole":
        return notation.whole(tensor)
    if isinstance(twin, Twin) and twin.layout == "heads":
        return (shape[2], shape[1], shape[3])
    if not _moves(twin):
        return (shape[0], *shape[2:]) if isinstance(twin, Twin) and twin.layout == "turned" else shape[1:]
    return notation.there(tensor)


def text(shape) -> str:
    """A shape as Python writes it.

    >>> text((24, 24, 10)), text((320,))
    ('(24, 24, 10)', '(320,)')
    """
    inner = ", ".join(str(int(n)) for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


__all__ = ["keras_line", "kernel_there", "lines", "lookalike", "spelled", "text", "twin_of"]
