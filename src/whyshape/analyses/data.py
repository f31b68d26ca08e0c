"""An explanation as data: ``whyshape.explanation.v1``, the keys of the published schema."""

from __future__ import annotations

from whyshape.analyses.layers import Layer, Layers
from whyshape.analyses.operations import operations
from whyshape.analyses.parameters import parameters
from whyshape.graph import Graph, Tensor, letters, push
from whyshape.sizes import Size, plain, product

SCHEMA = "whyshape.explanation.v1"


def explanation(answer) -> dict:
    """Everything an `Explanation` knows, ready for JSON."""
    graph: Graph = answer.graph
    layers = Layers(graph)
    sizes = push(graph, letters(graph)).shapes if any(graph.tensors[i].axes for i in graph.inputs) else None
    work = operations(graph)
    fields = _fields(graph)
    data = {
        "schema": SCHEMA,
        "name": graph.name,
        "mode": "train" if graph.training else "eval",
        "inputs": [{**tensor(graph, i, sizes), "name": graph.tensors[i].name} for i in graph.inputs],
        "outputs": [tensor(graph, i, sizes) for i in graph.outputs],
        "chain": answer.chain,
        "layers": [entry(graph, layers.of(n), sizes, row.counted("macs").value, fields) for n, row in zip(graph.nodes, work.rows)],
        "totals": {
            "params": parameters(graph).total.to_dict(),
            "trainable": parameters(graph).trainable.to_dict(),
            "buffers": parameters(graph).buffers.to_dict(),
            "macs": work.forward("macs").to_dict(),
            "flops": work.forward("flops").to_dict(),
        },
        "problem": problem(graph),
        "hazards": _hazards(answer),
        "notes": list(graph.notes),
        "verified": verified(answer.verified),
    }
    return data


def tensor(graph: Graph, index: int, sizes=None) -> dict:
    """A tensor's shape and dtype; a free axis stands as its expression, with ``at`` the sizes of this run."""
    t: Tensor = graph.tensors[index]
    at = [int(n) for n in t.shape]
    shape = sizes[index] if sizes is not None else t.shape
    if any(isinstance(n, Size) for n in shape):
        return {"shape": [simple(n) for n in shape], "at": at, "dtype": t.dtype}
    return {"shape": at, "dtype": t.dtype}


def simple(n):
    """A size over free axes in its simplest form, as text; a plain one as a number."""
    if not isinstance(n, Size):
        return int(n)
    from whyshape.sizes.simplify import simplified

    return str(simplified(n))


def entry(graph: Graph, layer: Layer, sizes, macs, fields) -> dict:
    """One operator call."""
    node = layer.node
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
        "who": who(layer),
        "params": sum(int(product(graph.tensors[i].shape)) for i in params),
        "macs": None if macs is None else int(macs),
        "receptive_field": fields.get(node.index),
        **({"why": node.why} if node.why else {}),
    }


def who(layer: Layer) -> dict[str, str]:
    """Who decides each number: the knobs, and the axes of the result."""
    told = {name: "chosen" for name in layer.knobs}
    for size in layer.sizes:
        if size.by == "task" and size.knob:
            told[size.knob] = "task"
    for tie in layer.typed:
        told[tie.knob] = f"typed, must equal {tie.wanted}"
    for size in layer.sizes:
        told.setdefault(size.name, size.by)
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
    """The receptive field of each call's first result, where one is known."""
    from whyshape.analyses.field import fields_of

    return fields_of(graph)


def _hazards(answer) -> list:
    from whyshape.analyses.hazards import hazards

    return [h.to_dict() for h in hazards(answer.graph)]
