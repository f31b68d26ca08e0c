"""From what happened to a frozen Graph: PyTorch's objects become tensor indices, frames become lines, modules become paths."""

from __future__ import annotations

import os
from typing import Any

import torch

from whyshape.graph import Graph, Module, ModuleCall, Node, Problem, Ref, State, Tensor
from whyshape.readers.torch.tracer import Tracer
from whyshape.sizes import Cond, Leaf, Size, substitute

HOME = os.path.dirname(torch.__file__) + os.sep
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_internal: dict[Any, bool] = {}
_new = tuple.__new__  # a NamedTuple made from its fields at once: there is one for every operator and every tensor


class Freezer:
    """Numbers the tensors of a trace in the order they appear."""

    def __init__(self, modules, tracer: Tracer, inputs: list[tuple[str, Any, tuple[str, ...]]]):
        self.tracer = tracer
        self.paths = tracer.paths
        self.tensors: list[Tensor] = []
        self.index: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used again
        self.nodes: list[Node] = []
        self.dtypes: dict[Any, str] = {}
        self.names: dict[int, tuple[str, str]] | None = None
        self.modules = modules
        self.module_calls: list[list] = []
        self.input_indices = []
        for name, tensor, axes in inputs:
            self.input_indices.append(self.add(tensor, "input", name, axes))

    def add(self, tensor, kind="activation", name="", axes=(), base=-1) -> int:
        """A new tensor; a view, or a result put in place, knows in whose memory it lies."""
        dtype = self.dtypes.get(tensor.dtype)
        if dtype is None:
            dtype = self.dtypes[tensor.dtype] = str(tensor.dtype)[6:]
        strides = None if tensor.is_contiguous() else tuple(tensor.stride())
        if base < 0 and tensor._is_view():
            base = self.root(self.of(tensor._base))
        trainable = tensor.requires_grad if kind == "parameter" else True
        self.tensors.append(_new(Tensor, (tuple(tensor.shape), dtype, kind, name, axes, strides, base, trainable)))
        self.kept.append(tensor)
        self.index[id(tensor)] = index = len(self.tensors) - 1
        return index

    def root(self, index: int) -> int:
        """The tensor whose memory this one lies in."""
        base = self.tensors[index].base
        return index if base < 0 else base

    def of(self, tensor) -> int:
        """The index of a tensor; one not met before is a parameter, a buffer, or a constant of the code."""
        index = self.index.get(id(tensor))
        if index is not None:
            return index
        if self.names is None:
            self.names = names_of(self.modules)
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

    def run(self) -> None:
        """Operators and module calls, in the order they happened: a tensor's index is the one it had then."""
        calls, done = self.tracer.calls, 0
        for count, number, scope, value in self.tracer.events:
            while done < count:
                self.node(calls[done])
                done += 1
            tensors = tuple([self.of(t) for t in flat(value)])
            if number >= 0:
                module, outer = scope[0], scope[3]
                parent = outer[4] if outer else -1
                self.module_calls.append([self.paths.get(id(module), ""), type(module).__name__, parent, tensors, (), count, count])
            else:
                self.module_calls[~number][4] = tensors
                self.module_calls[~number][6] = count
        for call in calls[done:]:
            self.node(call)

    def node(self, call: tuple) -> None:
        op, args, kwargs, out, scope, code, lasti, why, in_place, grad = call
        inputs: list[int] = []
        args = tuple([self.value(a, inputs) for a in args])
        kwargs = {k: self.value(v, inputs) for k, v in kwargs.items()} if kwargs else {}
        if op == "alias":
            self.index[id(out)] = inputs[0]
            self.kept.append(out)
            return
        if in_place:
            outputs = (self.add(out, base=self.root(inputs[0])),)
        else:
            outputs = (self.add(out),) if isinstance(out, torch.Tensor) else tuple(self.outputs(out))
        path, type_name, file, line = self.place(scope, code, lasti)
        by = "measured" if why else "rule"
        self.nodes.append(
            _new(Node, (len(self.nodes), op, path, type_name, args, kwargs, tuple(inputs), outputs, by, file, line, why, in_place, grad))
        )

    def outputs(self, out):
        if isinstance(out, torch.Tensor):
            return [self.add(out)]
        if isinstance(out, (tuple, list)):
            return [i for o in out for i in self.outputs(o)]
        if isinstance(out, dict):
            return [i for o in out.values() for i in self.outputs(o)]
        return []

    def place(self, scope, code, lasti) -> tuple[str, str, str, int]:
        """The module's path and type, and the user's line that made the call: PyTorch's own files are looked through."""
        if scope is None:
            return "", type(self.modules[0][1]).__name__, *_line(code, lasti)
        module = scope[0]
        path = self.paths.get(id(module), "")
        name = type(module).__name__
        while _is_internal(code) and scope is not None:
            _, code, lasti, scope, _ = scope
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
        known = _internal[code] = code.co_filename.startswith((HOME, _OWN)) or code.co_filename.startswith("<")
    return known


_lines: dict[Any, list] = {}


def _line(code, lasti: int) -> tuple[str, int]:
    table = _lines.get(code)
    if table is None:
        table = _lines[code] = [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]
    line = table[lasti // 2] if lasti // 2 < len(table) else None
    return code.co_filename, line or code.co_firstlineno


def freeze(modules, tracer: Tracer, inputs, result, facts, notes=(), name="") -> Graph:
    """The graph of a finished (or stopped) trace."""
    freezer = Freezer(modules, tracer, inputs)
    freezer.run()
    outputs = tuple([freezer.of(t) for t in flat(result)])
    problem = None
    if tracer.refused is not None:
        refusal, call, message = tracer.refused
        unused: list[int] = []
        args = tuple(freezer.value(a, unused) for a in call.args)
        kwargs = {k: freezer.value(v, unused) for k, v in call.kwargs.items()}
        path, type_name, file, line = freezer.place(call.scope, call.code, call.lasti)
        problem = Problem(refusal.sentence, refusal.numbers, call.op, path, type_name, file, line, args, kwargs, "shape", message)
    root = modules[0][1]
    return Graph(
        tuple(freezer.tensors), tuple(freezer.nodes), tuple(freezer.input_indices), outputs,
        tuple([Module(path, type(m).__name__, m.training) for path, m in modules]), name or type(root).__name__,
        freezer.branches(facts.branches), problem, tuple(notes), bool(root.training), state_of(modules),
        tuple([_new(ModuleCall, call) for call in freezer.module_calls]),
    )  # fmt: skip


def names_of(modules) -> dict[int, tuple[str, str]]:
    """What every registered tensor is, by identity: parameter or buffer, and its state_dict path; the first path for a shared one."""
    names: dict[int, tuple[str, str]] = {}
    for path, module in modules:
        for kind, table in (("parameter", module._parameters), ("buffer", module._buffers)):
            for name, t in table.items():
                if t is not None:
                    names.setdefault(id(t), (kind, f"{path}.{name}" if path else name))
    return names


def state_of(modules) -> tuple[State, ...]:
    """Every parameter and buffer, shared ones once."""
    found: dict[int, list] = {}
    for path, module in modules:
        for kind, table in (("parameter", module._parameters), ("buffer", module._buffers)):
            for name, t in table.items():
                if t is None:
                    continue
                full = f"{path}.{name}" if path else name
                known = found.get(id(t))
                if known is not None:
                    known[5] = (*known[5], full)
                    continue
                lazy = isinstance(t, torch.nn.parameter.UninitializedTensorMixin)
                kept = kind == "parameter" or name not in module._non_persistent_buffers_set
                found[id(t)] = [full, None if lazy else tuple(t.shape), str(t.dtype)[6:], kind, t.requires_grad, (), kept]
    return tuple([_new(State, fields) for fields in found.values()])


def flat(value) -> list:
    """The tensors in a nest of tuples, lists, dicts and dataclasses, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in flat(v)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in flat(v)]
    if hasattr(value, "__dataclass_fields__"):
        return [t for field in value.__dataclass_fields__ for t in flat(getattr(value, field))]
    return []


__all__ = ["Freezer", "freeze"]
