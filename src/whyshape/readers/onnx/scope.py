"""What names stand for while a file is read, and what an operator's adapter may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from whyshape.errors import WhyshapeError
from whyshape.graph import Builder, Node, Problem, Ref, Stopped, Value, axis_words
from whyshape.readers.onnx.known import Known, count, number
from whyshape.readers.onnx.records import NodeRecord, Reference
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


MOST_NUMBERS = 2**63 - 1  # in one tensor: what a machine can address
MOST_NOTES = 12


class Net(Builder):
    """A builder that also hands out axes with their history and constants by their content."""

    def __init__(self, name: str = ""):
        super().__init__(name)
        self.axes: dict[tuple[int, int], Size] = {}
        self.contents: dict[int, Value] = {}
        self.kept: list[Known] = []  # ids are only names while the constants live
        self.learned: set[int] = set()
        self.notes: list[str] = []

    def tensor(self, shape, dtype="float32", kind="activation", name="", axes=()) -> Value:
        if count(shape) > MOST_NUMBERS:
            raise WhyshapeError(f"A tensor of {' x '.join(str(int(n)) for n in shape)} numbers is larger than any machine can hold.")
        return super().tensor(shape, dtype, kind, name, axes)

    def axis(self, value: Value, i: int) -> int:
        """One size of a tensor, as a leaf that says where it is from."""
        at = (value.index, i)
        if at not in self.axes:
            words = axis_words(len(value.shape))
            by = INPUT if self.tensors[value.index].kind == "input" else CALCULATED
            self.axes[at] = leaf(value.shape[i], words[i], by, ("axis", value.index, i))
        return self.axes[at]

    def sizes(self, value: Value) -> tuple[int, ...]:
        """All sizes of a tensor, with history."""
        return tuple(self.axis(value, i) for i in range(len(value.shape)))

    def constant(self, known: Known, name: str = "") -> Value:
        """A tensor of the graph for something known by its content; a weight of the file is a parameter."""
        if id(known) not in self.contents:
            kind = "parameter" if id(known) in self.learned else "constant"
            self.contents[id(known)] = self.tensor(known.shape, known.dtype, kind, name)
            self.kept.append(known)
        return self.contents[id(known)]

    def made(self, op: str, size, dtype: str, *inputs: Value) -> Value:
        """The result of a rule that is told its sizes."""
        first, *others = inputs
        return self.call(op, first, tuple(n if isinstance(n, Size) else int(n) for n in size), dtype, *others)

    def retyped(self, value: Value, dtype: str) -> Value:
        """The same result under ONNX's dtype, where PyTorch's operator has another."""
        if dtype and value.dtype != dtype:
            self.tensors[value.index] = self.tensors[value.index]._replace(dtype=dtype)
            value.dtype = dtype
        return value

    def kept_not_learned(self, value: Value) -> Value:
        """A running mean or variance."""
        held = self.tensors[value.index]
        if held.kind == "parameter":
            self.tensors[value.index] = held._replace(kind="buffer")
        return value

    def measured(self, op: str, inputs: list[Value], shapes: list[tuple[tuple[int, ...], str]], why: str) -> list[Value]:
        """A call nobody has a rule for, with the sizes that the file states."""
        outputs = [self.tensor(shape, dtype) for shape, dtype in shapes]
        held, made = tuple(v.index for v in inputs), tuple(v.index for v in outputs)
        args = tuple(Ref(i) for i in held)
        self.nodes.append(Node(len(self.nodes), op, self.path, self.name, args, {}, held, made, "measured", *self.where, why))
        return outputs

    def refuse(self, op: str, sentence: str, **numbers) -> NoReturn:
        """Stop here: the operator's definition does not allow these sizes."""
        self.problem = Problem(sentence, numbers, op, self.path, self.name, *self.where)
        raise Stopped

    def note(self, text: str) -> None:
        """Something the reader of the result should know, once."""
        if text not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(text)

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

    def dtype_of(self, i: int) -> str:
        """The dtype of input ``i``, whatever is known of it."""
        return getattr(self.inputs[i], "dtype", "float32") if self.has(i) else "float32"

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
