"""An ONNX file as plain records: a reader of the protobuf wire format for just the fields that say sizes.

Written here rather than left to the `onnx` package for three reasons: weights are stepped over, never read, so a file of many gigabytes
is explained in milliseconds; every count and depth is bounded before it is followed; and nothing needs to be installed. External data is
never opened: a tensor that lies elsewhere has its sizes here. Field numbers are those of onnx.proto.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.readers.named import naming
from whyshape.readers.onnx.records import DTYPES, Constant, Function, GraphRecord, ModelRecord, NodeRecord, Reference, Type

MOST_NODES = 200_000
DEEPEST = 24  # graphs within graphs, types within types
MOST_NUMBERS = 100_000  # in one attribute
LONGEST = 2**16  # bytes of one name
CONTENT = 4096  # numbers of a constant that are read: shapes, axes, scales, never weights

RAW = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q"}


def damaged(why: str) -> WhyshapeError:
    return WhyshapeError(f"This is not an ONNX file, or it is damaged: {why}.")


@naming
def load(source: str | Path | bytes) -> ModelRecord:
    """The model in a file or in its bytes. Raises `WhyshapeError` for anything that is not one, or is larger than the limits."""
    if not isinstance(source, bytes):
        try:
            with open(source, "rb") as file:
                if not file.seek(0, 2):
                    raise damaged("it is empty")
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    return _Reader(content).model(0, len(content))
        except OSError as error:
            raise WhyshapeError(f"{str(source)!r} cannot be read: {error.strerror}.") from None
    return _Reader(source).model(0, len(source))


class _Reader:
    """Fields by number, straight from the bytes. A field is ``(number, wire type, value)``; a nested message is ``(start, end)``."""

    def __init__(self, content):
        self.content = content
        self.nodes = 0

    def varint(self, at: int, end: int) -> tuple[int, int]:
        content, value, shift = self.content, 0, 0
        while True:
            if at >= end or shift > 63:
                raise damaged("a number runs past its end")
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
            shift += 7

    def fields(self, start: int, end: int):
        at, varint = start, self.varint
        while at < end:
            tag, at = varint(at, end)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, at = varint(at, end)
                yield number, wire, value
            elif wire == 2:
                length, at = varint(at, end)
                if length > end - at:
                    raise damaged("a part is longer than the file")
                yield number, wire, (at, at + length)
                at += length
            elif wire == 5 or wire == 1:
                length = 4 if wire == 5 else 8
                if length > end - at:
                    raise damaged("it ends within a number")
                yield number, wire, (at, at + length)
                at += length
            else:
                raise damaged(f"wire type {wire} is not used in ONNX")

    def text(self, span) -> str:
        start, end = self.span(span)
        if end - start > LONGEST:
            raise WhyshapeError(f"This ONNX file has a name of more than {LONGEST:,} bytes.")
        return bytes(self.content[start:end]).decode("utf-8", "replace")

    @staticmethod
    def span(value) -> tuple[int, int]:
        if not isinstance(value, tuple):
            raise damaged("a number stands where a part is wanted")
        return value

    def model(self, start, end) -> ModelRecord:
        graph: tuple[int, int] | None = None
        functions: dict = {}
        opsets: dict = {}
        producer = ""
        for number, _, value in self.fields(start, end):
            if number == 7:
                graph = self.span(value)
            elif number == 8:
                opsets.update([self.opset(*self.span(value))])
            elif number == 25:
                functions.update([self.function(*self.span(value))])
            elif number == 2:
                producer = self.text(value)
        if graph is None:
            raise damaged("it holds no graph")
        return ModelRecord(self.graph(*graph, 0), opsets, functions, producer)

    def opset(self, start, end) -> tuple[str, int]:
        found = dict.fromkeys((1, 2))
        for number, _, value in self.fields(start, end):
            found[number] = value
        domain = self.text(found[1]) if found[1] else ""
        return ("" if domain == "ai.onnx" else domain), signed(found[2] or 0)

    def count(self, start, end, number) -> None:
        """Count a graph's nodes before any is read: a file of millions is refused at once."""
        for found, _, _ in self.fields(start, end):
            if found == number:
                self.nodes += 1
                if self.nodes > MOST_NODES:
                    raise WhyshapeError(f"This ONNX file has more than {MOST_NODES:,} nodes.")

    def graph(self, start, end, depth) -> GraphRecord:
        if depth > DEEPEST:
            raise WhyshapeError(f"This ONNX file nests graphs deeper than {DEEPEST}.")
        name, nodes, inputs, outputs = "", [], [], []
        constants: dict[str, Constant] = {}
        types: dict[str, Type] = {}
        self.count(start, end, 1)
        for number, _, value in self.fields(start, end):
            if number == 1:
                nodes.append(self.node(*self.span(value), depth))
            elif number == 2:
                name = self.text(value)
            elif number == 5:
                constant = self.tensor(*self.span(value))
                constants[constant.name] = constant
            elif number == 15:
                constant = self.sparse(*self.span(value))
                constants[constant.name] = constant
            elif number == 11:
                inputs.append(self.named(*self.span(value)))
            elif number == 12:
                outputs.append(self.named(*self.span(value)))
            elif number == 13:
                types.update([self.named(*self.span(value))])
        return GraphRecord(name, tuple(nodes), constants, tuple(inputs), tuple(outputs), types)

    def function(self, start, end) -> tuple[tuple[str, str], Function]:
        name, domain, nodes, inputs, outputs = "", "", [], [], []
        defaults: dict[str, Any] = {}
        opsets: dict[str, int] = {}
        self.count(start, end, 7)
        for number, _, value in self.fields(start, end):
            if number == 1:
                name = self.text(value)
            elif number == 10:
                domain = self.text(value)
            elif number == 4:
                inputs.append(self.text(value))
            elif number == 5:
                outputs.append(self.text(value))
            elif number == 7:
                nodes.append(self.node(*self.span(value), 1))
            elif number == 9:
                opsets.update([self.opset(*self.span(value))])
            elif number == 11:
                defaults.update([self.attribute(*self.span(value), 1)])
        return (domain, name), Function(tuple(nodes), tuple(inputs), tuple(outputs), defaults, opsets)

    def node(self, start, end, depth) -> NodeRecord:
        inputs, outputs, name, op, domain = [], [], "", "", ""
        attributes: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for number, _, value in self.fields(start, end):
            if number == 1:
                inputs.append(self.text(value))
            elif number == 2:
                outputs.append(self.text(value))
            elif number == 3:
                name = self.text(value)
            elif number == 4:
                op = self.text(value)
            elif number == 7:
                domain = self.text(value)
            elif number == 5:
                attributes.update([self.attribute(*self.span(value), depth)])
            elif number == 9:
                metadata.update([self.entry(*self.span(value))])
        return NodeRecord(op, "" if domain == "ai.onnx" else domain, name, tuple(inputs), tuple(outputs), attributes, metadata)

    def entry(self, start, end) -> tuple[str, str]:
        found = {number: self.text(value) for number, wire, value in self.fields(start, end) if wire == 2}
        return found.get(1, ""), found.get(2, "")

    def attribute(self, start, end, depth) -> tuple[str, Any]:
        name, kind = "", 0
        single: Any = None
        many: list[Any] = []
        for number, wire, value in self.fields(start, end):
            if number == 1:
                name = self.text(value)
            elif number == 21:
                single = Reference(self.text(value))
            elif number == 20:
                kind = value
            elif number == 2:
                single = self.number("<f", value)
            elif number == 3:
                single = signed(value)
            elif number == 4:
                single = self.text(value)
            elif number == 5:
                single = self.tensor(*self.span(value))
            elif number == 6:
                single = self.graph(*self.span(value), depth + 1)
            elif number == 22:
                single = self.sparse(*self.span(value))
            elif number == 14:
                single = self.type_of(*self.span(value), 0)
            elif number == 7:
                many += self.packed("f", value) if wire == 2 else [self.number("<f", value)]
            elif number == 8:
                many += self.varints(value) if wire == 2 else [signed(value)]
            elif number == 9:
                many.append(self.text(value))
            elif number == 11:
                many.append(self.graph(*self.span(value), depth + 1))
            if len(many) > MOST_NUMBERS:
                raise WhyshapeError(f"This ONNX file has an attribute of more than {MOST_NUMBERS:,} numbers.")
        if kind in (6, 7, 8) or (many and single is None):
            return name, tuple(many)
        if single is None:  # a zero is not written
            single = {1: 0.0, 2: 0, 3: ""}.get(kind)
        return name, single

    def number(self, form, value) -> float:
        start, end = self.span(value)
        if end - start != struct.calcsize(form):
            raise damaged("a number has another width than its type")
        return struct.unpack(form, bytes(self.content[start:end]))[0]

    def packed(self, code, value) -> list:
        start, end = self.span(value)
        numbers = array(code)
        width = numbers.itemsize
        if (end - start) % width or (end - start) // width > MOST_NUMBERS:
            raise damaged("a list of numbers has a broken length")
        return list(struct.unpack(f"<{(end - start) // width}{code}", bytes(self.content[start:end])))

    def varints(self, value) -> list[int]:
        at, end = self.span(value)
        found = []
        while at < end:
            number, at = self.varint(at, end)
            found.append(signed(number))
            if len(found) > MOST_NUMBERS:
                raise WhyshapeError(f"This ONNX file has a list of more than {MOST_NUMBERS:,} numbers.")
        return found

    def named(self, start, end) -> tuple[str, Type]:
        name, of = "", Type()
        for number, _, value in self.fields(start, end):
            if number == 1:
                name = self.text(value)
            elif number == 2:
                of = self.type_of(*self.span(value), 0)
        return name, of

    def type_of(self, start, end, depth) -> Type:
        if depth > DEEPEST:
            raise WhyshapeError(f"This ONNX file nests types deeper than {DEEPEST}.")
        kinds = {1: "tensor", 4: "sequence", 5: "map", 8: "tensor", 9: "optional"}
        for number, wire, value in self.fields(start, end):
            if number not in kinds or wire != 2:
                continue
            elem, shape = 0, None
            for inner, _, held in self.fields(*value):
                if inner == 1 and isinstance(held, int):
                    elem = held
                elif inner == 1:
                    self.type_of(held[0], held[1], depth + 1)
                elif inner == 2 and kinds[number] == "tensor":
                    shape = tuple([self.dim(*self.span(d)) for n, _, d in self.fields(*self.span(held)) if n == 1])
            return Type(kinds[number], DTYPES.get(elem, ""), shape)
        return Type()

    def dim(self, start, end) -> int | str | None:
        for number, _, value in self.fields(start, end):
            if number == 1 and isinstance(value, int):
                return signed(value) if signed(value) >= 0 else None
            if number == 2 and value[0] != value[1]:
                return self.text(value)
        return None

    def sparse(self, start, end) -> Constant:
        dims, name = [], ""
        for number, wire, value in self.fields(start, end):
            if number == 3:
                dims += self.varints(value) if wire == 2 else [signed(value)]
            elif number == 1:
                of = self.tensor(*self.span(value))
                name = of.name
        return Constant(name, of.dtype if name else "float32", tuple(dims))

    def tensor(self, start, end) -> Constant:
        dims: list[int] = []
        name, elem, raw, elsewhere = "", 0, None, False
        outside: list[tuple[int, int]] = []
        lists: dict[int, list] = {}
        for number, wire, value in self.fields(start, end):
            if number == 1:
                dims += self.varints(value) if wire == 2 else [signed(value)]
            elif number == 2:
                elem = value
            elif number == 8:
                name = self.text(value)
            elif number == 9:
                raw = self.span(value)
            elif number in (4, 5, 6, 7, 10, 11):
                lists.setdefault(number, []).append((wire, value))
            elif number == 13 or (number == 14 and value):
                elsewhere = True
                if number == 13:
                    outside.append(self.span(value))
        if any(d < 0 for d in dims) or len(dims) > 64:
            raise damaged(f"the constant {name[:60]!r} has a size below zero or too many axes")
        count = 1
        for d in dims:
            count *= d
        items = None if elsewhere or count > CONTENT else self.items(elem, count, raw, lists)
        (wire, packed) = lists[4][0] if list(lists) == [4] and len(lists[4]) == 1 else (0, None)  # float_data lies as raw_data does
        place = None if elsewhere else raw if raw is not None else packed if wire == 2 else None
        return Constant(name, DTYPES.get(elem, ""), tuple(dims), items, place, tuple(outside[:8]))

    def items(self, elem, count, raw, lists) -> tuple | None:
        """The numbers of a small constant; None where they are not of a kind that sizes are made of."""
        if raw is not None:
            code = RAW.get(elem)
            if elem == 16 and raw[1] - raw[0] == 2 * count:  # bfloat16: the upper half of a float32
                halves = struct.unpack(f"<{count}H", bytes(self.content[raw[0] : raw[1]]))
                return tuple(struct.unpack("<f", struct.pack("<I", h << 16))[0] for h in halves)
            if code is None:
                return None
            if raw[1] - raw[0] != count * struct.calcsize(code):
                raise damaged("a constant holds another number of values than its sizes say")
            return struct.unpack(f"<{count}{code}", bytes(self.content[raw[0] : raw[1]]))
        found: list = []
        for number, held in lists.items():
            if len(held) > CONTENT or elem in (10, 14, 15, 16) or elem > 16:
                return None
            for wire, value in held:
                if number == 6:
                    found.append(self.text(value))
                elif number in (4, 10):
                    code = "f" if number == 4 else "d"
                    found += self.packed(code, value) if wire == 2 else [self.number(f"<{code}", value)]
                else:
                    found += self.varints(value) if wire == 2 else [signed(value)]
        if elem == 9:
            found = [bool(v) for v in found]
        return tuple(found) if len(found) == count else None


def signed(value: int) -> int:
    """A varint as the signed 64-bit number it stands for."""
    if not isinstance(value, int):
        raise damaged("a part stands where a number is wanted")
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value
