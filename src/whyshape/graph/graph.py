"""What was read: tensors, nodes, and the graph they make. Frozen data, no framework, no ink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from whyshape.graph.later import Later
from whyshape.rules import RULES, Call, Spec


class Tensor(NamedTuple):
    """One tensor of a graph: its sizes, its dtype, and what it is there for."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    kind: str = "activation"  # input, parameter, buffer, constant, activation
    name: str = ""  # the parameter's path, the input's name
    axes: tuple[str, ...] = ()  # for a free axis its letter: ("N", "", "H", "W")
    strides: tuple[int, ...] | None = None  # how it lies in memory; None: row by row
    base: int = -1  # the tensor in whose memory it lies, for a view or a result put in place
    trainable: bool = True  # a parameter that learns
    number: float | None = None  # what a file's constant of one number says


class Ref(NamedTuple):
    """Stands in a node's arguments for the tensor of that index."""

    tensor: int


class Node(NamedTuple):
    """One operator call. ``args`` and ``kwargs`` are as PyTorch was called, with `Ref`s for tensors."""

    index: int  # type: ignore[assignment]  # its place in the graph; nobody searches a node as a tuple
    op: str
    path: str  # of the module, as in named_modules
    type: str  # of the module
    args: tuple
    kwargs: dict
    inputs: tuple[int, ...]  # tensors, in the order they stand in the arguments
    outputs: tuple[int, ...]
    by: str = "rule"  # or "measured": run, because no rule explains it
    file: str = ""
    line: int = 0
    why: str = ""  # for a measured node: why it was
    inplace: bool = False  # the result was put into the first tensor
    grad: bool = True  # autograd was watching: not inside the model's own `torch.no_grad()`

    @property
    def rule(self) -> Any:
        """The rule that answers for this operator, if there is one."""
        return RULES.get(self.op) if self.by == "rule" else None


class Problem(NamedTuple):
    """Where a trace stopped: the sentence, its numbers, and the call that could not be made."""

    sentence: str
    numbers: dict
    op: str = ""
    path: str = ""
    type: str = ""
    file: str = ""
    line: int = 0
    args: tuple = ()  # as in Node: the call that was refused
    kwargs: dict = {}
    kind: str = "shape"  # "shape": sizes do not fit; "other": the model raised something else
    message: str = ""  # what PyTorch says, where it was asked


class Module(NamedTuple):
    """One module of the model: its path (the first, for a shared one) and type."""

    path: str
    type: str
    training: bool = False
    found: str = ""  # nobody typed what comes in: "LazyLinear", "Linear(?, 50)" found it
    filled: tuple[tuple[str, str], ...] = ()  # numbers that were left open and searched for: (name, why it is this one)
    config: str = ""  # of a Keras layer: its plain settings as JSON, for telling it in PyTorch's words


class State(NamedTuple):
    """One parameter or buffer of the model, whether an operator used it or not."""

    name: str  # as in state_dict; the first path of a shared one
    shape: tuple[int, ...] | None  # None: lazy, and the trace did not reach it
    dtype: str = "float32"
    kind: str = "parameter"  # or "buffer"
    trainable: bool = True
    also: tuple[str, ...] = ()  # the other paths of a shared one
    persistent: bool = True  # a buffer that state_dict keeps


class ModuleCall(NamedTuple):
    """One call of a module: what came in, what went out, and which nodes ran inside."""

    path: str
    type: str
    parent: int  # the call it stands in, -1 for the model's own
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    first: int  # nodes first..last-1
    last: int


class Graph(NamedTuple):
    """A model as it was run once: every call in order, every tensor, and what held while it ran."""

    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    modules: tuple[Module, ...] = ()
    name: str = ""
    branches: tuple = ()  # conditions (`sizes.Cond`) on sizes that Python's control flow took to hold
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    training: bool = False
    state: tuple[State, ...] = ()  # every parameter and buffer, shared ones once; empty where the reader knows none but those used
    calls: tuple[ModuleCall, ...] = ()  # every call of a module, in the order they began
    framework: str = ""  # whose layers and order of axes these are: "keras"; empty for PyTorch's
    sized: tuple[int, ...] = ()  # calls read from a file for their sizes alone: what else its operator says was passed over

    def settled(self) -> Graph:
        """The same graph with every part written down, for a question that looks at all of it."""
        if type(self.nodes) is tuple:
            return self
        parts: list[Any] = [tuple(part) if type(part) is Later else part for part in self]
        return Graph(*parts)

    def spec(self, index: int) -> Spec:
        """The sizes and dtype of a tensor, as a rule sees them."""
        return Spec(self.tensors[index].shape, self.tensors[index].dtype)

    def call(self, node: Node) -> Call:
        """The node's arguments by name, with tensors as `Spec`s, and its results as ``out``."""
        at = lambda ref: self.spec(ref.tensor)
        args, kwargs = rebuild(node.args, at), rebuild(node.kwargs, at)
        outs = [self.spec(i) for i in node.outputs]
        assert node.rule is not None
        return Call(node.rule, args, kwargs, outs[0] if len(outs) == 1 else outs, node.op)

    def producers(self) -> dict[int, Node]:
        """Which node made each tensor."""
        return {t: node for node in self.nodes for t in node.outputs}

    def consumers(self) -> dict[int, list[Node]]:
        """Which nodes read each tensor."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            for t in node.inputs:
                found.setdefault(t, []).append(node)
        return found

    def parameters(self) -> Iterator[Tensor]:
        """The parameters the trace met, each once."""
        return (t for t in self.tensors if t.kind == "parameter")


def rebuild(value: Any, at, size=None) -> Any:
    """The same arguments with each `Ref` answered by ``at(ref)`` and, if asked, each number by ``size(number)``."""
    kind = type(value)
    if kind is Ref:
        return at(value)
    if kind is tuple:
        return tuple([rebuild(v, at, size) for v in value])
    if kind is list:
        return [rebuild(v, at, size) for v in value]
    if kind is dict:
        return {k: rebuild(v, at, size) for k, v in value.items()}
    if kind is slice:
        return slice(rebuild(value.start, at, size), rebuild(value.stop, at, size), rebuild(value.step, at, size))
    if size is not None and isinstance(value, int) and kind is not bool:
        return size(value)
    return value
