"""Recurrent layers of PyTorch in Keras: one layer for each of `num_layers`, two directions as a Bidirectional, the two biases as Keras keeps them."""

from __future__ import annotations

from whyshape.analyses.translate_keras import Load, Missing
from whyshape.analyses.translate_keras_ops import special
from whyshape.graph.graph import Ref
from whyshape.rules.recurrent import sequence

# op -> Keras' layer, its gates in Keras' order, more of its code
KINDS = {"lstm": ("LSTM", (0, 1, 2, 3), ""), "gru": ("GRU", (1, 0, 2), ""), "rnn_tanh": ("SimpleRNN", (0,), ""),
         "rnn_relu": ("SimpleRNN", (0,), ', activation="relu"')}  # fmt: skip


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
    if s.packed or not s.batch_first:
        raise Missing("a sequence whose batch is not its first axis")
    made = {t for n in w.graph.nodes if n.op == "zeros" for t in n.outputs}
    states = (node.args[1],) if isinstance(node.args[1], Ref) else node.args[1]  # a Ref is a tuple too
    if any(ref.tensor not in made for ref in states):
        raise Missing("its first state comes in")
    if any(w.last_use.get(t, -1) > node.index for t in node.outputs[1:]):
        raise Missing("its last state goes out; the last step of its results is the same where it reads forwards")
    refs = [ref for a in node.args[2:3] for ref in a]
    if s.cell not in (2, 4):
        raise Missing("a projection")
    cells = [tuple(w.graph.tensors[r.tensor].name for r in refs[i : i + s.cell]) for i in range(0, len(refs), s.cell)]
    units = int(w.graph.tensors[refs[1].tensor].shape[1])
    name, x = w.layer_name(node), w.lying(node.args[0].tensor, "as is")
    code = f"layers.{kind}({units}, return_sequences=True{more}{'' if s.biases else ', use_bias=False'}"
    for i in range(s.layers):
        said = name if s.layers == 1 else f"{name}_{i + 1}"
        line = f'layers.Bidirectional({code}), name="{said}")({x})' if s.bidirectional else f'{code}, name="{said}")({x})'
        if i == 0:
            x = w.let(node, line, "as is")
        else:
            w.lines.append(f"{x} = {line}")
        mine = cells[i * s.directions : (i + 1) * s.directions]
        w.loads.append(Load(said, tuple(t for cell in mine for t in _weights(cell, s.biases)), gates=gates))


def _weights(cell: tuple[str, ...], biases: bool):
    yield (cell[0],), "weight"
    yield (cell[1],), "weight"
    if biases:
        yield (cell[2], cell[3]), "bias"


__all__ = ["KINDS"]
