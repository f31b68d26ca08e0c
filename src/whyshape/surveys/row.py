"""One model of a survey: asked, and told as a row. A model that fails is a row with its reason."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Any

from whyshape.analyses.amount import Amount
from whyshape.api import read
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.readers import target
from whyshape.readers.shapes import letters_of
from whyshape.surveys.inputs import Input, input_of
from whyshape.surveys.names import Asked

# Every column, and what stands in it.
COLUMNS = {
    "name": "the model",
    "params": "numbers it learns",
    "macs": "multiply-adds for the input",
    "output": "the sizes that come out, without the batch",
    "operators": "operator calls",
    "field": "places of the input that one place of the last map sees, along its longest axis; * where a gate sees all besides",
    "smallest": "the smallest square input it takes, up to the input asked, found by running each",
    "input": "the input asked, with the batch",
    "source": "who says that this is its input",
    "problem": "why it could not be asked",
}


class Field(int):
    """A receptive field; ``whole``: some path (a gate) sees all of the input besides; ``all``: every path does, there is no window."""

    whole = all = False


def row(asked: Asked, wanted: Collection[str], input_size=None, dtypes=None, mode: str = "eval") -> dict[str, Any]:
    """One model's row, with the columns that are wanted; what is not known is None."""
    found: dict[str, Any] = dict.fromkeys(COLUMNS)
    found.update(name=asked.name, output="", input="", source="", problem="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hundreds of models warn of many things, none of them about sizes
        try:
            _ask(asked.model, found, wanted, input_size, dtypes, mode)
        except (Exception, SystemExit) as error:  # whatever one model raises, the others are asked
            found["problem"] = _told(error)
    return found


def _ask(model, found, wanted, input_size, dtypes, mode) -> None:
    text = model if isinstance(model, str) else ""
    if text and target.kind_of(text) == "python":
        model = target.load(text)
    chosen = None
    if input_size is not None:
        chosen = Input(tuple(input_size), "", "you")
    elif not isinstance(model, (str, Graph)):
        chosen = input_of(model, text)
        dtypes = dtypes or [chosen.dtype]
    graph = read(model, None if chosen is None else chosen.shape, None, dtypes, mode).settled()
    shapes = [tuple(map(int, graph.tensors[i].shape)) for i in graph.inputs]
    found["input"] = ", ".join("x".join(map(str, shape)) for shape in shapes)
    found["source"] = chosen.source if chosen else "the model"
    _fill(found, graph, wanted)
    if "smallest" in wanted and graph.problem is None and not isinstance(model, Graph):
        found["smallest"] = smallest(model, shapes, [graph.tensors[i].dtype for i in graph.inputs], mode)


def _fill(found: dict, graph: Graph, wanted) -> None:
    """What a graph tells."""
    from whyshape.analyses.explain import sentence
    from whyshape.analyses.operations import operations
    from whyshape.analyses.parameters import parameters

    found["params"] = parameters(graph).total
    if graph.problem is not None:
        place = f"{graph.problem.path} ({graph.problem.type})" if graph.problem.path else graph.problem.op
        found["problem"] = f"{place} cannot take what arrives: {sentence(graph.problem)}"
        return
    found["macs"] = operations(graph).forward("macs")
    found["operators"] = len(graph.nodes)
    batch = {tuple(graph.tensors[i].shape)[:1] for i in (*graph.inputs, *graph.outputs)}
    shapes = [tuple(map(int, graph.tensors[i].shape)) for i in graph.outputs]
    drop = len(batch) == 1 and all(len(shape) > 1 for shape in shapes)
    found["output"] = ", ".join("x".join(map(str, shape[drop:])) or "one number" for shape in shapes)
    if "field" in wanted:
        found["field"] = sight(graph)


def sight(graph: Graph) -> Field | None:
    """How many places of the first input one place of the last map sees, along its longest axis; None where that is not known exactly.

    A map has as many axes as the input and more than one place; what comes after the last of them (a pool over all, a linear layer) sees all.
    """
    from whyshape.analyses.field import fields, places

    if not graph.inputs or not places(graph, graph.inputs[0]):
        return None
    shape = graph.tensors[graph.inputs[0]].shape
    spots = places(graph, graph.inputs[0])
    table = fields(graph)
    for node in reversed(graph.nodes):
        axes = table.of(node)
        made = graph.tensors[node.outputs[0]].shape if node.outputs else ()
        if not axes or len(made) != len(shape) or not any(made[a] > 1 for a in spots):
            continue
        if not all(f.exact for f in axes.values()):
            return None
        slides = all(f.axis is not None for f in axes.values())
        seen = Field(max(f.size for f in axes.values()) if slides else max(int(shape[a]) for a in spots))
        seen.whole, seen.all = any(f.whole for f in axes.values()), not slides
        return seen
    return None


def smallest(model, shapes, dtypes, mode: str) -> int | None:
    """The smallest side of a square (or line, or cube) that the model takes, up to the input's own; every one below was run and refused."""
    from whyshape.readers.again import again

    if isinstance(model, str) and target.kind_of(model) != "notation":
        return None
    lettered = [(*shape[:2], *("S",) * (len(shape) - 2)) for shape in shapes]
    sides = [n for shape in shapes for n in shape[2:]]
    if not any(letters_of(shape) != ("",) * len(shape) for shape in lettered):
        return None
    reading = again(model, tuple(lettered), dtypes, mode)
    return next((side for side in range(1, max(sides) + 1) if reading.runs([{"S": side}]) == [True]), None)


def _told(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return str(error) if isinstance(error, WhyshapeError) else f"{type(error).__name__}: {lines[0][:300]}"


def unknown(value) -> bool:
    """Whether a cell holds no number."""
    return value is None or (isinstance(value, Amount) and value.value is None)


__all__ = ["COLUMNS", "Field", "row", "unknown"]
