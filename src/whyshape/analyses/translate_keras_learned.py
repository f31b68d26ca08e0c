"""Learned tensors that are no layer's weight: multiplied with or added to what comes in, as they are or as PyTorch's code makes them first.

What is computed from learned tensors alone (a scale that is reshaped, a kernel that is standardised) is the same at every call: it is not
written, but computed once, when the weights are moved.
"""

from __future__ import annotations

from typing import Any

from whyshape.analyses.translate_keras import Load, Missing, Row, _tuple
from whyshape.analyses.translate_keras_ops import axes_there, given, special
from whyshape.graph.graph import Ref
from whyshape.rules.twins import Move

WEIGHED = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "maximum": "maximum", "minimum": "minimum"}


def weighted(w, node, op, a, b) -> None:
    """A learned tensor and what comes in, ``a op b`` in this order, as one layer."""
    if op not in WEIGHED or (w.learned(a) and (not isinstance(b, Ref) or w.learned(b))) or not isinstance(a, Ref):
        raise Missing("a learned tensor in this place")
    learned, other = (a, b) if w.learned(a) else (b, a)
    x = w.value(other.tensor)
    if learned is a and op == "sub":  # a - x is -x + a, and a / x is a times 1 / x
        x, op = f"-{x}", "add"
    elif learned is a and op == "div":
        x, op = f"1.0 / {x}", "mul"
    w.let(node, weight_layer(w, node, op, other.tensor, x, learned.tensor), w.lies[other.tensor])


def weight_layer(w, node, op: str, other: int, x: str, learned: int) -> str:
    """The code of a layer that holds the learned tensor and puts it to ``x``, the code of what lies like the tensor ``other``."""
    kept, name = _placed(w, node, learned, len(w.graph.tensors[other].shape), w.lies[other])
    w.helpers.add("Weight")
    return f'Weight({kept}, "{WEIGHED[op]}", name="{name}")({x})'


def repeated(w, node, learned: int, rank: int, lies, x: str) -> str:
    """The code of a layer that gives the learned tensor once for every one of the batch of ``x``; as true and false where it is that."""
    kept, name = _placed(w, node, learned, rank, lies)
    w.helpers.add("Repeated")
    code = f'Repeated({kept}, name="{name}")({x})'
    return f'ops.cast({code}, "bool")' if w.graph.tensors[learned].dtype == "bool" else code


def _placed(w, node, learned: int, rank: int, lies) -> tuple[str, str]:
    """What a layer keeps of a learned tensor that is matched with values of so many axes, and the layer's name."""
    t = w.graph.tensors[learned]
    shape = (1,) * (rank - len(t.shape)) + tuple(t.shape)
    order = axes_there(rank, lies)
    if len(shape) != rank or isinstance(lies, Row) or shape[order[0]] != 1:
        raise Missing("a learned tensor of another rank")
    name = w.layer_name(node)
    stretched: Any = ("stretch", *order)  # the leading axes PyTorch stretches are put there first, then moved
    w.loads.append(Load(name, ((w.held(learned), Move("weight", stretched)),)))
    return _tuple([shape[i] for i in order][1:]), name


def product(w, node, a: Ref, b: Ref) -> None:
    """Rows of what comes in times a learned matrix: a Dense without bias."""
    t = w.graph.tensors[b.tensor]
    if w.learned(a) or len(t.shape) != 2 or len(w.graph.tensors[a.tensor].shape) < 2:
        raise Missing("a product with a learned tensor that is no matrix on the right")
    x, name = w.lying(a.tensor, "as is"), w.layer_name(node)
    w.loads.append(Load(name, ((w.held(b.tensor), Move("weight")),)))
    w.let(node, f'layers.Dense({int(t.shape[1])}, use_bias=False, name="{name}")({x})', "as is")


@special("addcmul", "addcdiv", "lerp")
def added(w, node):
    """A tensor and the product (or the quotient) of two others, each of them learned or computed."""
    start, a, b = node.args[:3]
    if node.op == "lerp":
        raise Missing("a step from one tensor to another")
    value = given(node, "value", 3, 1)
    if any(not isinstance(ref, Ref) for ref in (start, a, b)) or isinstance(value, Ref) or (w.learned(a) and w.learned(b)):
        raise Missing("a learned tensor in this place")
    op, lies = ("mul" if node.op == "addcmul" else "div"), {w.lies[r.tensor] for r in (start, a, b) if not w.learned(r)}
    ranks = {len(w.graph.tensors[r.tensor].shape) for r in (start, a, b) if not w.learned(r)}
    if len(lies) > 1 or len(ranks) > 1 or (op == "div" and w.learned(a)):
        raise Missing("tensors that lie differently")
    like = a if w.learned(b) else b
    if w.learned(a) or w.learned(b):
        code = weight_layer(w, node, op, like.tensor, w.value(like.tensor), (a if w.learned(a) else b).tensor)
    else:
        code = f"{w.value(a.tensor)} {'*' if op == 'mul' else '/'} {w.value(b.tensor)}"
    code = code if value == 1 else f"({code}) * {float(value)!r}"
    code = weight_layer(w, node, "add", like.tensor, code, start.tensor) if w.learned(start) else f"{w.value(start.tensor)} + {code}"
    w.let(node, code, lies.pop())


__all__ = ["product", "repeated", "weight_layer", "weighted"]
