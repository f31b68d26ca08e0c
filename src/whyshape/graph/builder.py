"""A graph built call by call, for readers that hold a description instead of running code: notation, ONNX, Keras."""

from __future__ import annotations

from typing import Any

from whyshape.errors import DoesNotFit
from whyshape.graph.graph import Graph, Module, Node, Problem, Ref, Tensor
from whyshape.rules import LAYERS, RULES, Made
from whyshape.rules.dtypes import name_of
from whyshape.sizes import need, plain


class Stopped(Exception):
    """The graph could not go on; the builder holds the problem."""


class Value:
    """A tensor of the graph being built: what rules read (``shape``, ``dtype``) and where it stands."""

    __slots__ = ("dtype", "index", "shape")

    def __init__(self, index: int, shape: tuple[int, ...], dtype: str):
        self.index, self.shape, self.dtype = index, shape, dtype


class Builder:
    """Applies rules one by one and remembers them as a `Graph`."""

    def __init__(self, name: str = "", training: bool = False):
        self.name_of_graph, self.training = name, training
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.modules: list[Module] = []
        self.inputs: list[int] = []
        self.path, self.name = "", ""  # of the layer being called
        self.where: tuple[str, int] = ("", 0)
        self.problem: Problem | None = None

    def tensor(self, shape, dtype="float32", kind="activation", name="", axes=()) -> Value:
        """A new tensor."""
        self.tensors.append(Tensor(tuple(shape), name_of(dtype), kind, name, tuple(axes)))
        return Value(len(self.tensors) - 1, tuple(shape), name_of(dtype))

    def input(self, shape, dtype="float32", name="", axes=()) -> Value:
        """An input of the model."""
        value = self.tensor(shape, dtype, "input", name, axes)
        self.inputs.append(value.index)
        return value

    def parameter(self, name: str, shape, dtype="float32") -> Value:
        """A learned tensor of the layer being called."""
        for n in shape:
            need(n >= 0, "{name} would have a size of {arrived}; sizes are at least 0", name=name, arrived=n, wanted=0)
        return self.tensor(shape, dtype, "parameter", f"{self.path}.{name}" if self.path else name)

    def buffer(self, name: str, shape, dtype="float32") -> Value:
        """A tensor of the layer being called that is kept but not learned."""
        return self.tensor(shape, dtype, "buffer", f"{self.path}.{name}" if self.path else name)

    def call(self, op: str, *args, **kwargs) -> Any:
        """Apply the operator's rule; its result as `Value`s, nested as the rule nests them. Raises `Stopped` where it refuses."""
        inputs: list[int] = []
        held_args, held_kwargs = _hold(args, inputs), _hold(kwargs, inputs)
        try:
            made = RULES[op].shape(*args, **kwargs)
        except DoesNotFit as refusal:
            self.problem = Problem(refusal.sentence, refusal.numbers, op, self.path, self.name, *self.where, held_args, held_kwargs)
            raise Stopped from None
        outputs: list[int] = []
        result = self._results(made, next((a.dtype for a in _values((args, kwargs))), "float32"), outputs)
        self.nodes.append(
            Node(len(self.nodes), op, self.path, self.name, held_args, held_kwargs, tuple(inputs), tuple(outputs), "rule", *self.where)
        )
        return result

    def layer(self, name: str, path: str, *inputs: Value, args=(), kwargs=None) -> Any:
        """Call a layer of `torch.nn` by its type's name and constructor arguments."""
        self.path, self.name = path, name
        try:
            return LAYERS[name](self, *inputs, *args, **(kwargs or {}))
        except DoesNotFit as refusal:  # a constructor's own demand
            self.problem = Problem(refusal.sentence, refusal.numbers, name, path, name, *self.where)
            raise Stopped from None

    def graph(self, *outputs: Value, notes: tuple[str, ...] = ()) -> Graph:
        """What was built."""
        return Graph(
            tuple(self.tensors), tuple(self.nodes), tuple(self.inputs), tuple(v.index for v in outputs), tuple(self.modules),
            self.name_of_graph, (), self.problem, notes, self.training,
        )  # fmt: skip

    def _results(self, made, dtype, outputs: list[int]):
        if made is None:
            return None
        if type(made) is list:
            return [self._results(m, dtype, outputs) for m in made]
        shape, dtype = (made.shape, made.dtype or dtype) if type(made) is Made else (made, dtype)
        value = self.tensor(plain(shape), dtype)
        outputs.append(value.index)
        return value


def _hold(value, inputs: list[int]):
    """Arguments with `Ref`s for tensors; the tensors met are added to ``inputs``."""
    if isinstance(value, Value):
        inputs.append(value.index)
        return Ref(value.index)
    if isinstance(value, (tuple, list)):
        return type(value)([_hold(v, inputs) for v in value])
    if isinstance(value, dict):
        return {k: _hold(v, inputs) for k, v in value.items()}
    return value


def _values(value):
    if isinstance(value, Value):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _values(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _values(v)


__all__ = ["Builder", "Stopped", "Value"]
