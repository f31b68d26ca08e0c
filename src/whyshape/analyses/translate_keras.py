"""A graph of PyTorch calls as Keras 3 code: readable text, where each weight goes, and what has no twin.

Images lie maps last there and the batch always comes first, so every value is tracked with how it lies: "last" (maps moved), "turned"
(PyTorch has the batch on its second axis, Keras on the first), "as is" (PyTorch's order), or a `Row`, the flattened image whose numbers
stand in another order until the next Dense takes them up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from whyshape.analyses.translate_line import twin_of
from whyshape.analyses.translate_once import name_of, once
from whyshape.graph.graph import Graph, Node, Ref
from whyshape.rules.twins import NoTwin, Twin


class Row(NamedTuple):
    """A flattened image, maps last: (maps, *places) says in which order its numbers stand."""

    shape: tuple[int, ...]


class Load(NamedTuple):
    """Weights of one layer: its name there, PyTorch's tensors in its order and how each moves, and the rows a Dense re-orders.

    ``gates``: of a recurrent layer, the order of its gates there; its tensors are then groups of names, "weight" or "bias".
    """

    layer: str
    tensors: tuple[tuple[Any, Any], ...]
    rows: tuple[int, ...] = ()
    gates: tuple[int, ...] = ()


class Written(NamedTuple):
    """The translation as text, and what it needs to become a model."""

    code: str
    loads: tuple[Load, ...]
    missing: tuple[str, ...]  # calls without a twin, each with its place and reason
    notes: tuple[str, ...]
    inputs_lie: tuple[Any, ...] = ()  # how the inputs, and the results, lie
    results_lie: tuple[Any, ...] = ()


class Missing(Exception):
    """A call has no twin."""


SECOND = "the batch is not the first axis here, and in Keras it always is"


def write(graph: Graph, larger: Callable[[], Graph | None] = lambda: None) -> Written:
    """Keras 3 code for a traced model in eval mode; where that fails over where the batch is, its sequences are taken batch second.

    ``larger``: gives the same model traced with one more in the batch, if there is one; asked where the batch takes part in a reshape.
    """
    written = _Writer(graph, larger).write()
    if any(SECOND in reason for reason in written.missing):
        turned = _Writer(graph, larger, turned=True).write()
        return written if turned.missing else turned
    return written


HELPERS = {
    "Repeated": '''
class Repeated(layers.Layer):
    """A learned tensor of its own, once for every one of a batch."""

    def __init__(self, shape, **words):
        super().__init__(**words)
        self.held = tuple(shape)

    def build(self, input_shape):
        self.weight = self.add_weight(shape=self.held, initializer="zeros", name="weight")

    def call(self, x):
        return ops.broadcast_to(self.weight, (ops.shape(x)[0], *self.held))
''',
    "Weight": '''
class Weight(layers.Layer):
    """A learned tensor of its own, put to what comes in: added, multiplied, ..."""

    def __init__(self, shape, operation, **words):
        super().__init__(**words)
        self.held, self.operation = tuple(shape), operation

    def build(self, input_shape):
        self.weight = self.add_weight(shape=self.held, initializer="ones", name="weight")

    def call(self, x):
        return getattr(keras.ops, self.operation)(x, self.weight)
''',
}


BESIDE = ("ZeroPadding", "Cropping")


class _Lies(dict):
    """How each value lies; what was never computed lies nowhere."""

    def __missing__(self, tensor):
        raise Missing("a learned or a constant tensor stands where a computed one is wanted")


UNNAMED = re.compile(r"layers\.(Flatten|Permute|Reshape)\((\([\d, -]*\))?\)\(")


def told_apart(code: str) -> str:
    """The code, no two of its layers and operations with one name: Keras names what the code does not."""
    if " + " in code:  # a sum with a number, which Keras calls "add" as well
        code = code.replace('layers.Add(name="add', 'layers.Add(name="add_here')
    taken = set(re.findall(r'name="(\w+)"', code))

    def named(found: re.Match) -> str:
        base = found[1].lower()
        if not any(re.fullmatch(rf"{base}(_\d+)?", name) for name in taken):
            return found[0]
        n = next(n for n in count(1) if f"{base}_here_{n}" not in taken)
        taken.add(f"{base}_here_{n}")
        return f'layers.{found[1]}({f"{found[2]}, " if found[2] else ""}name="{base}_here_{n}")('

    return UNNAMED.sub(named, code)


class _Writer:
    def __init__(self, graph: Graph, larger: Callable[[], Graph | None] = lambda: None, turned: bool = False):
        self.graph, self.larger, self.turned = graph, cache(larger), turned
        self.once = once(graph)
        self.lines: list[str] = []
        self.loads: list[Load] = []
        self.missing: list[str] = []
        self.notes: list[str] = []
        self.names: dict[int, str] = {}  # tensor -> variable
        self.lies: dict[int, Any] = _Lies()
        self.layers: dict[str, int] = {}
        self.helpers: set[str] = set()
        self.parameters: dict[int, int] = {}
        self.last_use = {t: n.index for n in graph.nodes for t in n.inputs}
        self.last_use.update(dict.fromkeys(graph.outputs, len(graph.nodes)))

    def write(self) -> Written:
        sliding = any(n.op.endswith(("conv1d", "pool1d", "conv_transpose1d")) for n in self.graph.nodes)
        from whyshape.analyses.translate_keras_in_heads import paddings
        from whyshape.analyses.translate_keras_in_time import first_states

        heads, states, masks = [], first_states(self.graph), paddings(self.graph)
        for i, index in enumerate(self.graph.inputs):
            t = self.graph.tensors[index]
            self.lies[index] = "last" if len(t.shape) in (4, 5) or (len(t.shape) == 3 and sliding) else "as is"
            if self.turned and len(t.shape) in (2, 3) and self.lies[index] == "as is":
                self.lies[index] = "turned"
            if index in states or index in masks:
                self.lies[index] = "turned" if index in states else "as is"
            shape = self.shape(index)[1:]
            self.names[index] = variable = self.free()
            dtype = "" if t.dtype == "float32" else f', dtype="{t.dtype}"'
            heads.append(variable)
            self.lines.append(f'{variable} = inputs{i} = keras.Input({_tuple(shape)}, name="input_{i}"{dtype})')
        for node in self.graph.nodes:
            if node.outputs and self.once.issuperset(node.outputs):
                continue
            try:
                self.node(node)
            except Missing as why:
                place = f"{node.path} ({node.op})" if node.path else node.op
                self.missing.append(f"{place}: {why}")
                for out in node.outputs:  # go on, so that everything missing is said at once
                    self.names[out], self.lies[out] = "missing", self.lies.get(node.inputs[0] if node.inputs else -1, "as is")
        results = [self.as_torch_lies(t) for t in self.graph.outputs]
        inputs = [f"inputs{i}" for i in range(len(heads))]
        self.lines.append(f"return keras.Model({_one(inputs)}, {_one(results)})")
        shared = sum(times > 1 for times in self.parameters.values())
        if shared:
            self.notes.append(f"{shared} weights are used at several places; here each place has its own copy")
        body = told_apart("\n".join(f"    {line}" for line in self.lines))
        helpers = "".join(f"\n{HELPERS[h]}" for h in sorted(self.helpers))
        rooms = ", ".join(room for room in ("activations", "layers", "ops") if f"{room}." in body + helpers)
        code = f"import keras\nfrom keras import {rooms or 'layers'}\n{helpers}\n\ndef build():\n{body}\n\n\nmodel = build()\n"
        lying = lambda tensors: tuple(self.lies.get(t, "as is") for t in tensors)
        for names, kind in ((self.graph.inputs, "inputs"), (self.graph.outputs, "results")):
            if any(how == "turned" for how in lying(names)):
                self.notes.append(f"the {kind} whose batch is PyTorch's second axis have it first here")
        missing = tuple(dict.fromkeys(self.missing))
        return Written(code, tuple(self.loads), missing, tuple(self.notes), lying(self.graph.inputs), lying(self.graph.outputs))

    # what values are called, and how they lie

    def free(self) -> str:
        """A short name that nobody needs any more."""
        used = set(self.names.values())
        for name in ("x", "y", "z", "u", "v", "w"):
            if name not in used:
                return name
        return f"x{len(self.lines)}"

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The sizes as they stand in the Keras program."""
        shape = tuple(self.graph.tensors[tensor].shape)
        if self.lies.get(tensor) == "turned":
            return (shape[1], shape[0], *shape[2:])
        return (shape[0], *shape[2:], shape[1]) if self.lies.get(tensor) == "last" else shape

    def let(self, node: Node, code: str, lies: Any, output: int = 0, beside: tuple[str, ...] = ()) -> str:
        """One line; variables that end here are free for its result. ``beside``: names for what else the code gives."""
        for t in list(self.names):
            if self.last_use.get(t, -1) <= node.index:
                del self.names[t]
        out = node.outputs[output]
        self.names[out], self.lies[out] = self.free(), lies
        self.lines.append(f"{', '.join((self.names[out], *beside))} = {code}")
        return self.names[out]

    def same(self, node: Node, tensor: int, lies: Any) -> None:
        """The call's result is that value, under the name it has."""
        self.names[node.outputs[0]], self.lies[node.outputs[0]] = self.value(tensor), lies

    def value(self, tensor: int) -> str:
        if tensor in self.names:
            return self.names[tensor]
        kind = self.graph.tensors[tensor].kind
        kind = "tensor computed from learned ones" if tensor in self.once and kind == "activation" else kind
        raise Missing(f"a {kind} stands where a computed tensor is wanted")

    def learned(self, ref: Any) -> bool:
        """Whether an argument is a learned tensor, or one that is computed from such alone."""
        return isinstance(ref, Ref) and ref.tensor in self.once

    def held(self, tensor: int) -> str:
        """The name under which `translate_once.values` has a learned tensor."""
        if tensor not in self.once:
            raise Missing("a weight that is computed from what comes in, or a constant tensor")
        return name_of(self.graph, tensor)

    def one_by_one(self, before: int, after: int) -> bool:
        """Whether a reshape leaves each of a batch in one piece: with one more in the batch it makes more rows, and no other sizes."""
        a, b = (self.graph.tensors[t].shape for t in (before, after))
        if a[0] == b[0]:
            return True
        more = self.larger()
        if more is None or [n.op for n in more.nodes] != [n.op for n in self.graph.nodes]:
            return False
        return all(self.graph.tensors[t].shape[1:] == more.tensors[t].shape[1:] for t in (before, after))

    def lying(self, tensor: int, want: str) -> str:
        """The tensor's code, moved so that it lies as wanted."""
        x, have = self.value(tensor), self.lies.get(tensor, "as is")
        if have not in ("as is", "last", "turned") and not isinstance(have, Row):
            raise Missing("a permutation that moves the batch")
        rank = len(self.graph.tensors[tensor].shape)
        if isinstance(have, Row):
            if want == "any":
                return x
            shape = (*have.shape[1:], have.shape[0])
            order = (rank_of := len(shape), *range(1, rank_of))
            return f"layers.Flatten()(layers.Permute({_tuple(order)})(layers.Reshape({_tuple(shape)})({x})))"
        if want in ("any", have):
            return x
        if "turned" in (want, have):
            raise Missing(SECOND)
        if rank < 3:
            return x
        order = (*range(2, rank), 1) if want == "last" else (rank - 1, *range(1, rank - 1))
        return f"layers.Permute({_tuple(order)})({x})"

    def as_torch_lies(self, tensor: int) -> str:
        """A result of the model: images stay maps last, which is what Keras users expect."""
        if tensor in self.once:
            self.missing.append("a result of the network does not depend on what comes in")
        return self.names.get(tensor, "missing") if not isinstance(self.lies.get(tensor), Row) else self.lying(tensor, "as is")

    def layer_name(self, node: Node) -> str:
        base = re.sub(r"\W+", "_", node.path).strip("_")[:80] or node.op.rpartition(".")[2].strip("_")
        base = base if base[0].isalpha() else f"layer_{base}"
        times = self.layers[base] = self.layers.get(base, 0) + 1
        return base if times == 1 else f"{base}_{times}"

    # one call

    def node(self, node: Node) -> None:
        from whyshape.analyses import translate_keras_in_time, translate_keras_learned  # noqa: F401  they fill SPECIAL, and so do those they read
        from whyshape.analyses.translate_keras_ops import SPECIAL

        special = SPECIAL.get(node.op)
        if special is not None:
            special(self, node)
        else:
            self.by_twin(node)

    def by_twin(self, node: Node) -> None:
        """A call as its rule says it in Keras."""
        first = node.inputs[0] if node.inputs else -1
        lies = self.lies.get(first, "as is")
        twin = twin_of(node, self.graph, last=lies == "last" or (len(self.graph.tensors[first].shape) in (4, 5) and lies != "as is"))
        if isinstance(twin, Twin) and twin.layout == "last" and lies == "as is" and len(self.graph.tensors[first].shape) > 2:
            twin = twin_of(node, self.graph, last=True)
        if twin is None:
            raise Missing("no twin is known in Keras")
        if isinstance(twin, NoTwin):
            raise Missing(twin.reason)
        self.apply(node, twin, first)

    def apply(self, node: Node, twin: Twin, first: int) -> None:
        lies = self.lies.get(first, "as is")
        rows: tuple[int, ...] = ()
        want = twin.layout
        if lies == "turned":
            cellwise = (
                want == "any"
                and node.rule is not None
                and (node.rule.pointwise or node.rule.answer("itself", self.graph.call(node)) is True)
            )
            if want != "features" and not cellwise:
                raise Missing(SECOND)
            want = "turned"
        elif want == "features":
            want = "as is"
        if isinstance(lies, Row) and node.op == "linear":
            rows, x = _rows(lies.shape), self.value(first)
        else:
            x = self.lying(first, want)
        after = lies if want == "any" else want
        if twin.differs:
            after = Row(tuple(self.graph.tensors[first].shape[1:]))
        elif node.op == "flatten":
            after = "as is"
        if len(self.graph.tensors[node.outputs[0]].shape) < 3 and after == "last":
            after = "as is"
        name = self.layer_name(node)
        variable = ""
        for i, step in enumerate(twin.steps):
            x = variable or x
            if step.startswith(("ops.", "activations.")):
                head, tail = re.split(r"\(x\b", step, maxsplit=1)
                code = f"{head}({x}{tail}"
            else:
                # A layer that only pads or crops stands beside the one the module names.
                said = name if len(twin.steps) == 1 or not step.startswith(BESIDE) else f"{name}_{'crop' if step[0] == 'C' else 'pad'}"
                code = f'layers.{step[:-1]}{", " if step[-2] != "(" else ""}name="{said}")({x})'
            if i == 0:
                variable = self.let(node, code, after)
            else:
                self.lines.append(f"{variable} = {code}")
        if twin.weights:
            self.load(node, name, twin, rows)

    def load(self, node: Node, layer: str, twin: Twin, rows=()) -> None:
        """Note which tensors of the model the layer's weights are."""
        bound = node.rule.bind(node.args, node.kwargs) if node.rule else {}
        tensors = []
        for move in twin.weights:
            index = bound[move.argument].tensor
            self.parameters[index] = self.parameters.get(index, 0) + 1
            tensors.append((self.held(index), move))
        self.loads.append(Load(layer, tuple(tensors), rows))


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Where each number of a maps-last row stands in PyTorch's: ``arange(320).reshape(20, 4, 4)`` read maps last."""
    maps, places = shape[0], 1
    for n in shape[1:]:
        places *= n
    return tuple(c * places + at for at in range(places) for c in range(maps))


def _tuple(numbers) -> str:
    inner = ", ".join(str(int(n)) for n in numbers)
    return f"({inner},)" if len(tuple(numbers)) == 1 else f"({inner})"


def _one(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


__all__ = ["Load", "Missing", "Row", "Written", "write"]
