"""Sequences of PyTorch in Keras: recurrent layers (one for each of `num_layers`, two directions as a Bidirectional), attention by heads."""

from __future__ import annotations

from typing import Any

from whyshape.analyses.translate_keras import Load, Missing
from whyshape.analyses.translate_keras_in_heads import seen
from whyshape.analyses.translate_keras_ops import special
from whyshape.graph.graph import Graph, Ref
from whyshape.rules.recurrent import sequence
from whyshape.rules.twins import Move

# op -> Keras' layer, its gates in Keras' order, more of its code
KINDS = {"lstm": ("LSTM", (0, 1, 2, 3), ""), "gru": ("GRU", (1, 0, 2), ""), "rnn_tanh": ("SimpleRNN", (0,), ""),
         "rnn_relu": ("SimpleRNN", (0,), ', activation="relu"')}  # fmt: skip


def first_states(graph: Graph) -> set[int]:
    """The inputs that recurrent layers begin with, whose batch PyTorch has on the second axis."""
    begins = [node.args[1] for node in graph.nodes if node.op in KINDS]
    return {ref.tensor for at in begins for ref in ((at,) if isinstance(at, Ref) else at)} & set(graph.inputs)


@special("zeros")
def zeros(w, node):
    """States that begin as zero, which Keras does by itself; anywhere else a `zeros` has no twin, and whoever reads it says so."""
    readers = [n for n in w.graph.nodes if node.outputs[0] in n.inputs]
    if not readers or any(n.op not in KINDS for n in readers):
        raise Missing("a tensor of zeros takes part")


@special(*KINDS)
def recurrent(w, node):
    kind, gates, more = KINDS[node.op]
    spec = lambda a: w.graph.spec(a.tensor) if isinstance(a, Ref) else tuple(map(spec, a)) if isinstance(a, (tuple, list)) else a
    s = sequence(spec(node.args[0]), tuple(map(spec, node.args[1:])))
    if s.packed:
        raise Missing("a packed sequence")
    zero = {t for n in w.graph.nodes if n.op == "zeros" for t in n.outputs}
    states = (node.args[1],) if isinstance(node.args[1], Ref) else node.args[1]  # a Ref is a tuple too
    begins = [w.lying(ref.tensor, "turned") for ref in states if ref.tensor not in zero]
    if 0 < len(begins) < len(states):
        raise Missing("one of its first states comes in, the other does not")
    refs = [ref for a in node.args[2:3] for ref in a]
    if s.cell not in (2, 4):
        raise Missing("a projection")
    cells = [tuple(w.graph.tensors[r.tensor].name for r in refs[i : i + s.cell]) for i in range(0, len(refs), s.cell)]
    units = int(w.graph.tensors[refs[1].tensor].shape[1])
    lies = "as is" if s.batch_first else "turned"
    name, x = w.layer_name(node), w.lying(node.args[0].tensor, lies)
    read = [t for t in node.outputs[1:] if w.last_use.get(t, -1) > node.index]  # last states that go out
    kept = ", return_state=True" if read else ""
    code = f"layers.{kind}({units}, return_sequences=True{kept}{more}{'' if s.biases else ', use_bias=False'}"
    states: list[list[str]] = [[] for _ in node.outputs[1:]]
    for i in range(s.layers):
        said = name if s.layers == 1 else f"{name}_{i + 1}"
        first = [f"{state}[:, {i * s.directions + d}]" for d in range(s.directions) for state in begins]
        given = f", initial_state=[{', '.join(first)}]" if first else ""
        line = f'layers.Bidirectional({code}), name="{said}")({x}{given})' if s.bidirectional else f'{code}, name="{said}")({x}{given})'
        ways = ("", "_back")[: s.directions] if read else ()  # Keras gives one direction's states, then the other's
        made = [f"{said}{way}_{what}" for way in ways for what in ("hidden", "cell")[: len(states)]]
        for j, state in enumerate(made):
            states[j % len(states)].append(state)
        if i == 0:
            x = w.let(node, line, lies, beside=tuple(made))
        else:
            w.lines.append(f"{', '.join((x, *made))} = {line}")
        mine = cells[i * s.directions : (i + 1) * s.directions]
        w.loads.append(Load(said, tuple(t for cell in mine for t in _weights(cell, s.biases)), gates=gates))
    for i, t in enumerate(node.outputs[1:]):
        if t in read:  # (layers and directions, batch, units) in PyTorch
            w.let(node, f"ops.stack([{', '.join(states[i])}], axis=1)", "turned", output=i + 1)


def _weights(cell: tuple[str, ...], biases: bool):
    yield (cell[0],), "weight"
    yield (cell[1],), "weight"
    if biases:
        yield (cell[2], cell[3]), "bias"


@special("multi_head_attention_forward")
def attention(w, node):
    """Three projections that PyTorch keeps as the thirds of one matrix, and the heads as blocks of its rows."""
    call: Any = w.graph.call(node)
    if call.bias_k is not None or call.bias_v is not None or call.add_zero_attn or call.static_k is not None or call.static_v is not None:
        raise Missing("a key and a value of its own beside those that come in")
    if len(call.query.shape) != 3:
        raise Missing("a layer in Keras always wants a batch")
    query, key, value = node.args[:3]
    q, k, v = (w.lying(ref.tensor, "turned") for ref in (query, key, value))
    heads, size = int(call.num_heads), int(call.query.shape[-1])
    scores = call.need_weights and w.last_use.get(node.outputs[1], -1) > node.index
    name, bias = w.layer_name(node), "" if call.in_proj_bias is not None else ", use_bias=False"
    wide = "" if int(call.value.shape[-1]) == size else f", output_shape={size}"
    masks = seen(w, call, node.rule.bind(node.args, node.kwargs))
    values = f"{q}, {v}" if key.tensor == value.tensor else f"{q}, {v}, key={k}"
    line = f'layers.MultiHeadAttention({heads}, {size // heads}{wide}{bias}, name="{name}")({values}{masks}'
    made = f"scores{node.index}"
    w.let(node, f"{line}{', return_attention_scores=True' if scores else ''})", "turned", beside=(made,) if scores else ())
    if scores:
        w.let(node, f"ops.mean({made}, axis=1)" if call.average_attn_weights else made, "as is", output=1)
    w.loads.append(Load(name, tuple(_projections(w, node, call))))


def _projections(w, node, call):
    bound = node.rule.bind(node.args, node.kwargs)
    named = lambda argument: w.graph.tensors[bound[argument].tensor].name
    apart = bool(call.use_separate_proj_weight)
    for i, what in enumerate("qkv"):
        argument = f"{what}_proj_weight" if apart else "in_proj_weight"
        yield named(argument), Move(argument, (1, 0), None if apart else (i, 3))
        if call.in_proj_bias is not None:
            yield named("in_proj_bias"), Move("in_proj_bias", None, (i, 3))
    yield named("out_proj_weight"), Move("out_proj_weight", (1, 0))
    if call.out_proj_bias is not None:
        yield named("out_proj_bias"), Move("out_proj_bias")


__all__ = ["KINDS", "first_states"]
