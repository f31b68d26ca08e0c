"""From what happened to a frozen Graph: PyTorch's objects become tensor indices, frames become lines, modules become paths."""

from __future__ import annotations

import os
from typing import Any

import torch

from whyshape.graph import Graph, Module, Node, Problem, Ref, Tensor
from whyshape.readers.torch.tracer import RawCall, Tracer
from whyshape.sizes import Cond, Leaf, Size, substitute

_HOME = os.path.dirname(torch.__file__) + os.sep
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_internal: dict[Any, bool] = {}


class Freezer:
    """Numbers the tensors of a trace in the order they appear."""

    def __init__(self, model, tracer: Tracer, inputs: list[tuple[str, Any, tuple[str, ...]]]):
        self.tracer = tracer
        self.paths = tracer.paths
        self.tensors: list[Tensor] = []
        self.index: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used again
        self.nodes: list[Node] = []
        self.dtypes: dict[Any, str] = {}
        self.names: dict[int, tuple[str, str]] | None = None
        self.model = model
        self.types = {}
        self.input_indices = []
        for name, tensor, axes in inputs:
            self.input_indices.append(self.add(tensor, "input", name, axes))

    def add(self, tensor, kind="activation", name="", axes=()) -> int:
        dtype = self.dtypes.get(tensor.dtype)
        if dtype is None:
            dtype = self.dtypes[tensor.dtype] = str(tensor.dtype)[6:]
        self.tensors.append(Tensor(tuple(tensor.shape), dtype, kind, name, axes))
        self.kept.append(tensor)
        self.index[id(tensor)] = index = len(self.tensors) - 1
        return index

    def of(self, tensor) -> int:
        """The index of a tensor; one not met before is a parameter, a buffer, or a constant of the code."""
        index = self.index.get(id(tensor))
        if index is not None:
            return index
        if self.names is None:
            self.names = {id(t): ("buffer", n) for n, t in self.model.named_buffers()}
            self.names.update({id(t): ("parameter", n) for n, t in self.model.named_parameters()})
        kind, name = self.names.get(id(tensor)) or ("parameter" if isinstance(tensor, torch.nn.Parameter) else "constant", "")
        return self.add(tensor, kind, name)

    def value(self, value, inputs: list[int]):
        """Arguments with `Ref`s, plain data, and sizes whose leaves point at tensor indices."""
        kind = type(value)
        if kind is int or value is None or kind is bool or kind is float or kind is str:
            return value
        if isinstance(value, torch.Tensor):
            index = self.of(value)
            inputs.append(index)
            return Ref(index)
        if kind is Size:
            return self.size(value)
        if kind is tuple or kind is list or kind is torch.Size:
            return (list if kind is list else tuple)([self.value(v, inputs) for v in value])
        if kind is dict:
            return {k: self.value(v, inputs) for k, v in value.items()}
        if kind is slice:
            return slice(self.value(value.start, inputs), self.value(value.stop, inputs), self.value(value.step, inputs))
        if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
            return str(value).rpartition(".")[2]
        if isinstance(value, Cond):
            return value.holds
        if isinstance(value, (int, float, complex)) or value is Ellipsis:
            return value
        if isinstance(value, tuple):
            return tuple([self.value(v, inputs) for v in value])
        return str(value) if isinstance(value, torch.device) else None

    def size(self, size: Size):
        def at(leaf):
            if leaf.leaf.ref and leaf.leaf.ref[0] == "axis":
                return Size(int(leaf), "leaf", (), Leaf("axis", leaf.leaf.by, ("axis", self.of(leaf.leaf.ref[1]), leaf.leaf.ref[2])))
            return leaf

        return substitute(size, at)

    def node(self, call: RawCall) -> None:
        inputs: list[int] = []
        args = tuple([self.value(a, inputs) for a in call.args])
        kwargs = {k: self.value(v, inputs) for k, v in call.kwargs.items()} if call.kwargs else {}
        if call.op == "alias":
            self.index[id(call.out)] = inputs[0]
            self.kept.append(call.out)
            return
        outputs = tuple(self.outputs(call.out))
        path, type_name, file, line = self.place(call)
        self.nodes.append(
            Node(len(self.nodes), call.op, path, type_name, args, kwargs, tuple(inputs), outputs,
                 "measured" if call.why else "rule", file, line, call.why)
        )  # fmt: skip

    def outputs(self, out):
        if isinstance(out, torch.Tensor):
            return [self.add(out)]
        if isinstance(out, (tuple, list)):
            return [i for o in out for i in self.outputs(o)]
        if isinstance(out, dict):
            return [i for o in out.values() for i in self.outputs(o)]
        return []

    def place(self, call: RawCall) -> tuple[str, str, str, int]:
        """The module's path and type, and the user's line that made the call: PyTorch's own files are looked through."""
        scope = call.scope
        if scope is None:
            return "", type(self.model).__name__, *_line(call.code, call.lasti)
        module = scope[0]
        path = self.paths.get(id(module), "")
        name = type(module).__name__
        code, lasti = call.code, call.lasti
        while _is_internal(code) and scope is not None:
            code, lasti, scope = scope[1], scope[2], scope[3]
        return path, name, *_line(code, lasti)

    def branches(self, conds) -> tuple[Cond, ...]:
        """The conditions Python took, over tensor indices; those about tensors that never took part are left out."""
        seen, kept = set(), []
        for c in conds:
            left = self.size(c.left) if isinstance(c.left, Size) else c.left
            right = self.size(c.right) if isinstance(c.right, Size) else c.right
            key = (c.relation, repr_of(left), repr_of(right))
            if key not in seen:
                seen.add(key)
                kept.append(Cond(c.relation, left, right))
        return tuple(kept)


def repr_of(size) -> str:
    """A size's expression with its axes named, to tell two apart."""
    from whyshape.sizes import write

    return write(size, lambda at: str(at.leaf.ref))


def _is_internal(code) -> bool:
    known = _internal.get(code)
    if known is None:
        known = _internal[code] = code.co_filename.startswith((_HOME, _OWN)) or code.co_filename.startswith("<")
    return known


_lines: dict[Any, list] = {}


def _line(code, lasti: int) -> tuple[str, int]:
    table = _lines.get(code)
    if table is None:
        table = _lines[code] = [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]
    line = table[lasti // 2] if lasti // 2 < len(table) else None
    return code.co_filename, line or code.co_firstlineno


def freeze(model, tracer: Tracer, inputs, result, facts, notes=(), name="") -> Graph:
    """The graph of a finished (or stopped) trace."""
    freezer = Freezer(model, tracer, inputs)
    for call in tracer.calls:
        freezer.node(call)
    outputs = tuple(freezer.of(t) for t in _flat(result))
    problem = None
    if tracer.refused is not None:
        refusal, call, message = tracer.refused
        unused: list[int] = []
        args = tuple(freezer.value(a, unused) for a in call.args)
        kwargs = {k: freezer.value(v, unused) for k, v in call.kwargs.items()}
        path, type_name, file, line = freezer.place(call)
        problem = Problem(refusal.sentence, refusal.numbers, call.op, path, type_name, file, line, args, kwargs, "shape", message)
    modules = tuple(modules_of(model))
    return Graph(
        tuple(freezer.tensors), tuple(freezer.nodes), tuple(freezer.input_indices), outputs, modules, name or type(model).__name__,
        freezer.branches(facts.branches), problem, tuple(notes), bool(model.training),
    )  # fmt: skip


def modules_of(model):
    """Every module by path, with the constructor numbers that stand as attributes; walked without recursion."""
    seen, stack = set(), [("", model)]
    while stack:
        path, module = stack.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        fields = module.__dict__
        knobs = {k: v for k, v in fields.items() if k[0] != "_" and k != "training" and _is_number(v)}
        yield Module(path, type(module).__name__, fields.get("training", False), knobs)
        inside = [(f"{path}.{name}" if path else name, child) for name, child in (fields.get("_modules") or {}).items() if child is not None]
        stack.extend(reversed(inside))


def _is_number(v) -> bool:
    kind = type(v)
    return kind is int or kind is float or kind is bool or kind is str or (kind is tuple and all(type(n) in (int, float) for n in v))


def _flat(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from _flat(v)
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _flat(v)
    elif hasattr(value, "__dataclass_fields__"):
        for field in value.__dataclass_fields__:
            yield from _flat(getattr(value, field))


__all__ = ["Freezer", "freeze", "modules_of"]
