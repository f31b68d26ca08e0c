"""What names stand for while a file is read, and what an operator's adapter may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from whyshape.graph import Value
from whyshape.readers.net import Net
from whyshape.readers.onnx.known import Known, whole
from whyshape.readers.onnx.records import NodeRecord, Reference
from whyshape.rules.shelf import filed


class Unknown(NamedTuple):
    """A tensor whose sizes nobody can say before the network runs."""

    why: str
    dtype: str = "float32"


class Sequence(NamedTuple):
    """A list of tensors."""

    items: tuple


class Opaque(Exception):
    """An adapter cannot say the sizes; the file itself may."""


class Op:
    """One operator call as an adapter sees it."""

    def __init__(self, net: Net, record: NodeRecord, inputs: list, opset: int, given: dict[str, Any], reader=None, scope=None):
        self.net, self.record, self.inputs, self.opset, self.given = net, record, inputs, opset, given
        self.reader, self.scope = reader, scope
        while inputs and inputs[-1] is None:
            inputs.pop()

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute; inside a function it may be the caller's."""
        value = self.record.attributes.get(name, default)
        if isinstance(value, Reference):
            value = self.given.get(value.name, default)
        return default if value is None else value

    def has(self, i: int) -> bool:
        return i < len(self.inputs) and self.inputs[i] is not None

    def x(self, i: int = 0) -> Value:
        """Input ``i`` as a tensor of the graph."""
        if not self.has(i):
            raise Opaque(f"input {i} is missing")
        held = self.inputs[i]
        if isinstance(held, Value):
            return held
        if isinstance(held, Known):
            return self.net.constant(held, self.record.inputs[i] if i < len(self.record.inputs) else "")
        if isinstance(held, Unknown):
            raise Opaque(held.why)
        raise Opaque("a list stands where a tensor is wanted")

    def as_dtype(self, x: Value | None, dtype: str) -> Value | None:
        """A tensor in another dtype: products of integers of two kinds are taken wide, where PyTorch wants one kind."""
        return x if x is None or x.dtype == dtype else self.net.call("Tensor.to", x, dtype)

    def maybe(self, i: int) -> Value | None:
        """Input ``i`` as a tensor, or None where it is left out."""
        return self.x(i) if self.has(i) else None

    def known(self, i: int) -> Known:
        """Input ``i`` by its content."""
        held = self.inputs[i] if self.has(i) else None
        if isinstance(held, Known):
            return held
        if isinstance(held, Unknown):
            raise Opaque(held.why)
        raise Opaque(f"the sizes depend on the numbers in {self.record.inputs[i]!r:.60}" if i < len(self.record.inputs) else "no input")

    def numbers(self, i: int) -> tuple:
        """The content of input ``i``; whole numbers keep their history."""
        return self.known(i).items

    def plain(self, i: int) -> tuple[int, ...]:
        """The content of input ``i`` as plain ints."""
        return tuple(whole(v) for v in self.numbers(i))

    def listed(self, name: str, i: int, default=None):
        """Numbers that older opsets say as an attribute and newer ones as input ``i``."""
        if self.has(i):
            return self.numbers(i)
        value = self.attr(name)
        return default if value is None else tuple(value) if isinstance(value, tuple) else (value,)

    def dtype_of(self, i: int) -> str:
        """The dtype of input ``i``, whatever is known of it."""
        return getattr(self.inputs[i], "dtype", "float32") if self.has(i) else "float32"

    @property
    def outputs(self) -> int:
        return len(self.record.outputs)


OPS: dict[str, Callable[[Op], Any]] = {}
# Files how an ONNX operator is said in calls of our rules. Other domains stand before a dot.
op = filed(OPS)
