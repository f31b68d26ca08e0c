"""The `onnx` package's own backend tests as an oracle: models, inputs, and the outputs they must give."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from whyshape.errors import WhyshapeError
from whyshape.graph import Stopped, Value
from whyshape.readers.net import Net
from whyshape.readers.onnx import read
from whyshape.readers.onnx.known import Known
from whyshape.readers.onnx.reader import Walk
from whyshape.readers.onnx.records import DTYPES
from whyshape.readers.onnx.scope import OPS
from whyshape.readers.onnx.wire import load


class Case(NamedTuple):
    name: str
    model: onnx.ModelProto
    inputs: list
    outputs: list


def node_cases() -> list[Case]:
    """The cases of single operators, without the doubles whose operator is expanded."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    return [Case(c.name, c.model, *c.data_sets[0]) for c in found if "_expanded" not in c.name]


def claimed(model: onnx.ModelProto) -> bool:
    """Whether every operator of the model has an adapter, and every value that goes in or comes out is a tensor."""
    known = all((f"{n.domain}.{n.op_type}" if n.domain not in ("", "ai.onnx") else n.op_type) in OPS or n.op_type == "Constant"
                for n in model.graph.node)  # fmt: skip
    return known and all(v.type.HasField("tensor_type") for v in (*model.graph.input, *model.graph.output))


def tensor(value):
    """Numbers as an array; a `TensorProto` stays one (numpy has no such dtype)."""
    return value if isinstance(value, (list, onnx.TensorProto)) or value is None else np.asarray(value)


def looks(value) -> tuple | None:
    """Shape and dtype of an expected output."""
    value = tensor(value)
    if isinstance(value, onnx.TensorProto):
        return tuple(value.dims), DTYPES[value.data_type]
    if not isinstance(value, np.ndarray):
        return None
    return value.shape, "string" if value.dtype.kind in "OUS" else DTYPES[onnx.helper.np_dtype_to_tensor_dtype(value.dtype)]


def stated(model: onnx.ModelProto, values: list, chosen) -> onnx.ModelProto:
    """The model with some of its inputs' numbers written into it, as an exporter writes shapes and axes."""
    again = onnx.ModelProto()
    again.CopyFrom(model)
    for i, value in enumerate(map(tensor, values)):
        if i in chosen and isinstance(value, np.ndarray) and value.size <= 4096:
            again.graph.initializer.append(numpy_helper.from_array(value, model.graph.input[i].name))
    return again


def nothing_said(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without what it says of its own results: those are what is to be found."""
    again = onnx.ModelProto()
    again.CopyFrom(model)
    del again.graph.value_info[:]
    for out in again.graph.output:
        if out.type.HasField("tensor_type"):
            out.type.tensor_type.ClearField("shape")
    return again


def verdict(case: Case, tries) -> str:
    """ "equal", "unknown", "refused: ..." or "WRONG: ..." for the output shapes and dtypes of a case."""
    said = "unknown"
    bare = nothing_said(case.model)
    expected = [looks(v) for v in case.outputs]
    for chosen in tries:
        try:
            graph = read(stated(bare, case.inputs, chosen))
        except WhyshapeError as error:
            said = f"refused: {error}"
            continue
        if graph.problem is not None:
            said = f"refused: {graph.problem.sentence}"
            continue
        if len(graph.outputs) != len(expected):
            if said.startswith("refused"):
                continue
            said = "unknown" + str(graph.notes)
            continue
        for index, wanted in zip(graph.outputs, expected):
            t = graph.tensors[index]
            if (tuple(t.shape), t.dtype) != wanted:
                return f"WRONG: {(t.shape, t.dtype)}, {wanted} is true"
        return "equal"
    return said


def seeds_as_inputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """ONNX's shape tests hide their inputs behind a Reshape of unknown shape; here they are inputs again, with the shapes stated."""
    again = onnx.ModelProto()
    again.CopyFrom(model)
    graph = again.graph
    types = {v.name: v for v in (*graph.value_info, *graph.output)}
    kept, hidden = [], []
    for node in graph.node:
        (hidden if node.op_type == "Reshape" and node.input[0] == f"SEED_{node.output[0]}" else kept).append(node)
    names = {node.output[0] for node in hidden}
    inputs = [v for v in graph.input if not v.name.startswith(("SEED_", "UNKNOWN_SHAPE_"))] + [types[n] for n in names if n in types]
    keep_types = [v for v in graph.value_info if v.name not in names]
    for field, values in (("node", kept), ("input", inputs), ("value_info", keep_types)):
        copies = []
        for value in values:
            copy = type(value)()
            copy.CopyFrom(value)
            copies.append(copy)
        del getattr(graph, field)[:]
        getattr(graph, field).extend(copies)
    return again


PRIMES = ((5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43), (10, 14, 22, 26, 34, 38, 46, 58, 62, 74, 82, 86))


def inference_verdict(model: onnx.ModelProto, expected: dict[str, tuple[str, list | None]]) -> str:
    """The same words for one of ONNX's shape inference tests. A name in an expected shape must follow the size of that name.

    ``expected``: for each result its dtype and its shape, with None for what ONNX leaves open (there we may know more).
    """
    bare = nothing_said(seeds_as_inputs(model))
    have = {v.name for v in bare.graph.output}
    bare.graph.output.extend([onnx.helper.make_empty_tensor_value_info(name) for name in expected if name not in have])
    record = load(bare.SerializeToString())
    inputs = [(name, of) for name, of in record.graph.inputs if name not in record.graph.constants]
    names = list(dict.fromkeys(d for _, of in inputs for d in of.shape or () if isinstance(d, str)))
    said = "equal"
    for primes in PRIMES[: 2 if names else 1]:
        sizes = dict(zip(names, primes))
        shapes = [None if of.shape is None else tuple(3 if d is None else sizes.get(d, d) for d in of.shape) for _, of in inputs]
        found = outputs(record, inputs, shapes)
        for name, (dtype, shape) in expected.items():
            if shape is None or (name not in found and all(d is None for d in shape)):
                continue
            if name not in found:
                said = "unknown"
                continue
            got, of = found[name]
            wanted = [sizes.get(d) if isinstance(d, str) else d for d in shape]
            if len(got) != len(wanted) or any(w is not None and w != n for w, n in zip(wanted, got)) or (dtype and of != dtype):
                return f"WRONG: {got} {of}, {shape} {dtype} is expected"
    return said


def outputs(record, inputs, shapes) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype of each output whose sizes are known, for these input shapes."""
    if any(shape is None for shape in shapes):
        return {}
    net = Net()
    values = {name: net.input(shape, of.dtype or "float32", name) for (name, of), shape in zip(inputs, shapes)}
    try:
        results = Walk(record, net, {}).run(values)
    except (Stopped, WhyshapeError):
        return {}
    pairs = zip(record.graph.outputs, results)
    return {name: (tuple(map(int, v.shape)), v.dtype) for (name, _), v in pairs if isinstance(v, (Value, Known))}
