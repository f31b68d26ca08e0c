"""From what happened to a frozen Graph: PyTorch's objects become tensor indices, frames become lines, modules become paths."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from whyshape.graph import Graph, Module, ModuleCall, Node, Problem, Ref, State, Tensor, later
from whyshape.readers.torch.follow import Followed
from whyshape.readers.torch.record import CHANGED, END, GAVE, MADE
from whyshape.readers.torch.stopped import HOME, OWN
from whyshape.readers.torch.tracer import Tracer
from whyshape.sizes import Cond, Leaf, Size, substitute

_PLAIN = frozenset((int, bool, float, str, type(None)))
_new = tuple.__new__  # a NamedTuple made from its fields at once: there is one for every operator and every tensor


class Freezer:
    """Numbers the tensors of a trace in the order they appear."""

    def __init__(self, modules, tracer: Tracer, inputs: list[tuple[str, Any, tuple[str, ...]]]):
        self.tracer = tracer
        self.paths = tracer.paths
        self.modules = modules
        self.state, self.names = state_of(modules)
        self.tensors: list[Tensor] = []
        self.index: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used again
        self.nodes: list[Node] = []
        self.dtypes: dict[Any, str] = {}
        self.module_calls: list[list] = []
        self.done = 0  # calls written down
        self.lines: dict[int, list[int | None]] = {}  # of a code object, by its id: the line of every second byte
        self.input_indices = []
        for name, tensor, axes in inputs:
            self.input_indices.append(self.add(tensor, "input", name, axes))

    def add(self, tensor, kind="activation", name="", axes=(), base=-1) -> int:
        """A new tensor; a view, or a result put in place, knows in whose memory it lies."""
        strides = None if tensor.is_contiguous() else tuple(tensor.stride())
        if base < 0 and tensor._is_view():
            base = self.root(self.of(tensor._base))
        trainable = tensor.requires_grad if kind == "parameter" else True
        return self._number(tensor, (tuple(tensor.shape), self.dtype(tensor), kind, name, axes, strides, base, trainable, None))

    def made(self, tensor) -> int:
        """A new tensor that a rule made: laid out row by row, in memory of its own."""
        return self._number(tensor, (tuple(tensor.shape), self.dtype(tensor), "activation", "", (), None, -1, True, None))

    def _number(self, tensor, fields) -> int:
        self.index[id(tensor)] = index = len(self.tensors)
        self.tensors.append(_new(Tensor, fields))
        self.kept.append(tensor)
        return index

    def dtype(self, tensor) -> str:
        """The dtype's name, each spelled once."""
        dtype = tensor.dtype
        found = self.dtypes.get(dtype)
        if found is None:
            found = self.dtypes[dtype] = str(dtype)[6:]
        return found

    def root(self, index: int) -> int:
        """The tensor whose memory this one lies in."""
        base = self.tensors[index].base
        return index if base < 0 else base

    def of(self, tensor) -> int:
        """The index of a tensor; one not met before is a parameter, a buffer, or a constant of the code."""
        index = self.index.get(id(tensor))
        if index is not None:
            return index
        known = self.names.get(id(tensor))
        if known is None:
            return self.add(tensor, "parameter" if isinstance(tensor, torch.nn.Parameter) else "constant")
        if known.shape is None or not tensor.is_contiguous():
            return self.add(tensor, known.kind, known.name)
        return self._number(tensor, (known.shape, known.dtype, known.kind, known.name, (), None, -1, known.trainable, None))

    def value(self, value, inputs: list[int]):
        """Arguments with `Ref`s, plain data, and sizes whose leaves point at tensor indices."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if isinstance(value, torch.Tensor):
            index = self.of(value)
            inputs.append(index)
            return Ref(index)
        if isinstance(value, Size):
            return self.size(value)
        if kind is tuple or kind is list or kind is torch.Size:
            return (list if kind is list else tuple)([self.value(v, inputs) for v in value])
        if kind is dict:
            return {k: self.value(v, inputs) for k, v in value.items()}
        if kind is slice:
            return slice(self.value(value.start, inputs), self.value(value.stop, inputs), self.value(value.step, inputs))
        if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
            return str(value).rpartition(".")[2]
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
        open_calls: list[tuple[list, int]] = []  # with their numbers
        for number, scope in enumerate(self.tracer.scopes):
            module, outer, begin, args, kwargs = scope[0], scope[3], scope[4], scope[5], scope[6]
            while open_calls and open_calls[-1][0] is not outer:
                self.close(*open_calls.pop())
            self.nodes_until(begin)
            if kwargs is None and len(args) == 1 and type(args[0]) is torch.Tensor:
                went_in: tuple[int, ...] = (self.of(args[0]),)
            else:
                went_in = tuple([self.of(t) for t in flat((args, kwargs))])
            parent = open_calls[-1][1] if open_calls else -1
            self.module_calls.append([self.paths.get(id(module), ""), type(module).__name__, parent, went_in, (), begin, begin])
            open_calls.append((scope, number))
        while open_calls:
            self.close(*open_calls.pop())
        self.nodes_until(len(self.tracer.calls))

    def close(self, scope: list, number: int) -> None:
        """A module call has ended."""
        end, gave = scope[END], scope[GAVE]
        self.nodes_until(end)
        self.module_calls[number][4] = (self.of(gave),) if type(gave) is torch.Tensor else tuple([self.of(t) for t in flat(gave)])
        self.module_calls[number][6] = end

    def nodes_until(self, count: int) -> None:
        """The operators called before that many were."""
        calls = self.tracer.calls
        while self.done < count:
            self.node(calls[self.done])
            self.done += 1

    def node(self, call: tuple) -> None:
        op, args, kwargs, out, scope, code, lasti, why, how, grad = call
        inputs: list[int] = []
        held = []
        index = self.index
        for a in args:
            kind = type(a)
            if kind in _PLAIN:
                held.append(a)
            elif kind is torch.Tensor or kind is torch.nn.Parameter:
                i = index.get(id(a))
                if i is None:
                    i = self.of(a)
                inputs.append(i)
                held.append(_new(Ref, (i,)))
            else:
                held.append(self.value(a, inputs))
        if kwargs:
            kwargs = {k: v if type(v) in _PLAIN else self.value(v, inputs) for k, v in kwargs.items()}
        if op == "alias":
            self.index[id(out)] = inputs[0]
            self.kept.append(out)
            return
        if how == MADE and type(out) is torch.Tensor:
            outputs: tuple[int, ...] = (self.made(out),)
        elif how == CHANGED:
            outputs = (self.add(out, base=self.root(inputs[0])),)
        else:
            outputs = tuple(self.outputs(out))
        path, type_name, file, line = self.place(scope, code, lasti)
        by = "measured" if why else "rule"
        fields = (len(self.nodes), op, path, type_name, tuple(held), kwargs, tuple(inputs), outputs, by, file, line, why)
        self.nodes.append(_new(Node, (*fields, how == CHANGED, grad)))

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
            return "", type(self.modules[0][1]).__name__, *self.line(code, lasti)
        module = scope[0]
        path = self.paths.get(id(module), "")
        name = type(module).__name__
        while _is_internal(code.co_filename) and scope is not None:
            code, lasti, scope = scope[1:4]
        if code.co_filename.startswith(OWN):  # PyTorch's own layer, called by us: nobody's line
            return path, name, "", 0
        return path, name, *self.line(code, lasti)

    def line(self, code, lasti: int) -> tuple[str, int]:
        """The file and the line of an instruction."""
        table = self.lines.get(id(code))
        if table is None:
            table = self.lines[id(code)] = [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]
        line = table[lasti // 2] if lasti // 2 < len(table) else None
        return code.co_filename, line or code.co_firstlineno

    def finish(self, result, facts) -> None:
        """What the run gave, and the conditions it held under."""
        self.results = [self.of(t) for t in flat(result)]
        self.conditions = self.branches(facts.branches)

    def problem(self) -> Problem:
        """Where the trace was stopped."""
        refusal, call, message = self.tracer.refused  # type: ignore[misc]
        unused: list[int] = []
        args = tuple(self.value(a, unused) for a in call.args)
        kwargs = {k: self.value(v, unused) for k, v in call.kwargs.items()}
        path, type_name, file, line = self.place(call.scope, call.code, call.lasti)
        return Problem(refusal.sentence, refusal.numbers, call.op, path, type_name, file, line, args, kwargs, "shape", message)

    def branches(self, conds) -> tuple[Cond, ...]:
        """The conditions Python took, over tensor indices; those about tensors that never took part are left out."""
        seen, kept = set(), []
        for c in conds:
            left = self.size(c.left) if isinstance(c.left, Size) else c.left
            right = self.size(c.right) if isinstance(c.right, Size) else c.right
            key = (c.relation, repr_of(left), repr_of(right))
            if key not in seen:
                seen.add(key)
                kept.append(c.over(left, right))
        return tuple(kept)


def repr_of(size) -> str:
    """A size's expression with its axes named, to tell two apart."""
    from whyshape.sizes import write

    return write(size, lambda at: str(at.leaf.ref))


@lru_cache(maxsize=4096)
def _is_internal(file: str) -> bool:
    """Whether a file is PyTorch's or ours. Asked by name: two code objects are equal wherever they stand, as in a copy of PyTorch's file."""
    return file.startswith((HOME, OWN, "<"))


def freeze(run: Followed, inputs, notes=()) -> Graph:
    """The graph of a finished (or stopped) trace. Its parts are written down when they are first looked at."""
    modules, tracer = run.modules, run.tracer
    root = modules[0][1]
    flags = [m.training for _, m in modules]
    found: list[Freezer] = []

    def freezer() -> Freezer:
        if not found:
            found.append(Freezer(modules, tracer, inputs))
            found[0].run()
            found[0].finish(run.result, run.facts)
        return found[0]

    return Graph(
        later(lambda: freezer().tensors), later(lambda: freezer().nodes), tuple(range(len(inputs))), later(lambda: freezer().results),
        later(lambda: [Module(path, type(m).__name__, flag) for (path, m), flag in zip(modules, flags)]), type(root).__name__,
        later(lambda: freezer().conditions), freezer().problem() if tracer.refused is not None else None, tuple(notes), bool(root.training),
        later(lambda: freezer().state), later(lambda: [_new(ModuleCall, call) for call in freezer().module_calls]),
    )  # fmt: skip


def state_of(modules) -> tuple[tuple[State, ...], dict[int, State]]:
    """Every parameter and buffer, shared ones once; and which is which, by identity."""
    found: dict[int, State] = {}
    dtypes: dict[Any, str] = {}
    for path, module in modules:
        head = f"{path}." if path else ""
        for kind, table in (("parameter", module._parameters), ("buffer", module._buffers)):
            for name, t in table.items():
                if t is None:
                    continue
                known = found.get(id(t))
                if known is not None:
                    found[id(t)] = known._replace(also=(*known.also, head + name))
                    continue
                lazy = isinstance(t, torch.nn.parameter.UninitializedTensorMixin)
                kept = kind == "parameter" or name not in module._non_persistent_buffers_set
                dtype = dtypes.get(t.dtype) or dtypes.setdefault(t.dtype, str(t.dtype)[6:])
                shape = None if lazy else tuple(t.shape)
                found[id(t)] = _new(State, (head + name, shape, dtype, kind, t.requires_grad, (), kept))
    return tuple(found.values()), found


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
