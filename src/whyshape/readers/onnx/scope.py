"""What names stand for while a file is read, and what an operator's adapter may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from whyshape.graph import Builder, Node, Value, axis_words
from whyshape.readers.onnx.known import Known, is_float, number
from whyshape.readers.onnx.records import NodeRecord, Reference, Type
from whyshape.sizes import CALCULATED, INPUT, Size, leaf


class Unknown(NamedTuple):
    """A tensor whose sizes nobody can say before the network runs."""

    why: str
    dtype: str = "float32"


class Sequence(NamedTuple):
    """A list of tensors."""

    items: tuple


class Opaque(Exception):
    """An adapter cannot say the sizes; the file itself may."""


class Net(Builder):
    """A builder that also hands out axes with their history and constants by their content."""

    def __init__(self, name: str = ""):
        super().__init__(name)
        self.axes: dict[tuple[int, int], Size] = {}
        self.contents: dict[int, Value] = {}
        self.kept: list[Known] = []

    def axis(self, value: Value, i: int) -> Size:
        """One size of a tensor, as a leaf that says where it is from."""
        at = (value.index, i)
        if at not in self.axes:
            words = axis_words(len(value.shape))
            by = INPUT if self.tensors[value.index].kind == "input" else CALCULATED
            self.axes[at] = leaf(value.shape[i], words[i], by, ("axis", value.index, i))
        return self.axes[at]

    def sizes(self, value: Value) -> tuple[Size, ...]:
        """All sizes of a tensor, with history."""
        return tuple(self.axis(value, i) for i in range(len(value.shape)))

    def constant(self, known: Known, name: str = "") -> Value:
        """A tensor of the graph for something known by its content."""
        if id(known) not in self.contents:
            self.contents[id(known)] = self.tensor(known.shape, known.dtype, "constant", name)
            self.kept.append(known)
        return self.contents[id(known)]

    def measured(self, op: str, inputs: list[Value], shapes: list[tuple[tuple[int, ...], str]], why: str) -> list[Value]:
        """A call nobody has a rule for, with the sizes that the file states."""
        outputs = [self.tensor(shape, dtype) for shape, dtype in shapes]
        held = tuple(v.index for v in inputs)
        from whyshape.graph import Ref

        args = tuple(Ref(i) for i in held)
        made = tuple(v.index for v in outputs)
        self.nodes.append(Node(len(self.nodes), op, self.path, self.name, args, {}, held, made, "measured", *self.where, why))
        return outputs

    def mark(self) -> tuple[int, int]:
        """A place to come back to."""
        return len(self.tensors), len(self.nodes)

    def forget(self, mark: tuple[int, int]) -> None:
        """Take back everything built since ``mark``."""
        tensors, nodes = mark
        del self.tensors[tensors:], self.nodes[nodes:]
        self.axes = {at: size for at, size in self.axes.items() if at[0] < tensors}
        self.contents = {key: v for key, v in self.contents.items() if v.index < tensors}


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
        return tuple(int(number(v)) for v in self.numbers(i))

    def listed(self, name: str, i: int, default=None):
        """Numbers that older opsets say as an attribute and newer ones as input ``i``."""
        if self.has(i):
            return self.numbers(i)
        value = self.attr(name)
        return default if value is None else tuple(value) if isinstance(value, tuple) else (value,)

    def same_type(self, dtype: str | int) -> str:
        return dtype if isinstance(dtype, str) else ""

    @property
    def outputs(self) -> int:
        return len(self.record.outputs)


OPS: dict[str, Callable[[Op], Any]] = {}


def op(*names: str):
    """Register an adapter: how an ONNX operator is said in calls of our rules. Other domains stand before a dot."""

    def register(adapter: Callable[[Op], Any]):
        for name in names:
            OPS[name] = adapter
        return adapter

    return register


__all__ = ["OPS", "Net", "Op", "Opaque", "Sequence", "Type", "Unknown", "is_float", "op"]
