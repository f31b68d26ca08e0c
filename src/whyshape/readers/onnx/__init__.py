"""The ONNX reader: `read(file)` gives the graph a file describes. Standard library only; no weight is read, nothing else is opened."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Stopped, Value, collector_paused
from whyshape.readers.net import Net, first_that_runs, fixed_at, freed, wanted_shapes
from whyshape.readers.onnx.known import Known
from whyshape.readers.onnx.reader import Walk
from whyshape.readers.onnx.records import ModelRecord, Type
from whyshape.readers.onnx.wire import load
from whyshape.sizes import recording

LETTERS = {1: "N", 2: "NF", 3: "NCL", 4: "NCHW", 5: "NCDHW"}


def read(source: str | Path | bytes | Any, input_size=None, dtypes=None, letters=None) -> Graph:
    """The graph of an ONNX file (a path, its bytes, or an ``onnx.ModelProto``).

    ``input_size``: one shape, or one for each input, with the batch; without it the file's own sizes hold, and its symbolic
    dimensions are free axes. ``dtypes``: other dtypes than the file's. ``letters``: for each input its free axes' letters.
    Raises `WhyshapeError` for a file that is damaged, too large, or does not say the rank of an input.
    """
    if hasattr(source, "SerializeToString"):
        source = source.SerializeToString()
    with collector_paused():
        model = load(source)
    return followed(model, Path(source).name if isinstance(source, (str, Path)) else model.graph.name, input_size, dtypes, letters)


def inputs_of(model: ModelRecord) -> list[tuple[str, Type]]:
    """What the model is given when it runs: the inputs that no constant stands for."""
    return [(name, of) for name, of in model.graph.inputs if name not in model.graph.constants]


def followed(model: ModelRecord, name: str, input_size=None, dtypes=None, letters=None, mending=None) -> Graph:
    """The graph of a model that was loaded. ``mending``: goes on past what does not fit, and remembers it."""
    inputs = inputs_of(model)
    wanted = wanted_shapes("file", inputs, input_size)
    with collector_paused():
        return first_that_runs(partial(_attempt, model, name, inputs, wanted, dtypes, letters, mending))


def _attempt(model: ModelRecord, name, inputs, wanted, dtypes, letters, mending, batch, other) -> tuple[Graph, bool]:
    """The graph with these sizes for free axes, and whether there were any to choose."""
    net = Net(name)
    net.mending = mending
    values: dict[str, Value] = {}
    sizes: dict[str, int] = {}  # of each letter
    chosen: list[str] = []
    outputs: list[Value] = []
    with recording() as facts:
        try:
            for i, (label, of) in enumerate(inputs):
                if of.kind != "tensor":
                    raise WhyshapeError(f"The input {label[:60]!r} is a {of.kind}, not a tensor: such a file is not explained.")
                shape, axes = _shape(label, of, wanted[i], letters[i] if letters else None, sizes, chosen, (batch, other), net)
                dtype = (dtypes[i] if isinstance(dtypes, (list, tuple)) else dtypes) if dtypes else of.dtype or "float32"
                values[label] = net.input(shape, dtype, label, axes)
            outputs = net.outputs([net.constant(v) if isinstance(v, Known) else v for v in Walk(model, net, sizes).run(values)])
        except Stopped:
            pass  # where and why stands in net.problem, and is part of the graph
    return net.attempted(outputs, sizes, chosen, facts.branches)


def _shape(label, of: Type, wanted, letters, sizes, chosen, defaults, net) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """An input's sizes and the letters of its free axes: what is asked for, what the file says, else a size to show."""
    stated = of.shape if of.shape is not None else (None,) * len(wanted) if wanted is not None else None
    if stated is None:
        raise WhyshapeError(f"The file does not say how many axes the input {label[:60]!r} has; give its shape with input_size.")
    if wanted is not None and len(wanted) != len(stated):
        raise WhyshapeError(f"The input {label[:60]!r} has {len(stated)} axes; a shape of {len(wanted)} is given.")
    shape, axes = [], []
    stated = fixed(label, stated, wanted, net)
    for i, said in enumerate(stated):
        size = wanted[i] if wanted is not None else None
        asked = letters[i] if letters else size if isinstance(size, str) else ""
        size = None if isinstance(size, str) else size
        if isinstance(said, int):
            shape.append(said)
            axes.append("")
            continue
        letter = asked or _letter(said, i, len(stated), sizes if said is None else {})
        if size is None and letter not in sizes:
            chosen.append(letter)
        sizes.setdefault(letter, size if size is not None else defaults[0] if i == 0 else defaults[1])
        if isinstance(said, str):
            sizes.setdefault(said, sizes[letter])
        if size is not None and size != sizes[letter]:
            raise WhyshapeError(f"The free axis {letter} is given as {sizes[letter]} and as {size}.")
        shape.append(sizes[letter])
        axes.append(letter)
    return tuple(shape), tuple(axes)


def fixed(label: str, stated: tuple, wanted: tuple | None, net: Net) -> tuple:
    """What the file states of an input, where it is not at odds with what is asked for. Raises `Stopped` where it is."""
    other = [i for i, n in enumerate(stated) if isinstance(n, int) and wanted is not None and isinstance(wanted[i], int) and wanted[i] != n]
    if wanted is None or not other:
        return stated
    problem = fixed_at(label, stated, wanted, other, "the file")
    if net.mending is None:
        net.problem = problem
        raise Stopped
    named = {n for n in stated if isinstance(n, str)}
    free = tuple(_letter(None, i, len(stated), named) if i in other else n for i, n in enumerate(stated))
    net.mending.add(net, problem, *freed(label, free, "shape"))
    return free


def _letter(said: str | None, i: int, rank: int, taken) -> str:
    if said:
        return re.sub(r"\W", "_", said)[:32]
    base = LETTERS[rank][i] if rank in LETTERS else f"A{i}"
    letter, n = base, 2
    while letter in taken:
        letter, n = f"{base}{n}", n + 1
    return letter


__all__ = ["read"]
