"""Receptive fields told: a table of layers, or one cell traced back to the cells of the input it depends on."""

from __future__ import annotations

import json
from typing import NamedTuple

from whyshape.analyses.field import Field, Seen, fields, padding_share, places, window
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story import Heading, Sentence, Table

WORDS = {4: ("rows", "columns"), 3: ("places",), 5: ("slices", "rows", "columns")}


class Looks(NamedTuple):
    """The receptive field of layers, from first to last."""

    graph: Graph
    rows: tuple[tuple[str, str, tuple[Field, ...]], ...]  # path, operator, one field for each axis of the input that is a place

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.field.v1``."""
        layer = lambda row: {"path": row[0], "op": row[1], "receptive_field": as_data(row[2])}
        return {"schema": "whyshape.field.v1", "layers": [layer(row) for row in self.rows]}

    def story(self) -> list:
        """As display blocks."""
        moves = lambda f, said: "" if f.axis is None else str(said)
        columns = {
            "layer": lambda row: row[0],
            "operator": lambda row: row[1],
            "window": lambda row: _each(map(_window, row[2])),
            "stride": lambda row: _each(moves(f, f.stride) for f in row[2]),
            "start": lambda row: _each(moves(f, f.start) for f in row[2]),
            "centres": lambda row: _each(moves(f, "one" if f.aligned else "several") for f in row[2]),
        }
        every = [f for row in self.rows for f in row[2]]
        legend = ["Cell i looks at the cells from stride*i + start on; a negative start lies in the padding."]
        if all(f.aligned or f.axis is None for f in every):
            del columns["centres"]
        else:
            legend.append(
                "Several centres: paths that meet there look at places beside each other, as where one is padded on one side only."
            )
        if any(f.along is not None for f in every):
            legend.append("Behind a flatten each cell keeps its window, at a place of its own; --cell says where.")
        table = Table(tuple(columns), tuple(tuple(told(row) for told in columns.values()) for row in self.rows), (3, 4))
        return [Heading("Which part of the input a cell looks at"), table, *map(Sentence, legend)]

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


class Sight(dict[int, Field]):
    """What a cell of one layer sees: by axis of the input its `Field`.

    >>> from fractions import Fraction
    >>> axis = Field(-1, Fraction(4), Fraction(0), Fraction(15), 16)
    >>> Sight({2: axis, 3: axis})
    sees 16x16 places, in steps of 4, from 0
    """

    def to_dict(self) -> dict:
        """As JSON data, one number for each axis: schema ``whyshape.sight.v1``."""
        return {"schema": "whyshape.sight.v1", "axes": list(self), **as_data(self.values())}

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __str__(self) -> str:
        moving = [f for f in self.values() if f.axis is not None]
        most = "" if all(f.exact for f in self.values()) else "at most "
        if not moving and any(f.along is not None for f in self.values()):
            return f"sees {most}{_windows(self.values())} places, each cell its own"
        if not moving:
            return f"sees {most}the whole input"
        size = _windows(self.values())
        one = size == "1"
        gated = ", gated by the whole input" if any(f.whole for f in moving) else ""
        steps, start = (_each(str(getattr(f, name)) for f in moving) for name in ("stride", "start"))
        return f"sees {most}{size} place{'' if one else 's'}, in steps of {steps}, from {start}{gated}"

    __repr__ = __str__


def _window(field: Field) -> str:
    """How many cells a window holds along one axis, in words."""
    size = "whole image" if field.axis is None and field.whole else f"{field.size}{', gated by the whole' if field.whole else ''}"
    return size if field.exact else f"at most {size}"


def _windows(found) -> str:
    return "x".join("all" if f.axis is None and f.whole else str(f.size) for f in found)


class Cell(NamedTuple):
    """One cell of a layer's output and what it depends on."""

    path: str
    cell: tuple[int, ...]
    seen: tuple[Seen, ...]
    sizes: tuple[int, ...]  # of the input's axes
    outside: tuple[float | None, ...]  # the share of the window that lies in padding; None where no window moves

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.cell.v1``."""
        axes = [{"first": s.first, "last": s.last, "cells": len(s.cells), "of": n, "exact": s.exact, "in_padding": p} if s.cells else None
                for s, n, p in zip(self.seen, self.sizes, self.outside)]  # fmt: skip
        return {"schema": "whyshape.cell.v1", "path": self.path, "cell": list(self.cell), "axes": axes}

    def story(self) -> list:
        """As display blocks."""
        words = WORDS.get(len(self.sizes) + 2, tuple(f"axis {i}" for i in range(len(self.sizes))))
        said = []
        for word, s, n, out in zip(words, self.seen, self.sizes, self.outside):
            if not s.cells:
                said.append(Sentence(f"It depends on none of the {n} {word}."))
                continue
            gaps = f", {len(s.cells)} of them" if len(s.cells) != s.last - s.first + 1 else ""
            pad = f"; {100 * out:.0f} % of its window is padding" if out else ""
            said.append(Sentence(f"It {'reads' if s.exact else 'reads at most'} {word} {s.first} to {s.last}{gaps}, of {n}{pad}."))
        return [Heading(f"{self.path or 'the output'}, cell {', '.join(map(str, self.cell))}"), *said]

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


def table_of(graph: Graph, path: str = "") -> Looks:
    """The fields of all layers, or of those at or under ``path``."""
    found, rows = fields(graph), []
    for node in graph.nodes:
        seen = found.of(node)
        if seen and (not path or node.path == path or node.path.startswith(f"{path}.")):
            rows.append((node.path, node.op, tuple(seen.values())))
    if not rows:
        raise WhyshapeError(f"no layer at {path!r} looks at the input" if path else "no layer looks at places of the input")
    return Looks(graph, tuple(rows))


def cell_of(graph: Graph, path: str, cell: tuple[int, ...]) -> Cell:
    """What one cell of the last result at ``path`` (the whole network where it is empty) depends on."""
    nodes = [n for n in graph.nodes if not path or n.path == path or n.path.startswith(f"{path}.")]
    if not nodes:
        raise WhyshapeError(f"no layer at {path!r}")
    node = nodes[-1]
    shape = graph.tensors[node.outputs[0]].shape
    if len(cell) > len(shape):
        raise WhyshapeError(f"a cell of {len(cell)} numbers is asked for; {path or 'the output'} has {len(shape)} axes")
    head = (0, *[None] * (len(shape) - len(cell) - 1)) if len(cell) < len(shape) else ()
    seen = window(graph, node.outputs[0], (*head, *cell))
    source = graph.tensors[graph.inputs[0]]
    moved = fields(graph).of(node) or {}
    outside = tuple(_outside(moved.get(a), len(shape), len(head), cell, int(source.shape[a])) for a in places(graph, graph.inputs[0]))
    return Cell(path or node.path, cell, tuple(seen.values()), tuple(int(source.shape[a]) for a in seen), outside)


def _outside(field: Field | None, rank: int, head: int, cell: tuple[int, ...], n: int) -> float | None:
    if field is None or field.axis is None or rank + field.axis < head:
        return None
    return float(padding_share(field, cell[rank + field.axis - head], n))


def as_data(found) -> dict:
    """Fields as JSON data, one number for each axis."""
    found = tuple(found)
    number = lambda x: int(x) if x.denominator == 1 else float(x)
    return {
        "size": [None if f.axis is None and f.whole else f.size for f in found], "stride": [number(f.stride) for f in found],
        "start": [number(f.start) for f in found], "whole": [f.whole for f in found], "aligned": [f.aligned for f in found],
        "exact": [f.exact for f in found],
    }  # fmt: skip


def _each(texts) -> str:
    """One text for all axes where they agree, else one for each."""
    texts = list(texts)
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)
