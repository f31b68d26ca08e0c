"""What attention is made of, in Keras: masks, scores written out, the queries, keys and values of one product, tokens repeated for the batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.analyses.translate_keras import Load, Missing, Row, _tuple
from whyshape.analyses.translate_keras_learned import repeated
from whyshape.analyses.translate_keras_numbers import filled
from whyshape.analyses.translate_keras_ops import axes_there, axis_there, given, reshape, special
from whyshape.graph.graph import Graph, Ref
from whyshape.rules.base import axis_of
from whyshape.rules.twins import Move


class Moved(NamedTuple):
    """A value whose batch PyTorch has moved off the first axis: it lies as it was, and ``order`` says which axis is meant where."""

    order: tuple[int, ...]


@special("unbind")
def unbind(w, node):
    """The parts along one axis. Behind a permutation that put that axis first and the batch second, the batch is the first axis again."""
    x = node.args[0].tensor
    rank, lies = len(w.graph.tensors[x].shape), w.lies.get(x, "as is")
    dim = axis_of(int(given(node, "dim", 1, 0)), rank)
    order = lies.order if isinstance(lies, Moved) else None
    if isinstance(lies, Row) or (order is None and axis_there(dim, rank, lies) == 0) or (order is not None and (dim != 0 or order[1] != 0)):
        raise Missing("the batch is cut into parts")
    axis = order[0] if order is not None else axis_there(dim, rank, lies)
    left = [a - (a > axis) for a in order[1:]] if order is not None else list(range(rank - 1))
    w.lines.append(f"part{node.index} = {w.value(x)}")
    after = "as is" if lies == "last" or order is not None else lies
    if lies == "last" and rank > 3:
        raise Missing("maps or places are taken one by one")
    for i, out in enumerate(node.outputs):
        code = f"part{node.index}[{', '.join([':'] * axis + [str(i)])}]"
        moved = f"layers.Permute({_tuple(left[1:])})({code})" if left != sorted(left) else code
        if w.last_use.get(out, -1) > node.index:
            w.let(node, moved, after, i)


@special("Tensor.expand", "Tensor.expand_as")
def expand(w, node):
    """A learned tensor repeated for the batch: a class token. A computed one along its axes of 1."""
    ref = node.args[0]
    held, made = w.graph.tensors[ref.tensor], w.graph.tensors[node.outputs[0]]
    kept = tuple(held.shape[1:])
    if not w.learned(ref) and len(held.shape) == len(made.shape) and w.lies[ref.tensor] in ("as is", "last"):
        times = [b // a if a else 1 for a, b in zip(held.shape, made.shape)]
        if times[0] == 1:
            order = axes_there(len(times), w.lies[ref.tensor])
            w.let(node, f"ops.tile({w.value(ref.tensor)}, {_tuple([times[i] for i in order])})", w.lies[ref.tensor])
            return
    if held.kind != "parameter" or not held.shape or held.shape[0] != 1 or tuple(made.shape[1:]) != kept or not w.graph.inputs:
        raise Missing("no twin is known in Keras for a tensor that is repeated")
    if made.shape[0] != w.graph.tensors[w.graph.inputs[0]].shape[0]:
        raise Missing("a learned tensor repeated another number of times than there are in the batch")
    name = w.layer_name(node)
    w.helpers.add("Repeated")
    w.loads.append(Load(name, ((held.name, Move("weight")),)))
    w.let(node, f'Repeated({_tuple(kept)}, name="{name}")(inputs0)', "as is")


@special("ones", "triu", "tril", "Tensor.triu", "Tensor.tril", "logical_not", "Tensor.__invert__", "bitwise_not")
def mask(w, node):
    """Tables that say who sees whom, made of numbers the model types; they have no batch."""
    what = node.op.rpartition(".")[2].strip("_")
    if what == "ones":
        out = w.graph.tensors[node.outputs[0]]
        w.let(node, f'ops.ones({_tuple(out.shape)}, dtype="{out.dtype}")', "as is")
        return
    x = w.lying(node.args[0].tensor, "as is")
    if what in ("triu", "tril"):
        k = int(given(node, "diagonal", 1, 0))
        w.let(node, f"ops.{what}({x}{f', k={k}' if k else ''})", "as is")
    else:
        w.let(node, f"ops.logical_not({x})", "as is")


@special("zeros_like", "masked_fill", "Tensor.masked_fill", "Tensor.masked_fill_", "masked_fill_")
def hides(w, node):
    """PyTorch turns a mask that says what is hidden into numbers to be added; for the layer that reads it the mask itself is written."""
    readers = [n for n in w.graph.nodes if node.outputs[0] in n.inputs]
    if not readers or any(n.op != "multi_head_attention_forward" and "masked_fill" not in n.op for n in readers):
        if node.op == "zeros_like":
            raise Missing("a tensor of zeros takes part")
        filled(w, node)
        return
    w.names[node.outputs[0]], w.lies[node.outputs[0]] = "missing", "as is"
    for t in node.inputs:  # the mask is read where the layer stands
        w.last_use[t] = max([w.last_use.get(t, -1), *(w.last_use.get(node.outputs[0], -1),)])


def hidden(w, ref: Ref) -> str:
    """The code of the truth table behind a mask. Raises `Missing` for numbers that are added to the scores."""
    made_by = w.graph.producers()
    node = made_by.get(ref.tensor)
    if w.graph.tensors[ref.tensor].dtype == "bool":
        return w.lying(ref.tensor, "as is")
    filled = node is not None and "masked_fill" in node.op and given(node, "value", 2) == float("-inf")
    start = made_by.get(node.args[0].tensor) if filled and node is not None else None
    if node is None or start is None or start.op not in ("zeros_like", "zeros"):
        raise Missing("a mask of numbers, which PyTorch adds to the scores; one in Keras says what is seen")
    return w.lying(given(node, "mask", 1).tensor, "as is")


def paddings(graph: Graph) -> set[int]:
    """The tensors that say which keys are padding: their batch is the first axis, wherever that of the sequences is."""
    made_by, found = graph.producers(), set()
    for node in graph.nodes:
        ref = node.rule.bind(node.args, node.kwargs).get("key_padding_mask") if node.rule is not None else None
        if isinstance(ref, Ref):
            filled = made_by.get(ref.tensor)
            found |= {ref.tensor, *(filled.inputs if filled is not None else ())}
    return found


def seen(w, call: Any, bound: dict) -> str:
    """The words of a mask for Keras' attention: what is seen, where PyTorch says what is hidden."""
    parts = []
    if call.attn_mask is not None:
        if len(call.attn_mask.shape) != 2:
            raise Missing("a mask for every head of its own")
        parts.append(f"ops.expand_dims(ops.logical_not({hidden(w, bound['attn_mask'])}), 0)")
    if call.key_padding_mask is not None:
        parts.append(f"ops.expand_dims(ops.logical_not({hidden(w, bound['key_padding_mask'])}), 1)")
    if not parts:
        return ""
    return f", attention_mask={parts[0] if len(parts) == 1 else f'ops.logical_and({parts[0]}, {parts[1]})'}"


@special("scaled_dot_product_attention")
def attention(w, node):
    """Scores, softmax, and what they pick, written out. Here a truth table says what is seen, as in Keras."""
    bound = node.rule.bind(node.args, node.kwargs)
    call: Any = w.graph.call(node)
    if len(call.query.shape) < 3 or bound.get("enable_gqa") or float(bound.get("dropout_p") or 0.0):
        raise Missing("attention with dropout, with fewer heads of keys, or without a batch")
    q, k, v = (w.lying(bound[name].tensor, "as is") for name in ("query", "key", "value"))
    rows, columns, size = int(call.query.shape[-2]), int(call.key.shape[-2]), int(call.query.shape[-1])
    scale = float(bound["scale"]) if bound.get("scale") is not None else size**-0.5
    scores = f"scores{node.index}"
    w.lines.append(f"{scores} = ops.matmul({q}, ops.swapaxes({k}, -1, -2)) * {scale!r}")
    if bound.get("is_causal"):
        w.lines.append(f'{scores} = ops.where(ops.tril(ops.ones(({rows}, {columns}), dtype="bool")), {scores}, float("-inf"))')
    ref = bound.get("attn_mask")
    if ref is not None:
        said = repeated(w, node, ref.tensor, len(call.query.shape), "as is", q) if w.learned(ref) else w.lying(ref.tensor, "as is")
        truth = w.graph.tensors[ref.tensor].dtype == "bool"
        w.lines.append(f'{scores} = ops.where({said}, {scores}, float("-inf"))' if truth else f"{scores} = {scores} + {said}")
    w.let(node, f"ops.matmul(ops.softmax({scores}, axis=-1), {v})", "as is")


@special("flatten")
def flatten(w, node):
    """Some axes in one: a Reshape. All but the batch is the layer's own work, which is left to its twin."""
    x, out = node.args[0].tensor, node.outputs[0]
    if len(w.graph.tensors[out].shape) > 2 and w.lies.get(x) != "turned":
        reshape(w, node)
    else:
        w.by_twin(node)


__all__ = ["Moved", "hidden", "paddings", "seen"]
