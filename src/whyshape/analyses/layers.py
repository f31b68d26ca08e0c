"""Every operator call with its sizes derived: the formula with numbers, who decides each, what was typed and must equal another.

Calls that are asked the same question (same rule, same sizes, same arguments) are derived once: `mark` is equal for them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.graph import Derived, Graph, Node, Ref, axis_words, derive
from whyshape.rules import LAYERS, Window
from whyshape.sizes import CALCULATED, CHOSEN, INPUT, TASK, Cond, Size, leaves, product

SPACE = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


class AxisSize(NamedTuple):
    """One axis of a result: its name, its size, and how it came about."""

    axis: int
    name: str
    value: int
    by: str  # chosen, calculated, input (carried over unchanged)
    text: str  # the formula with its numbers; empty where there is none
    size: int | Size
    knob: str = ""  # the number somebody typed, where it is one


class Typed(NamedTuple):
    """Numbers that were typed although another decides them: ``knob`` must equal what arrives on an axis."""

    knob: str
    value: int
    axis: tuple[int, int] | None  # the tensor and axis it must equal, where it is a single one
    wanted: int


class Layer(NamedTuple):
    """One operator call, derived."""

    node: Node
    mark: int
    sizes: tuple[AxisSize, ...]  # of the first result
    knobs: dict[str, int]
    derived: Derived | None
    window: dict[int, Window]

    @property
    def typed(self) -> tuple[Typed, ...]:
        """The numbers that were typed although what arrives decides them."""
        return tuple(_typed(self.derived)) if self.derived is not None and self.derived.shapes else ()

    @property
    def formulas(self) -> list[tuple[str, str, int]]:
        """The distinct formulas of the result: (axes in words, formula with numbers, value)."""
        found: dict[tuple[str, int], list[str]] = {}
        for size in self.sizes:
            if size.text:
                found.setdefault((size.text, size.value), []).append(size.name)
        return [(_and(names), text, value) for (text, value), names in found.items()]


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class Layers:
    """Derives the calls of a graph, each distinct question once."""

    def __init__(self, graph: Graph):
        self.graph = graph = graph.settled()
        self._ends = ends(graph)
        self._mark_of: dict[int, int] = {}
        self._marks: dict[Any, int] = {}
        self._known: dict[int, Layer] = {}
        self._by_node: dict[int, Layer] = {}
        self._exact: dict[int, Layer] = {}
        self.producers = graph.producers()
        self.found = {
            module.path: module.found for module in graph.modules if module.found
        }  # who found what comes in, where nobody typed it
        self._filled = {module.path: dict(module.filled) for module in graph.modules if module.filled}

    def __getitem__(self, index: int) -> Layer:
        return self.of(self.graph.nodes[index])

    def __iter__(self):
        return (self.of(node) for node in self.graph.nodes)

    def of(self, node: Node) -> Layer:
        """The node's layer."""
        found = self._by_node.get(node.index)
        if found is None:
            found = self._by_node[node.index] = self._layer(node)
        return found

    def exact(self, node: Node) -> Layer:
        """The node's layer derived by itself, so that its leaves point at this node's own tensors."""
        found = self._exact.get(node.index)
        if found is None:
            found = self._exact[node.index] = _derived(self.graph, node, -1, self._ends)
        return found

    def filled(self, node: Node, knob: str) -> str:
        """Why a number that was left open is this one; empty for a number that somebody typed."""
        return self._filled.get(node.path, {}).get(knob.partition("[")[0], "")

    def opened(self, node: Node) -> tuple:
        """What was found for numbers that nobody typed; equal for calls that may be told alike."""
        return self.found.get(node.path, ""), tuple(self._filled.get(node.path, {}).items())

    def mark(self, node: Node) -> int:
        """A number that is equal for calls that are derived alike; nothing is derived for it."""
        found = self._mark_of.get(node.index)
        if found is None:
            last = any(t in self._ends for t in node.outputs)
            key = (node.op, node.by, self._question(node.args), self._question(tuple(node.kwargs.items())), last, made_by_layer(node))
            found = self._mark_of[node.index] = self._marks.setdefault(key, len(self._marks))
        return found

    def _layer(self, node: Node) -> Layer:
        mark = self.mark(node)
        known = self._known.get(mark)
        if known is None:
            known = self._known[mark] = _derived(self.graph, node, mark, self._ends)
        return known if known.node is node else known._replace(node=node)

    def _question(self, value):
        if type(value) is int:
            return value
        if type(value) is Ref:
            t = self.graph.tensors[value.tensor]
            return ("tensor", t.shape, t.dtype, t.kind)
        if isinstance(value, (tuple, list)):
            return tuple([self._question(v) for v in value])
        if isinstance(value, dict):
            return tuple([(k, self._question(v)) for k, v in value.items()])
        if isinstance(value, slice):
            return ("slice", int(value.start or 0), value.stop and int(value.stop), value.step)
        return (type(value).__name__, repr(value)) if not isinstance(value, int) else int(value)


def space_axes(graph: Graph, node: Node, window: dict[int, Window]) -> tuple[str, ...]:
    """What the axes of the node's first result are called."""
    rank = len(graph.tensors[node.outputs[0]].shape)
    if window and len(window) in SPACE and min(window) == -len(window):
        words = ("batch", "channels")[-(rank - len(window)) :] if rank > len(window) else ()
        return (*words, *SPACE[len(window)])
    if window and len(window) in SPACE and (min(window), max(window)) == (-len(window) - 1, -2) and rank == len(window) + 2:
        return ("batch", *SPACE[len(window)], "channels")  # maps last, as Keras keeps them
    return axis_words(rank)


def made_by_layer(node: Node) -> str:
    """The type of PyTorch's own layer that makes this tensor out of nothing, as an LSTM its first states: nobody typed its sizes."""
    return node.type if not node.inputs and node.type in LAYERS else ""


def ends(graph: Graph) -> set[int]:
    """The outputs, and what reaches them only through calls that keep every size: what a Linear makes before a LogSoftmax."""
    found, producers, consumers = set(graph.outputs), graph.producers(), graph.consumers()
    todo = list(graph.outputs)
    while todo:
        node = producers.get(todo.pop())
        if node is None or not _keeps_sizes(graph, node):
            continue
        came = node.inputs[0]
        if came not in found and all(found.issuperset(user.outputs) and _keeps_sizes(graph, user) for user in consumers.get(came, ())):
            found.add(came)
            todo.append(came)
    return found


def _keeps_sizes(graph: Graph, node: Node) -> bool:
    """Whether a call reads one tensor and makes one whose every axis is the same axis of that."""
    if len(node.inputs) != 1 or len(node.outputs) != 1 or graph.tensors[node.inputs[0]].shape != graph.tensors[node.outputs[0]].shape:
        return False
    derived = derive(graph, node)
    if derived is None or not derived.shapes:
        return False
    return all(
        isinstance(size, Size) and size.leaf is not None and size.leaf.ref == ("axis", node.inputs[0], axis)
        for axis, size in enumerate(derived.shapes[0])
    )


def _derived(graph: Graph, node: Node, mark: int, at_end: set[int]) -> Layer:
    derived = derive(graph, node)
    if derived is None or not derived.shapes:
        return Layer(node, mark, (), {}, derived, {})
    assert node.rule is not None
    window = node.rule.reach(graph.call(node)) or {}
    names = space_axes(graph, node, window) if node.outputs else ()
    last = not at_end.isdisjoint(node.outputs) and bool(node.rule.knobs.get("weight"))
    sizes = []
    for axis, size in enumerate(derived.shapes[0]):
        sizes.append(_axis(axis, names[axis] if axis < len(names) else f"axis {axis}", without_ones(size), last))
    own = made_by_layer(node)
    if own:
        sizes = [size._replace(by=CALCULATED, knob="") if size.by == CHOSEN else size for size in sizes]
    knobs = {name: int(size) for name, size in derived.knobs.items()} if not own else {}
    return Layer(node, mark, tuple(sizes), knobs, derived, window)


def _axis(axis: int, name: str, size, last: bool) -> AxisSize:
    if not isinstance(size, Size):
        return AxisSize(axis, name, int(size), CALCULATED, "", size)
    if size.op != "leaf":
        return AxisSize(axis, name, int(size), CALCULATED, str(size.formula), size)
    at = size.leaf
    if at is not None and at.ref and at.ref[0] == "knob":
        return AxisSize(axis, name, int(size), TASK if last else CHOSEN, "", size, at.ref[2])
    return AxisSize(axis, name, int(size), INPUT, "", size)


def _typed(derived: Derived):
    """The knobs that a demand ties to what arrives: ``in_features == the last axis of the input``."""
    seen = set()
    for found in derived.needs:
        cond = found.cond
        if not isinstance(cond, Cond) or cond.relation != "==":
            continue
        for mine, other in ((cond.left, cond.right), (cond.right, cond.left)):
            ends, ties = leaves(mine), leaves(other)
            if not ends or not ties or not all(_is(end, "knob") for end in ends) or not all(_is(end, "axis") for end in ties):
                continue
            end = next((e for e in ends if int(e) != 1 or len(ends) == 1), ends[0])
            if end.leaf.ref[2] not in seen:
                seen.add(end.leaf.ref[2])
                axis = ties[0].leaf.ref[1:] if len(ties) == 1 and other is ties[0] else None
                yield Typed(end.leaf.ref[2], int(end), axis, int(other))


def factors(size) -> list:
    """What a product is made of; a size that is none, alone."""
    if isinstance(size, Size) and size.op == "*":
        return [*factors(size.args[0]), *factors(size.args[1])]
    return [size]


def without_ones(size):
    """A product without the ones that somebody typed or left at 1: ``256*1``, where groups=1, is the 256.

    >>> from whyshape.sizes import leaf
    >>> maps, groups = leaf(256, "out_channels", ref=("knob", 0, "out_channels")), leaf(1, "groups", ref=("knob", 0, "groups"))
    >>> str(without_ones(maps * groups).formula)
    '256'
    """
    parts = factors(size)
    kept = [part for part in parts if not (isinstance(part, Size) and int(part) == 1 and _is(part, "knob"))]
    return size if len(kept) == len(parts) else product(kept or parts[:1])


def is_batch(size) -> bool:
    """Whether a size is that of a tensor's first axis."""
    return isinstance(size, Size) and _is(size, "axis") and size.leaf.ref[2] == 0


def _is(size: Size, kind: str) -> bool:
    return bool(size.leaf and size.leaf.ref and size.leaf.ref[0] == kind)


class Step(NamedTuple):
    """Where an axis got its size: the call that made it, or an input (``node`` None)."""

    node: Node | None
    tensor: int
    axis: int
    size: int | Size  # over the axes that call was given; a plain int for an input


class Origins:
    """Follows the axes of a graph back to where their sizes were decided."""

    def __init__(self, layers: Layers):
        self.layers, self.graph = layers, layers.graph

    def derived(self, node: Node) -> Derived | None:
        """The node derived over its own tensors."""
        return self.layers.exact(node).derived

    def of(self, tensor: int, axis: int) -> Step:
        """The last call that decided this axis, passing over those that carried it unchanged."""
        while True:
            node = self.layers.producers.get(tensor)
            if node is None:
                return Step(None, tensor, axis, self.graph.tensors[tensor].shape[axis])
            derived = self.derived(node)
            if derived is None or not derived.shapes:
                return Step(node, tensor, axis, self.graph.tensors[tensor].shape[axis])
            size = without_ones(derived.shapes[node.outputs.index(tensor)][axis])
            if (
                isinstance(size, Size)
                and size.op == "leaf"
                and _is(size, "axis")
                and self.graph.tensors[size.leaf.ref[1]].kind != "parameter"
            ):
                tensor, axis = size.leaf.ref[1], size.leaf.ref[2]
                continue
            return Step(node, tensor, axis, self.shortened(size))

    def shortened(self, size):
        """``16*20*4*4/16`` as ``20*4*4``, where what is divided by is one of the factors: carried over from the same axis, or the batch typed."""
        if not (isinstance(size, Size) and size.op == "//"):
            return size
        above, below = factors(size.args[0]), factors(size.args[1])
        for one in below:
            place = next(
                (i for i, f in enumerate(above) if self._first(f) == self._first(one) is not None or (is_batch(f) and int(f) == int(one))),
                None,
            )
            if place is None:
                return size
            del above[place]
        return product(above)

    def _first(self, size) -> tuple[int, int] | None:
        """The tensor and axis on which an axis was first that size; None for what is no axis."""
        if not (isinstance(size, Size) and _is(size, "axis")):
            return None
        step = self.of(*size.leaf.ref[1:])
        return step.tensor, step.axis

    def chain(self, tensor: int, axis: int) -> list[Step]:
        """From the input to this axis, one step for each call that changed it, as long as each rests on a single axis."""
        steps = [self.of(tensor, axis)]
        while steps[-1].node is not None and len(steps) < 10_000:
            rests = [at for at in leaves(steps[-1].size) if _is(at, "axis")]
            if len(rests) != 1:
                break
            steps.append(self.of(*rests[0].leaf.ref[1:]))
        return steps[::-1]
