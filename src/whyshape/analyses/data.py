"""An explanation as data: ``whyshape.explanation.v1``, the keys of the published schema."""

from __future__ import annotations

from whyshape.analyses.found import told
from whyshape.analyses.layers import Layer, Layers
from whyshape.analyses.operations import operations
from whyshape.analyses.parameters import parameters
from whyshape.graph import Graph, Node, Tensor, letters, push
from whyshape.sizes import Size, plain, product

SCHEMA = "whyshape.explanation.v1"


def explanation(answer) -> dict:
    """Everything an `Explanation` knows, ready for JSON."""
    graph: Graph = answer.graph
    layers = Layers(graph)
    sizes = functions(graph)
    work = operations(graph)
    fields = _fields(graph)
    data = {
        "schema": SCHEMA,
        "name": graph.name,
        "mode": "train" if graph.training else "eval",
        "inputs": [{**tensor(graph, i, sizes), "name": graph.tensors[i].name} for i in graph.inputs],
        "outputs": [tensor(graph, i, sizes) for i in graph.outputs],
        "chain": answer.chain,
        "layers": [entry(layers, n, sizes, row.counted("macs").value, fields) for n, row in zip(graph.nodes, work.rows)],
        "totals": {
            "params": parameters(graph).total.to_dict(),
            "trainable": parameters(graph).trainable.to_dict(),
            "buffers": parameters(graph).buffers.to_dict(),
            "macs": work.forward("macs").to_dict(),
            "flops": work.forward("flops").to_dict(),
        },
        "problem": problem(graph),
        "hazards": _hazards(answer),
        "notes": [*graph.notes, *told(layers)],
        "verified": verified(answer.verified),
    }
    return data


class Functions:
    """Every size of a graph as a function of its free axes, in simplest form."""

    def __init__(self, graph: Graph):
        from whyshape.sizes.algebra import Algebra
        from whyshape.sizes.simplify import Simplifier

        self.shapes = push(graph, letters(graph)).shapes
        self._simplifier = Simplifier(Algebra())

    def __getitem__(self, index: int) -> list:
        """A tensor's sizes: numbers, and texts such as ``20*floor((H - 12)/4)`` where an axis is free."""
        return [self.text(n) for n in self.shapes[index]]

    def text(self, size):
        """One size: a plain number, or its expression over the letters."""
        simple = self._simplifier.simplest(size)
        return str(simple.formula.names()) if isinstance(simple, Size) else int(simple)


def functions(graph: Graph) -> Functions | None:
    """The sizes as functions, where an axis is free."""
    return Functions(graph) if any(letter for i in graph.inputs for letter in graph.tensors[i].axes) else None


def tensor(graph: Graph, index: int, sizes=None) -> dict:
    """A tensor's shape and dtype; a free axis stands as its expression, with ``at`` the sizes of this run."""
    t: Tensor = graph.tensors[index]
    at = [int(n) for n in t.shape]
    if sizes is None:
        return {"shape": at, "dtype": t.dtype}
    shape = sizes[index]
    return {"shape": shape, "at": at, "dtype": t.dtype} if shape != at else {"shape": at, "dtype": t.dtype}


def entry(layers: Layers, node: Node, sizes, macs, fields) -> dict:
    """One operator call."""
    graph, layer = layers.graph, layers.of(node)
    params = {i for i in node.inputs if graph.tensors[i].kind == "parameter"}
    return {
        "path": node.path,
        "type": node.type,
        "op": node.op,
        "file": node.file,
        "line": node.line,
        "inputs": [tensor(graph, i, sizes) for i in node.inputs if graph.tensors[i].kind not in ("parameter", "buffer")],
        "outputs": [tensor(graph, i, sizes) for i in node.outputs],
        "by": node.by,
        "formula": "; ".join(f"{names}: {text} = {value}" for names, text, value in layer.formulas) or None,
        "numbers": layer.knobs,
        "who": who(layer, layers),
        "params": sum(int(product(graph.tensors[i].shape)) for i in params),
        "macs": None if macs is None else int(macs),
        "receptive_field": fields.get(node.index),
        **({"why": node.why} if node.why else {}),
    }


def who(layer: Layer, layers: Layers) -> dict[str, str]:
    """Who decides each number: the knobs, and the axes of the result. Found is what nobody typed: what comes in, or a number left open."""
    told = dict.fromkeys(layer.knobs, "chosen")
    for size in layer.sizes:
        if size.by == "task" and size.knob:
            told[size.knob] = "task"
    for knob in told:
        if why := layers.filled(layer.node, knob):
            told[knob] = f"found, {why}"
    for tie in layer.typed:
        found = layer.node.path in layers.found or layers.filled(layer.node, tie.knob)
        told[tie.knob] = f"{'found' if found else 'typed'}, must equal {tie.wanted}"
    for size in layer.sizes:
        told.setdefault(size.name, told[size.knob] if layers.filled(layer.node, size.knob) else size.by)
    return told


def problem(graph: Graph) -> dict | None:
    """Where it stopped, as data."""
    found = graph.problem
    if found is None:
        return None
    from whyshape.analyses.explain import sentence

    numbers = plain(found.numbers)
    return {
        "where": {"layer": found.path, "type": found.type, "op": found.op, "file": found.file, "line": found.line},
        "sentence": sentence(found),
        "wanted": _data(numbers.get("wanted")),
        "arrived": _data(numbers.get("arrived")),
        "message": found.message,
    }


def _data(value):
    return list(value) if isinstance(value, tuple) else value


def verified(found) -> dict | None:
    """What PyTorch was asked, and where it differs."""
    if found is None:
        return None
    return {
        "checked": found.checked,
        "differences": [{"op": d.op, "path": d.path, "rule": str(d.rule), "torch": str(d.torch)} for d in found.differences],
    }


def _fields(graph: Graph) -> dict[int, dict]:
    """The receptive field of each call's first result over the first input, where it depends on it."""
    from whyshape.analyses.field import fields

    if not graph.inputs:
        return {}
    found = fields(graph)
    told = {}
    for node in graph.nodes:
        axes = found.of(node)
        if axes:
            told[node.index] = {
                "size": [f.size for f in axes.values()],
                "stride": [_number(f.stride) for f in axes.values()],
                "start": [_number(f.start) for f in axes.values()],
                "whole": any(f.whole for f in axes.values()),
            }
    return told


def _number(value):
    """A whole number as such; a half (between two cells) as a float."""
    return int(value) if value == int(value) else float(value)


def _hazards(answer) -> list:
    from whyshape.analyses.hazards import hazards

    return [h.to_dict() for h in hazards(answer.graph)]
