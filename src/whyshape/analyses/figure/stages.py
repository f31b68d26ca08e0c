"""The model as stages that follow each other, and what the axes of each stage's result count."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from whyshape.analyses.field import fields, places
from whyshape.analyses.layers import Layers
from whyshape.analyses.layout import children
from whyshape.analyses.rows import Row, rows
from whyshape.graph import Graph, Node

RUN = 4  # calls in a row that can be told as one


class Form(NamedTuple):
    """What a tensor's axes count. ``count`` maps (or numbers) on ``space`` places; None where nobody can tell the one from the other."""

    shape: tuple[int, ...]  # without the batch
    count: int | None  # type: ignore[assignment]  # a tuple's own `count` is not wanted here
    space: tuple[int, ...] = ()
    maps: bool = False

    @property
    def above(self) -> str:
        """``20 maps``, ``320 numbers``, or nothing."""
        if self.count is None:
            return ""
        return f"{self.count:,} {'map' if self.maps else 'number'}{'' if self.count == 1 else 's'}"

    @property
    def below(self) -> str:
        """``24x24``: its places; all its sizes where maps and places cannot be told apart."""
        return "x".join(map(str, self.space if self.count is not None else self.shape))


class Forms:
    """The forms of a graph's tensors. Which axes are places follows from the receptive fields: those that move with the input's places."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self._batch = int(graph.tensors[graph.inputs[0]].shape[0]) if graph.tensors[graph.inputs[0]].shape else None
        self._fields = fields(graph)
        self._places = places(graph, graph.inputs[0])
        self._makers = graph.producers()
        self._readers: dict[int, Node] = {}
        for node in graph.nodes:
            for t in node.inputs[:1]:
                self._readers.setdefault(t, node)

    def of(self, tensor: int) -> Form:
        """The form of one tensor."""
        full = tuple(map(int, self.graph.tensors[tensor].shape))
        batched = len(full) > 1 and full[0] == self._batch
        shape = full[1:] if batched else full
        if len(shape) < 2:
            return Form(shape, shape[0] if shape else 1)
        moving = {len(full) + a for a in self._moving(tensor)} - ({0} if batched else set())
        counted = [a for a in range(int(batched), len(full)) if a not in moving]
        if not moving or len(counted) > 1:
            return Form(shape, None)
        return Form(shape, full[counted[0]] if counted else 1, tuple(full[a] for a in sorted(moving)), len(moving) > 1 or counted == [1])

    def _moving(self, tensor: int) -> tuple[int, ...]:
        """The axes that are places, counted from the end: told by the receptive field, else by the window that made or reads it."""
        seen = self._fields.table[tensor]
        axes = [seen[a].axis for a in self._places] if seen is not None else []
        if axes and None not in axes and len(set(axes)) == len(axes):
            return tuple(axes)
        while True:
            maker = self._makers.get(tensor)
            for node in (maker, self._readers.get(tensor)):
                if node is not None and node.rule is not None and not node.rule.pointwise:
                    call = self.graph.call(node)
                    slid = node.rule.reach(call) or {}
                    wide = any(int(window.size) > 1 for window in slid.values()) or node.rule.macs(call)
                    if wide and len(slid) == len(self._places):
                        return tuple(slid)
            if maker is None or maker.rule is None or not maker.rule.pointwise or not maker.inputs:
                return ()
            tensor = maker.inputs[0]  # a cellwise operator keeps what its axes count


class Stage(NamedTuple):
    """A step on the way: its short name, what it is, its result, and its place among the parts (-1: the input)."""

    name: str
    path: str
    about: str
    form: Form
    place: int
    made: int  # the tensor
    row: Row | None = None


def folded(graph: Graph) -> list[Row]:
    """The rows of the graph, alike blocks in one where each feeds the next."""
    layers = Layers(graph)
    return rows(graph, [layers.of(node).mark for node in graph.nodes], chained=True)


def called(graph: Graph, row: Row) -> str:
    """A row's path, or for a bare call its operator: ``layer1.0..1 x 2``."""
    return _path(graph, row) + (f" x {row.times}" if row.times > 1 else "")


def _path(graph: Graph, row: Row) -> str:
    node = graph.nodes[row.first]
    if several(row):
        return f"{row.count} calls"
    above = node.path.split(".")[: row.depth] if row.name else []
    return ".".join([*above, row.name or operator(node)])


def several(row: Row) -> bool:
    """Whether a row is of `together`: calls outside every module."""
    return not row.name and not row.kids and row.count > row.times


def operator(node: Node) -> str:
    """What a call outside every layer is called: ``cat``, ``getitem``."""
    return node.op.rpartition(".")[2].strip("_")


def short(path: str) -> str:
    """The end of a path, from its last part that is a name.

    >>> short("encoder.layers.0.linear"), short("features.3.1"), short("layer1.1..2")
    ('linear', 'features.3.1', 'layer1.1..2')
    """
    parts = path.replace("..", "\0").split(".")
    named = [i for i, part in enumerate(parts) if not part.replace("\0", "").isdecimal()]
    return ".".join(parts[named[-1] if named else 0 :]).replace("\0", "..")


def inside(every: list[Row], index: int) -> list[int]:
    """The rows directly inside a row (-1: the model). A list of modules that is called one by one stands there as those modules."""
    found = children(every, index)
    names = [every[p].name for p in found]
    one = lambda p: children(every, p) if every[p].times == 1 else []
    return [one(p)[0] if names.count(every[p].name) > 1 and len(one(p)) == 1 else p for p in found]


def opened(every: list[Row], level: list[int]) -> list[int]:
    """The parts one level deeper. What stands there as one of several alike blocks stays closed, and so do others of its type."""
    alike = {every[p].type for p in level if every[p].times > 1}
    inner = {p: [] if every[p].times > 1 or every[p].type in alike else inside(every, p) for p in level}
    types = [every[k].type for kids in inner.values() for k in kids if every[k].kids]
    found = []
    for p, kids in inner.items():
        while len(kids) == 1 and every[kids[0]].times == 1 and every[kids[0]].kids and types.count(every[kids[0]].type) == 1:
            kids = inside(every, kids[0])
        one_of_many = len(kids) == 1 and types.count(every[kids[0]].type) > 1
        found += kids if len(kids) > 1 or one_of_many or any(every[k].times > 1 for k in kids) else [p]
    return found


def together(rows: list[Row], many: int) -> list[Row]:
    """The rows; where they are more than ``many``, calls outside every module that follow each other are one row."""
    found: list[Row] = []
    for bare, group in groupby(rows, lambda row: not row.name and not row.kids):
        run = list(group)
        found += [run[0]._replace(count=sum(row.count for row in run), type="")] if bare and len(run) >= RUN else run
    return found if len(rows) > many else rows


def stages(graph: Graph, most: int) -> tuple[list[Stage], list[Row]]:
    """The input and every stage that changes the sizes or computes, opened level by level while there are at most ``most``; all parts."""
    every, forms = folded(graph), Forms(graph)
    level = best = inside(every, -1)
    kept = told(graph, [every[p] for p in level], forms)
    if len(kept) > most + 1:
        few = together([every[p] for p in level], most)
        return told(graph, few, forms), few
    while (deeper := opened(every, level)) != level:
        level, more = deeper, told(graph, [every[p] for p in deeper], forms)
        if not len(kept) <= len(more) <= most + 1:  # opened, what only rearranges would vanish
            break
        # The same stages under longer names tell nothing new; how often a block is repeated does.
        if len(more) > len(kept) or any(every[p].times > 1 for p in level):
            best, kept = level, more
    return kept, [every[p] for p in best]


def told(graph: Graph, parts: list[Row], forms: Forms) -> list[Stage]:
    """The input, and those of the parts that change the sizes or compute."""
    source = graph.inputs[0]
    shown = [Stage("input", "input", "", forms.of(source), -1, source)]
    for i, part in enumerate(parts):
        last = graph.nodes[part.first + part.count - 1]
        if not last.outputs or (part.count == 1 and not last.inputs):
            continue  # made from nothing, such as zeros to begin with
        form = forms.of(last.outputs[0])
        if form.shape != shown[-1].form.shape or part.kids or (last.rule is not None and last.rule.macs(graph.call(last))):
            path = _path(graph, part)
            name = short(path) if part.name else path
            shown.append(Stage(name, path, about(graph, part, last, name), form, i, last.outputs[0], part))
    return shown


def about(graph: Graph, part: Row, last: Node, name: str = "") -> str:
    """The layer's type and the size of its window, as often as it stands there: ``Conv2d 5x5``, ``3 x Bottleneck``."""
    if several(part):
        return ""
    kind = part.type if part.name else ""
    times = f"{part.times} x " if part.times > 1 else ""
    if part.kids or last.rule is None:
        return times + kind if kind or not times else f"x {part.times}"
    found = last.rule.reach(graph.call(last)) or {}
    size = "x".join(str(int(w.size)) for _, w in sorted(found.items()) if int(w.size) > 1)
    resized = any(window.stride < 1 for window in found.values()) and not last.rule.macs(graph.call(last))
    if resized or getattr(last.rule, "adaptive", False):
        size = ""  # nobody chose a window here
    return f"{times}{kind} {size}".strip() if kind.lower() != name.lower() or size or times else ""


def size_text(shape: tuple[int, ...]) -> str:
    """Sizes without the batch: ``10x24x24``."""
    return "x".join(map(str, shape[1:] if len(shape) > 1 else shape)) or "one number"
