"""A graph as it runs under ``torch.autocast``: the casts written down as operators, every dtype behind them worked out again."""

from __future__ import annotations

from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node, Ref, Tensor, rebuild
from whyshape.rules import Made, Spec
from whyshape.rules.base import TOLD, Call
from whyshape.rules.dtypes import BYTES, category, name_of
from whyshape.sizes import Size

LOW = ("bfloat16", "float16")
DEVICES = ("cpu", "cuda")


def cast_by(graph: Graph, setting: str) -> tuple[Graph, tuple[int, ...]]:
    """The graph with a ``Tensor.to`` wherever autocast casts, and the tensors that autocast itself holds until it ends: those of weights.

    ``setting``: "bfloat16", "float16", or with the device, "cuda:float16". Raises `WhyshapeError` for any other.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> x = net.layer("Linear", "fc1", net.input((64, 320)), args=(320, 50))
    >>> [node.op for node in cast_by(net.graph(x), "bfloat16")[0].nodes]
    ['Tensor.to', 'Tensor.to', 'Tensor.to', 'linear']
    """
    device, _, dtype = setting.rpartition(":")
    if dtype not in LOW or (device or "cpu") not in DEVICES:
        raise WhyshapeError(f"autocast is {', '.join(LOW)}, or with the device as cuda:float16; {setting!r} was asked for")
    casting = _Casting(graph, DEVICES.index(device or "cpu"), dtype)
    return casting.graph(), tuple(casting.cached.values())


class _Casting:
    """One pass over a graph; tensors keep their places, those that casts make stand behind them."""

    def __init__(self, graph: Graph, device: int, low: str):
        self.source, self.device, self.low = graph, device, low
        self.tensors: list[Tensor] = list(graph.tensors)
        self.nodes: list[Node] = []
        self.cached: dict[int, int] = {}  # a weight that learns is cast once, however often it is used

    def graph(self) -> Graph:
        """The rewritten graph."""
        starts = []
        for node in self.source.nodes:
            starts.append(len(self.nodes))
            self.add(node)
        starts.append(len(self.nodes))
        calls = tuple(c._replace(first=starts[c.first], last=starts[c.last]) for c in self.source.calls)
        return self.source._replace(tensors=tuple(self.tensors), nodes=tuple(self.nodes), calls=calls)

    def add(self, node: Node) -> None:
        """The node behind its casts, its results with their dtypes."""
        wanted = self.wanted(node)
        if wanted:
            swap = {t: self.cast(node, t, wanted) for t in dict.fromkeys(node.inputs)}
            put = lambda ref: Ref(swap[ref.tensor])
            args, kwargs = rebuild(node.args, put), rebuild(node.kwargs, put)
            node = node._replace(args=args, kwargs=kwargs, inputs=tuple(swap[t] for t in node.inputs))
        node = node._replace(index=len(self.nodes))
        self.nodes.append(node)
        rule = node.rule
        if rule is None:
            return  # as it was measured
        spec = lambda ref: Spec(self.tensors[ref.tensor].shape, self.tensors[ref.tensor].dtype)
        args, kwargs = rebuild(node.args, spec), rebuild(node.kwargs, spec)
        if not node.inputs and "dtype" in kwargs:
            kwargs["dtype"] = self.made_like(node, kwargs["dtype"])
        lead = next((self.tensors[t].dtype for t in node.inputs), "float32")
        dtypes = list(_dtypes(rule.shape(*args, **kwargs), lead))
        if node.inplace and node.inputs:
            dtypes = [self.tensors[node.inputs[0]].dtype] * len(dtypes)
        for t, dtype in zip(node.outputs, dtypes):
            self.tensors[t] = self.tensors[t]._replace(dtype=dtype)
        if node.op in TOLD["itself"] and node.inputs:
            outs: Any = [Spec(self.tensors[t].shape, self.tensors[t].dtype) for t in node.outputs]
            same = rule.answer("itself", Call(rule, args, kwargs, outs[0], node.op))
            self.tensors[node.outputs[0]] = self.tensors[node.outputs[0]]._replace(base=node.inputs[0] if same else -1)
        elif (rule.view or node.inplace) and node.inputs:
            for t in node.outputs:
                if self.tensors[t].base >= 0:  # what it is a view of may be a copy by now
                    self.tensors[t] = self.tensors[t]._replace(base=node.inputs[0])

    def made_like(self, node: Node, dtype):
        """The dtype of a new tensor. One made with the sizes and the dtype of another (``x.shape``, ``x.dtype``) follows that one."""
        sizes: list[int] = []
        rebuild((node.args, node.kwargs), lambda ref: ref, lambda n: sizes.append(n))
        for t in (t for n in sizes for t in _axes_of(n)):
            if dtype is not None and name_of(dtype) == self.source.tensors[t].dtype:
                return self.tensors[t].dtype
        return dtype

    def wanted(self, node: Node) -> str:
        """The dtype autocast casts the node's tensors to; empty: it leaves them as they are."""
        found = TOLD["autocast"].get(node.op) if node.by == "rule" else None
        found = found(self.source.call(node)) if callable(found) else found
        how = found[self.device] if found else ""
        if how == "down":
            return self.low
        kinds = {self.tensors[t].dtype for t in node.inputs} & {*LOW, "float32"}
        return "float32" if how == "up" or (how == "widest" and "float32" in kinds) else ""

    def cast(self, node: Node, t: int, wanted: str) -> int:
        """The tensor in the dtype wanted: itself, or what a new ``Tensor.to`` makes of it. Double precision stays."""
        tensor = self.tensors[t]
        if tensor.dtype == wanted or tensor.dtype == "float64" or category(tensor.dtype) != 2 or BYTES[tensor.dtype] < 2:
            return t
        if t in self.cached:
            return self.cached[t]
        new = len(self.tensors)
        self.tensors.append(Tensor(tensor.shape, wanted, strides=_dense(tensor)))
        place = (node.path, node.type, (Ref(t), wanted), {}, (t,), (new,), "rule", node.file, node.line)
        self.nodes.append(Node(len(self.nodes), "Tensor.to", *place, grad=node.grad))
        if tensor.kind == "parameter" and tensor.trainable and tensor.base < 0:
            self.cached[t] = new
        return new


def _dense(tensor: Tensor) -> tuple[int, ...] | None:
    """The strides of a copy: the order of axes stays, gaps close."""
    if tensor.strides is None:
        return None
    strides, step = [0] * len(tensor.shape), 1
    for axis in sorted(range(len(tensor.shape)), key=lambda a: (tensor.strides[a], -a)):
        strides[axis] = step
        step *= max(int(tensor.shape[axis]), 1)
    return tuple(strides)


def _axes_of(size) -> set[int]:
    """The tensors whose axes a size was computed from."""
    found, stack = set(), [size]
    while stack:
        at = stack.pop()
        if isinstance(at, Size):
            stack += at.args
            if at.leaf and at.leaf.ref and at.leaf.ref[0] == "axis":
                found.add(at.leaf.ref[1])
    return found


def _dtypes(made, lead: str):
    """The dtype of each result of a rule, in order."""
    if type(made) is list:
        for m in made:
            if m is not None:
                yield from _dtypes(m, lead)
    else:
        yield name_of(made.dtype) if type(made) is Made and made.dtype else lead
