"""A Keras layer in PyTorch, in one line: its code, its sizes maps first, how its kernel is stored there, and what to beware of.

The code is the translator's own, written for this one layer, so what is printed is what `translate` runs on both sides.
"""

from __future__ import annotations

import json
import re

from whyshape.analyses.translate_line import lookalike, text
from whyshape.analyses.words_notation import Notation
from whyshape.errors import WhyshapeError
from whyshape.graph import Node
from whyshape.rules.base import TOLD
from whyshape.rules.twins import Lookalike

ODD = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError)  # settings that Keras never writes


def lines(node: Node, notation: Notation) -> list[str]:
    """What stands under IN TORCH, at the first call of a layer: one that activates too is told once. Empty: nothing is known.

    >>> from whyshape.readers.keras import followed
    >>> dense = {"class_name": "Dense", "name": "dense", "config": {"name": "dense", "units": 50, "activation": "relu"}}
    >>> x = {"class_name": "InputLayer", "config": {"batch_shape": [None, 320], "name": "x"}}
    >>> graph = followed({"class_name": "Sequential", "config": {"layers": [x, dense]}})
    >>> print(*lines(graph.nodes[0], Notation(graph)))
    F.relu(nn.Linear(320, 50)(x)) on (320,) -> (50,). Same numbers. Weight is stored (50, 320) there and (320, 50) here.
    """
    found = spelled(node, notation)
    if found is None:
        return []
    made, writer, inputs, last = found
    if writer.missing:
        return [f"no twin: {writer.missing[0].partition(': ')[2]}."]
    if "self." in code(writer):  # it keeps numbers of its own
        return []
    before, after = (_there(notation, t, first) for t, first in ((inputs[0], notation.moved(inputs[0])), (last.outputs[0], made.first)))
    flat = node.inputs[0] in notation.maps and last.outputs[0] in notation.rows
    moved = any(notation.moved(t) for t in (inputs[0], last.outputs[0]))
    told = [f"{code(writer)} on {text(before)} -> {text(after)}.", f"{'Same count' if flat else 'Same numbers'}{', maps first' * moved}."]
    if flat:
        maps = notation.rows[last.outputs[0]][0]
        told.append(f"The order differs: one map after the other, here all {maps} maps for each place.")
    told += stored(node, notation, writer)
    momentum = re.search(r"momentum=([\d.e-]+)", code(writer))
    if momentum:
        told.append(f"Momentum {momentum.group(1)} there is {settings(node, notation).get('momentum')} here.")
    return [" ".join(told), *[lookalike(other, after) for other in alike(node, notation, inputs[0], last.outputs[0])]]


def alike(node: Node, notation: Notation, before: int, after: int) -> tuple[Lookalike, ...]:
    """PyTorch code of the same size and other numbers, for these settings and sizes."""
    layer = notation.layer(node)
    make = TOLD["lookalike"].get(layer.type) if layer is not None else None
    try:
        return make(settings(node, notation), notation.there(before), notation.there(after)) if make else ()
    except ODD:
        return ()


def spelled(node: Node, notation: Notation):
    """The translator's result for the layer, its writer, the tensors that come in, and the layer's last call; None where nothing is known."""
    from whyshape.analyses.translate_torch import Held, Writer, one
    from whyshape.readers.keras.layers import Unclear

    nodes = notation.graph.nodes
    layer, config = notation.layer(node), settings(node, notation)
    if layer is None or not config or (node.index and notation.layer(nodes[node.index - 1]) is layer):
        return None
    run = [node]
    while run[-1].index + 1 < len(nodes) and notation.layer(nodes[run[-1].index + 1]) is layer:
        run.append(nodes[run[-1].index + 1])
    made = {t for n in run for t in n.outputs}
    kinds = notation.graph.tensors
    inputs = list(dict.fromkeys(t for n in run for t in n.inputs if t not in made and kinds[t].kind not in ("parameter", "buffer")))
    if not inputs:
        return None
    writer, names = Writer(), "x" if len(inputs) == 1 else "abcdefgh"
    if len(inputs) > len(names):
        return None
    held = []
    for name, t in zip(names, inputs):
        image = notation.rows.get(t, ())
        shape = (None, *(int(n) for n in kinds[t].shape[1:]))
        held.append(Held(name, shape, notation.moved(t), (*image[1:], image[0]) if image else ()))
    entry = {"class_name": layer.type, "name": "layer", "module": "keras.layers", "config": config}
    try:
        made_there = one(writer, entry, held, (), {})[0]
    except (*ODD, Unclear, WhyshapeError):
        return None
    return made_there, writer, inputs, run[-1]


def code(writer) -> str:
    """The lines of one layer as one expression, its module put in."""
    *before, last = [made.partition(" = ") for made in writer.lines]
    written = last[2]
    for name, _, said in (*reversed(before), *[made.partition(" = ") for made in writer.init]):
        written = re.sub(rf"(?<!\w){re.escape(name)}\b", said.replace("\\", r"\\"), written)
    return written


def settings(node: Node, notation: Notation) -> dict:
    """The layer's settings, as far as the reader kept them."""
    try:
        layer = notation.layer(node)
        found = json.loads(layer.config) if layer is not None else {}
    except ODD:
        return {}
    return found if isinstance(found, dict) else {}


def _there(notation: Notation, tensor: int, first: bool) -> tuple[int, ...]:
    return notation.there(tensor) if first else tuple(int(n) for n in notation.graph.tensors[tensor].shape[1:])


def stored(node: Node, notation: Notation, writer) -> list[str]:
    """How the kernel lies there, and in which order its numbers meet a flattened picture."""
    weights = [notation.graph.tensors[t] for t in node.inputs if notation.graph.tensors[t].kind == "parameter"]
    load = next((at for at in writer.loads if at.order and isinstance(at.place, int) and 0 <= at.place < len(weights)), None)
    if load is None or not load.parameter.endswith(".weight"):
        return []
    here = tuple(int(n) for n in weights[load.place].shape)
    there = tuple(here[a] for a in load.order)
    if "Depthwise" in node.type:
        there = (there[0] * there[1], 1, *there[2:])
    told = [f"Weight is stored {text(there)} there and {text(here)} here."]
    if load.image:
        order = ", ".join(map(str, (len(load.image) - 1, *range(len(load.image) - 1))))
        shape = ", ".join(map(str, load.image))
        rows = f"kernel[torch.arange({here[0]}).reshape({shape}).permute({order}).flatten()].T"
        told.append(f"Its columns stand in the order of the flattened picture there: {rows}.")
    return told


__all__ = ["alike", "code", "lines", "settings", "spelled", "stored"]
