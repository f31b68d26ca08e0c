"""An ONNX file followed node by node: each operator is said in calls of our rules."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterable
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Stopped, Value
from whyshape.readers.net import UNSEEN, Net
from whyshape.readers.onnx import ops_axes, ops_cells, ops_flow, ops_products, ops_windows  # noqa: F401  they fill OPS
from whyshape.readers.onnx.content import FOLDS
from whyshape.readers.onnx.faithful import faithful
from whyshape.readers.onnx.known import MOST, Known, Part, count, is_float
from whyshape.readers.onnx.records import GraphRecord, ModelRecord, NodeRecord, Type
from whyshape.readers.onnx.scope import OPS, Op, Opaque, Sequence, Unknown
from whyshape.rules import Unexplained

DEEPEST = 24  # functions and branches within one another
MORE_TURNS = 30_000  # calls beyond the file's own nodes that loops and functions may make
WIDEST = 128  # bits of a number that is still taken for a size
BY_NUMBERS = {"Unique", "NonZero", "NonMaxSuppression", "StringSplit", "TfIdfVectorizer", "ImageDecoder"}
MALFORMED = (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError, StopIteration)


class Scope:
    """What names stand for, looked up from the innermost graph outwards."""

    def __init__(self, record: GraphRecord | None, outer: Scope | None, given: dict[str, Any], opsets: dict[str, int]):
        self.names: dict[str, Any] = {}
        self.record, self.outer, self.given, self.opsets = record, outer, given, opsets
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.types: dict[str, Type] = {}
        if record is not None:
            self.types = {**record.types, **dict(record.outputs)}


class Walk:
    """One pass over a model with given input shapes."""

    def __init__(self, model: ModelRecord, net: Net, letters: dict[str, int]):
        self.model, self.net, self.letters = model, net, letters
        self.calls = 0
        self.inside = 0
        self.limit = MORE_TURNS

    def run(self, inputs: dict[str, Value]) -> list[Any]:
        """Everything the model gives."""
        graph = self.model.graph
        scope = Scope(graph, None, {}, self.model.opsets)
        scope.names.update(inputs)
        self.limit += len(graph.nodes)
        self.nodes(graph.nodes, scope)
        return [self.find(name, scope) for name, _ in graph.outputs]

    def inner(self, record: GraphRecord, outer: Scope, args: Iterable) -> list[Any]:
        """The results of a graph within a graph: a branch, or one turn of a loop."""
        if not isinstance(record, GraphRecord):
            raise Opaque("its body is missing")
        scope = self.enter(Scope(record, outer, outer.given, outer.opsets))
        scope.names.update(zip((name for name, _ in record.inputs), args))
        self.nodes(record.nodes, scope)
        return [self.find(name, scope) for name, _ in record.outputs]

    def enter(self, scope: Scope) -> Scope:
        if scope.depth > DEEPEST:
            raise WhyshapeError(f"This ONNX file nests functions and graphs deeper than {DEEPEST}, or without end.")
        return scope

    def find(self, name: str, scope: Scope | None) -> Any:
        """What a name stands for; a missing one is a broken file."""
        at = scope
        while at is not None:
            if name in at.names:
                return at.names[name]
            constant = at.record.constants.get(name) if at.record else None
            if constant is not None:
                at.names[name] = self.constant(constant)
                return at.names[name]
            at = at.outer
        raise WhyshapeError(f"This ONNX file is damaged: {name[:60]!r} is read, and nothing before it gives it.")

    def constant(self, constant) -> Known | Value:
        learned = is_float(constant.dtype) and len(constant.shape) > 0
        if constant.items is None:
            return self.net.tensor(constant.shape, constant.dtype, "parameter" if learned else "constant", constant.name)
        known = Known(constant.items, constant.shape, constant.dtype)
        if learned:
            self.net.learned.add(id(known))
            self.net.kept.append(known)
        return known

    def nodes(self, records: Iterable[NodeRecord], scope: Scope) -> None:
        for record in records:
            self.calls += 1
            if self.calls > self.limit:
                raise WhyshapeError(f"This ONNX file makes more than {self.limit:,} calls: its loops or functions never seem to end.")
            inputs = [self.find(name, scope) if name else None for name in record.inputs]
            made = self.call(record, inputs, scope)
            made += [Unknown(f"{record.op} does not say this result")] * (len(record.outputs) - len(made))
            scope.names.update((name, value) for name, value in zip(record.outputs, made) if name)

    def call(self, record: NodeRecord, inputs: list, scope: Scope) -> list[Any]:
        net, function = self.net, self.model.functions.get((record.domain, record.op))
        net.path, net.name = path_of(record), record.op
        net.place = record.name or (record.outputs[0] if record.outputs else record.op)
        op = Op(net, record, inputs, scope.opsets.get(record.domain, scope.opsets.get("", 0)) or 99, scope.given, self, scope)
        try:
            if function is not None:
                return self.function(function, op)
            name = f"{record.domain}.{record.op}" if record.domain not in ("", "com.microsoft") else record.op
            found = fold(name, op)
            if found is not None and name == "Expand":
                net.expanded[record.outputs[0]] = net.place
            if found is None:
                adapter = OPS.get(name)
                if adapter is None and name in BY_NUMBERS:
                    raise Opaque(f"how many {name} gives depends on the numbers, not on the sizes")
                if adapter is None:
                    raise Opaque(f"no rule is known for {name[:60]}")
                at = len(net.nodes)
                found = adapter(op)
                if len(net.nodes) > at and not faithful(op, len(net.nodes) - at):
                    net.sized.update(range(at, len(net.nodes)))
            return list(found) if isinstance(found, list) else [found]
        except (Opaque, Unexplained) as why:
            return self.stated(op, str(why))
        except MALFORMED as error:
            return self.stated(op, f"this call of {record.op[:40]} is not as ONNX defines it ({type(error).__name__})")

    def function(self, function, op: Op) -> list[Any]:
        """A function that the file brings along, followed in place."""
        given = {**function.defaults, **{name: op.attr(name) for name in op.record.attributes}}
        scope = self.enter(Scope(None, None, given, {**self.model.opsets, **function.opsets}))
        scope.depth = op.scope.depth + 1
        self.enter(scope)
        scope.names.update(zip(function.inputs, [*op.inputs, *[None] * len(function.inputs)]))
        self.nodes(function.nodes, scope)
        return [self.find(name, scope) for name in function.outputs]

    def stated(self, op: Op, why: str) -> list[Any]:
        """What the file itself says of the results: measured, not derived; otherwise nobody knows."""
        types = [op.scope.types.get(name, Type()) for name in op.record.outputs]
        shapes = [self.sizes(t) for t in types]
        inputs = [v for v in op.inputs if isinstance(v, Value)]
        if shapes and all(s is not None for s in shapes):
            said = [(s, t.dtype or "float32") for s, t in zip(shapes, types) if s is not None]
            return list(self.net.measured(f"onnx.{op.record.op[:60]}", inputs, said, f"{why}; the file states its sizes"))
        self.net.note(f"{op.net.path[:60] or op.record.op[:60]}: {why}; {UNSEEN}")
        return [Unknown(why, t.dtype or "float32") for t in types]

    def sizes(self, of: Type) -> tuple[int, ...] | None:
        if of.kind != "tensor" or of.shape is None:
            return None
        found = [self.letters.get(n) if isinstance(n, str) else n for n in of.shape]
        return None if any(n is None for n in found) else tuple(n for n in found if n is not None)


def fold(name: str, op: Op):
    """The result by its content, where every input is known so; None elsewhere."""
    answer = FOLDS.get(name)
    if answer is None or not all(v is None or isinstance(v, Known) for v in op.inputs) or (not op.inputs and name != "Constant"):
        return None
    try:
        found = answer(op)
    except (Opaque, *MALFORMED):
        return None
    for known in found if isinstance(found, list) else [found]:
        if len(known.items) > MOST or any(isinstance(v, int) and int(v).bit_length() > WIDEST for v in known.items):
            return None
    return found


def path_of(record: NodeRecord) -> str:
    """The module a node stood in, as PyTorch's exporters write it; otherwise the node's own name.

    >>> path_of(NodeRecord("Conv", "", "/layer1/layer1.0/conv1/Conv", (), (), {}, {}))
    'layer1.0.conv1'
    """
    scopes = record.metadata.get("pkg.torch.onnx.name_scopes", "")
    if scopes.startswith("[") and len(scopes) < 10_000:
        try:
            listed = literal_eval(scopes)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            listed = []
        if len(listed) > 1 and all(isinstance(s, str) for s in listed):
            return listed[-2]
    if record.name.startswith("/"):
        parts: list[str] = []
        for part in record.name[1:].split("/")[:-1]:
            if parts and part.startswith(parts[-1] + "."):  # a Sequential says its own name again
                parts.pop()
            parts.append(part)
        return ".".join(parts)
    return record.name or (record.outputs[0] if record.outputs else record.op)


__all__ = ["Part", "Sequence", "Stopped", "Walk", "count", "path_of"]
