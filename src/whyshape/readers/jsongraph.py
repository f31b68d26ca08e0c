"""A graph that another machine wrote as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from whyshape.errors import WhyshapeError
from whyshape.graph.graph import Graph
from whyshape.graph.json import from_json

LARGEST = 64 * 2**20  # bytes: a graph of 100,000 calls takes about half of it


def read(source: str | Path | bytes) -> Graph:
    """The graph in a JSON file, or in its bytes.

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
    try:
        data = json.loads(source)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
        raise WhyshapeError(f"This is not JSON: {reason}.") from None
    return from_json(data)


def write(graph: Graph, path: str | Path) -> None:
    """Write the graph as JSON, for `read` on another machine."""
    from whyshape.graph.json import to_json

    Path(path).write_text(json.dumps(to_json(graph), separators=(",", ":"), allow_nan=False), encoding="utf-8")
