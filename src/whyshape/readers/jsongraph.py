"""A graph that another machine wrote as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph.again import again
from whyshape.graph.graph import Graph
from whyshape.graph.json import from_json
from whyshape.graph.pause import collector_paused
from whyshape.readers.named import naming
from whyshape.readers.net import UNSEEN
from whyshape.rules.words import count

LARGEST = 64 * 2**20  # bytes: a graph of 100,000 calls takes about half of it
ROOM = 640 * 2**20  # bytes that its values may take once read, at least: a file of nothing but "[]," would take 25 times its size
COSTS = {b"{": 200, b"[": 72, b",": 40}  # bytes of a value that begins, or ends, like this


@naming
def read(source: str | Path | bytes, input_size=None) -> Graph:
    """The graph in a JSON file, or in its bytes; with ``input_size``, a list of one shape for each input, asked again at these sizes.

    Raises `WhyshapeError` for text that is not JSON, too large or too deep, and for whatever `from_json` refuses.
    """
    if not isinstance(source, bytes):
        try:
            with open(source, "rb") as file:
                source = file.read(LARGEST + 1)
        except OSError as error:
            raise WhyshapeError(f"{str(source)!r} cannot be read: {error.strerror}.") from None
    if len(source) > LARGEST:
        raise WhyshapeError(f"A graph in JSON may have {LARGEST} bytes; this one has more.")
    if sum(cost * source.count(mark) for mark, cost in COSTS.items()) > ROOM:
        raise WhyshapeError(f"The values of this JSON would take more than {ROOM // 2**20} MiB.")
    with collector_paused():
        graph = from_json(_data(source))
    return graph if input_size is None else at_sizes(graph, input_size)


def _data(source: bytes) -> Any:
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
        raise WhyshapeError(f"This is not JSON: {reason}.") from None


def at_sizes(graph: Graph, shapes, args=None) -> Graph:
    """The graph at other sizes; a letter leaves the size as it was written and names the axis. ``args``: other arguments, by node."""
    shapes = [graph.tensors[i].shape for i in graph.inputs] if shapes is None else shapes
    if len(shapes) != len(graph.inputs):
        raise WhyshapeError(
            f"The graph has {count(len(graph.inputs), 'input')}; {count(len(shapes), 'shape')} {'is' if len(shapes) == 1 else 'are'} given."
        )
    asked, tensors = {}, list(graph.tensors)
    for index, shape in zip(graph.inputs, shapes):
        t = graph.tensors[index]
        if len(shape) != len(t.shape):
            raise WhyshapeError(f"The input {t.name[:60]!r} has {len(t.shape)} axes; a shape of {len(shape)} is given.")
        asked[index] = tuple(old if isinstance(n, str) else n for n, old in zip(shape, t.shape))
        tensors[index] = t._replace(axes=tuple(n if isinstance(n, str) else "" for n in shape))
    # What else the notes say of sizes was said of others.
    same = all(asked[i] == graph.tensors[i].shape for i in graph.inputs)
    graph = graph._replace(tensors=tuple(tensors))
    return graph if same and not args else again(graph, asked, args)._replace(notes=tuple(n for n in graph.notes if n.endswith(UNSEEN)))


def write(graph: Graph, path: str | Path) -> None:
    """Write the graph as JSON, for `read` on another machine."""
    from whyshape.graph.json import to_json

    Path(path).write_text(json.dumps(to_json(graph), separators=(",", ":"), allow_nan=False), encoding="utf-8")
