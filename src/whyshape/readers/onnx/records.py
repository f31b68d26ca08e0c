"""What an ONNX file says, as plain records."""

from __future__ import annotations

from typing import Any, NamedTuple

DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8_e4m3fn",
    18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1", 24: "float8_e8m0",
    25: "uint2", 26: "int2",
}  # fmt: skip


class Type(NamedTuple):
    """A value's type: ``shape`` holds an int, a name, or None for each axis; None where the rank is unknown."""

    kind: str = "tensor"  # or sequence, optional, map
    dtype: str = ""
    shape: tuple[int | str | None, ...] | None = None


class Constant(NamedTuple):
    """A tensor in the file: its sizes; its content only where it is small."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    items: tuple | None = None
    place: tuple[int, int] | None = None  # first and last byte of the content in the file
    outside: tuple[tuple[int, int], ...] = ()  # the entries that say where it lies otherwise


class NodeRecord(NamedTuple):
    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    metadata: dict[str, str]


class GraphRecord(NamedTuple):
    name: str
    nodes: tuple[NodeRecord, ...]
    constants: dict[str, Constant]
    inputs: tuple[tuple[str, Type], ...]
    outputs: tuple[tuple[str, Type], ...]
    types: dict[str, Type]  # what the file says of the values in between


class Function(NamedTuple):
    nodes: tuple[NodeRecord, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    defaults: dict[str, Any]
    opsets: dict[str, int]


class ModelRecord(NamedTuple):
    graph: GraphRecord
    opsets: dict[str, int]
    functions: dict[tuple[str, str], Function]
    producer: str


class Reference(NamedTuple):
    """An attribute inside a function that stands for the caller's."""

    name: str
