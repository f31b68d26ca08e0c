"""The numbers of an ONNX file's weights, read one by one when they are asked for. What lies in other files is opened only on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.readers.onnx.records import Constant
from whyshape.readers.onnx.wire import _Reader, load

WIDTHS = {
    "float32": "<f4",
    "float64": "<f8",
    "float16": "<f2",
    "bfloat16": "<u2",
    "int64": "<i8",
    "int32": "<i4",
    "int8": "i1",
    "uint8": "u1",
}


class Weights:
    """``weights[name]`` is an array, or None where the file does not hold it as plain numbers. ``elsewhere`` counts what lies outside."""

    def __init__(self, path: str | Path, external: bool = False):
        self.path, self.external = Path(path), external
        self.held: dict[str, Constant] = {}
        graph = load(path).graph
        self.held.update(graph.constants)
        for node in graph.nodes:  # exporters keep equal weights once, and hand them on under another name
            if node.op == "Identity" and node.inputs[:1] and node.outputs and node.inputs[0] in self.held:
                self.held[node.outputs[0]] = self.held[node.inputs[0]]
        self.elsewhere = sum(bool(c.outside) for c in self.held.values())

    def __getitem__(self, name: str) -> Any:
        held = self.held.get(name)
        if held is None or held.dtype not in WIDTHS:
            return None
        if held.outside:
            return self._outside(held) if self.external else None
        if held.place is None:
            return None if held.items is None else _array(held, None, held.items)
        with open(self.path, "rb") as file:
            return self._from(file, held, held.place[0], held.place[1] - held.place[0])

    def _from(self, file, held: Constant, offset: int, length: int):
        wanted = int(WIDTHS[held.dtype][-1])
        for n in held.shape:
            wanted *= n
        file.seek(0, 2)
        if length != wanted or offset < 0 or offset + length > file.tell():
            raise WhyshapeError(f"The weight {held.name[:60]!r} holds another number of values than its sizes say.")
        file.seek(offset)
        return _array(held, file.read(length))

    def _outside(self, held: Constant):
        """What lies in a file beside this one; never in another folder, nor where a link leads out of it."""
        said = {}
        with open(self.path, "rb") as file:
            for start, end in held.outside:
                file.seek(start)
                said.update([_Reader(file.read(end - start)).entry(0, end - start)])
        folder = self.path.resolve().parent
        there = (folder / said.get("location", "")).resolve()
        if not there.is_relative_to(folder) or not there.is_file():
            raise WhyshapeError(
                f"The weight {held.name[:60]!r} is said to lie outside the file's own folder, or nowhere: it is not opened."
            )
        try:
            offset, length = int(said.get("offset", 0)), int(said.get("length", there.stat().st_size))
        except ValueError:
            raise WhyshapeError(f"Where the weight {held.name[:60]!r} lies is not said in numbers.") from None
        with open(there, "rb") as file:
            return self._from(file, held, offset, length)


def _array(held: Constant, content: bytes | None, items: tuple = ()):
    import numpy

    if content is None:
        return numpy.array(items, "float64").reshape(held.shape)
    numbers = numpy.frombuffer(content, WIDTHS[held.dtype])
    if held.dtype == "bfloat16":  # the upper half of a float32
        numbers = (numbers.astype("<u4") << 16).view("<f4")
    return (numbers.astype("float32") if held.dtype == "float16" else numbers).reshape(held.shape)


__all__ = ["Weights"]
