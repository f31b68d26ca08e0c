"""`summary`: the table torchinfo's users know, with every number from the rules.

Where torchinfo guesses (a parameter times the output's places) or prints 0, this counts; operators called without a module have rows too.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from whyshape.analyses.amount import Amount, amount
from whyshape.analyses.live import live
from whyshape.analyses.memory import kept, total_of
from whyshape.analyses.operations import Operations, operations
from whyshape.analyses.parameters import Parameters, parameters
from whyshape.analyses.words_notation import Notation
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, ModuleCall, Node
from whyshape.rules import LAYERS
from whyshape.rules.dtypes import BYTES
from whyshape.sizes import product

SETTINGS = ("depth", "var_names", "ascii_only", "hide_recursive_layers")


class Row(NamedTuple):
    """One call of a module, or of an operator no module of PyTorch's stands for."""

    type: str
    name: str  # the last part of the path
    path: str
    depth: int
    number: str  # 1-2: the second at depth 1
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    kernel: tuple[int, ...]
    params: int  # of the module and all inside it
    own: int  # of the module itself
    trainable: str  # True, False, Partial, or --
    macs: Amount
    leaf: bool
    again: bool  # the same module was called before
    there: tuple[tuple[int, ...], ...] = ()  # what comes out, in the other framework's order: maps last, or first where these are Keras'


class Summary(NamedTuple):
    """The rows and the totals, under the names torchinfo gives them. Prints itself."""

    rows: tuple[Row, ...]
    parameters: Parameters
    operations: Operations
    kept: Amount  # bytes autograd keeps
    input_bytes: int
    depth: int
    columns: tuple[str, ...]
    settings: frozenset[str]
    width: int
    title: str
    other: str = "Keras"  # whose order of axes the column `other_order` has

    @property
    def total_params(self) -> int:
        return self.parameters.total.value or 0

    @property
    def trainable_params(self) -> int:
        return self.parameters.trainable.value or 0

    @property
    def total_mult_adds(self) -> int | None:
        return self.operations.forward().value

    @property
    def total_param_bytes(self) -> int:
        return sum(r.nbytes or 0 for r in self.parameters.rows if r.state.kind == "parameter")

    @property
    def total_output_bytes(self) -> int | None:
        return self.kept.value

    @property
    def total_input(self) -> int:
        return self.input_bytes

    def to_dict(self) -> dict:
        """The rows and totals as JSON data: schema ``whyshape.summary.v1``."""
        return {
            "schema": "whyshape.summary.v1",
            "rows": [r._asdict() | {"macs": r.macs.to_dict()} for r in self.rows],
            "totals": {
                "params": self.parameters.total.to_dict(),
                "macs": self.operations.forward().to_dict(),
                "kept_bytes": self.kept.to_dict(),
            },
        }

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __str__(self) -> str:
        from whyshape.writers.summary import write

        return write(self)

    def __repr__(self) -> str:
        return str(self)


def summary(
    model: Any, input_size=None, input_data=None, batch_dim: int | None = None, cache_forward_pass: bool | None = None,
    col_names: Iterable[str] | None = None, col_width: int = 25, depth: int = 3, device=None, dtypes=None, mode: str | None = None,
    row_settings: Iterable[str] | None = None, verbose: int | None = None, **kwargs: Any,
) -> Summary:  # fmt: skip
    """torchinfo's `summary`, computed: the same arguments, a table in the same form.

    ``batch_dim``: ``input_size`` is without a batch; one of 1 is put in at this axis. ``cache_forward_pass`` and ``device`` change
    nothing here: no forward pass is computed, on no device. ``verbose`` 0 prints nothing. ``kwargs`` go to the model's forward.
    Without any input only the parameters are counted.

    >>> print(summary("Conv2d(1, 10, 5) > ReLU", (1, 1, 28, 28), verbose=0).total_mult_adds)
    144000
    """
    from whyshape.api import read
    from whyshape.readers.shapes import one_of
    from whyshape.writers.summary import COLUMNS

    columns = tuple(str(getattr(c, "value", c)) for c in (col_names if col_names is not None else ("output_size", "num_params")))
    settings = frozenset(str(getattr(s, "value", s)) for s in (row_settings if row_settings is not None else ("depth",)))
    _known("col_names", columns, COLUMNS)
    _known("row_settings", settings, SETTINGS)
    if mode not in (None, "eval", "train", "same"):
        raise WhyshapeError(f"mode is 'eval', 'train' or 'same'; {mode!r} was given")
    one_of(input_size, input_data)
    if col_width < 1:
        raise WhyshapeError(f"col_width is 1 or more; {col_width} was given")
    if verbose not in (None, 0, 1, 2):
        raise WhyshapeError(f"verbose is 0, 1 or 2; {verbose!r} was given")
    if input_size is None and input_data is None and not kwargs:
        graph = unread(model)
    else:
        if batch_dim is not None and input_size is not None:
            input_size = _with_batch(input_size, batch_dim)
        if kwargs:
            input_size, input_data = None, _by_name(model, input_size, input_data, dtypes, kwargs)
        graph = read(model, input_size, input_data, dtypes, "eval" if mode in (None, "eval") else mode)
    made = summarised(graph, depth, columns, settings, col_width)
    if verbose is None or verbose:
        print(made)
    return made


def _by_name(model, input_size, input_data, dtypes, kwargs: dict) -> dict:
    """All inputs under the names that the model's forward has for them."""
    from whyshape.readers.torch.forward import stand_ins

    names = list(inspect.signature(model.forward).parameters)
    unknown = [name for name in kwargs if name not in names]
    if unknown and "kwargs" not in names:
        raise WhyshapeError(f"the model's forward takes {', '.join(names)}; {unknown[0]!r} was given")
    if input_size is None and input_data is None:
        return kwargs
    given = input_data if input_data is not None else stand_ins(input_size, None, dtypes)[0]
    if isinstance(given, dict):
        return {**given, **kwargs}
    return {**dict(zip(names, given if isinstance(given, (tuple, list)) else (given,))), **kwargs}


def _known(what: str, given, known) -> None:
    for name in given:
        if name not in known:
            raise WhyshapeError(f"{what} are {', '.join(known)}; {name!r} was given")


def _with_batch(size, at: int):
    many = not all(isinstance(n, int) for n in size)
    add = lambda s: (*s[:at], 1, *s[at:])
    return [add(tuple(s)) for s in size] if many else add(tuple(size))


def unread(model) -> Graph:
    """A model that was not run: its modules and what they hold."""
    from whyshape.readers.torch.freeze import state_of
    from whyshape.readers.torch.untouched import walk

    modules = walk(model)
    place = {path: i for i, (path, _) in enumerate(modules)}
    calls = tuple(ModuleCall(p, type(m).__name__, -1 if not p else place[_outer(p, place)], (), (), 0, 0) for p, m in modules)
    return Graph((), (), (), (), (), type(model).__name__, state=state_of(modules)[0], calls=calls)


def _outer(path: str, known) -> str:
    while path:
        path = path.rpartition(".")[0]
        if path in known:
            return path
    return ""


def summarised(graph: Graph, depth: int, columns=("output_size", "num_params"), settings=frozenset(("depth",)), width: int = 25) -> Summary:
    """The table of a graph that was read."""
    if graph.problem is not None:
        raise WhyshapeError(f"{graph.problem.path or 'forward'} ({graph.problem.op}) cannot run: {graph.problem.sentence}")
    held, done = parameters(graph), live(graph)
    work = operations(graph, held=done)
    amounts = total_of(kept(graph, done))
    sizes = sum(product(graph.tensors[i].shape) * BYTES[graph.tensors[i].dtype] for i in graph.inputs)
    return Summary(
        tuple(rows(graph, held, work)), held, work, amounts, sizes, depth, tuple(columns), frozenset(settings), width, graph.name,
        Notation(graph).other,
    )  # fmt: skip


def rows(graph: Graph, held: Parameters, work: Operations) -> Iterable[Row]:
    """Every call in the order it began, numbered at its depth."""
    calls = graph.calls or _one_each(graph)
    inner: dict[int, list[int]] = {}
    for i, call in enumerate(calls):
        inner.setdefault(call.parent, []).append(i)
    counts: dict[int, int] = {}
    met: set[str] = set()
    told = _Rows(graph, held, work)
    stack: list[tuple[int | Node, int]] = [(i, 0) for i in reversed(inner.get(-1, []))]
    while stack:
        at, level = stack.pop()
        counts[level] = counts.get(level, 0) + 1
        number = f"{level}-{counts[level]}"
        if isinstance(at, Node):
            yield told.operator(at, level, number)
            continue
        call, children = calls[at], inner.get(at, [])
        loose = [] if children == [] and call.type in LAYERS else _loose(graph, calls, at, children)
        yield told.module(call, level, number, not children and not loose, call.path in met)
        met.add(call.path)
        inside: list[tuple[int, int | Node]] = [*((calls[c].first, c) for c in children), *loose]
        stack += [(item, level + 1) for _, item in sorted(inside, key=_begins, reverse=True)]


class _Rows:
    """Makes the rows of one graph."""

    def __init__(self, graph: Graph, held: Parameters, work: Operations):
        self.held, self.work = held, work
        self.shape = lambda t: graph.tensors[t].shape
        self.there = Notation(graph).whole

    def operator(self, node: Node, level: int, number: str) -> Row:
        """An operator that a module calls by itself."""
        return Row(
            type=f"{node.op}()", name="", path=node.path, depth=level, number=number, inputs=tuple(map(self.shape, node.inputs[:1])),
            outputs=tuple(map(self.shape, node.outputs)), kernel=(), params=0, own=0, trainable="--",
            macs=self.work.rows[node.index].counted("macs"), leaf=True, again=False, there=tuple(map(self.there, node.outputs)),
        )  # fmt: skip

    def module(self, call: ModuleCall, level: int, number: str, leaf: bool, again: bool) -> Row:
        """A call of a module."""
        own = [r for r in self.held.of(call.path) if r.state.kind == "parameter"]
        return Row(
            type=call.type, name=call.path.rpartition(".")[2], path=call.path, depth=level, number=number,
            inputs=tuple(map(self.shape, call.inputs)), outputs=tuple(map(self.shape, call.outputs)),
            kernel=next((r.state.shape for r in own if r.name.endswith("weight") and r.state.shape), ()),
            params=self.held.under(call.path).value or 0, own=sum(r.count or 0 for r in own), trainable=_trainable(self.held, call.path),
            macs=amount(r.counted("macs") for r in self.work.rows[call.first : call.last]), leaf=leaf, again=again,
            there=tuple(map(self.there, call.outputs)),
        )  # fmt: skip


def _one_each(graph: Graph) -> tuple[ModuleCall, ...]:
    """Where the reader knows layers but no calls: the network, and a call for each layer in it."""
    data = lambda node: tuple(t for t in node.inputs if graph.tensors[t].kind not in ("parameter", "buffer"))
    layers = [ModuleCall(n.path, n.type or n.op, 0, data(n), n.outputs, n.index, n.index + 1) for n in graph.nodes]
    return (ModuleCall("", graph.name or "Network", -1, graph.inputs, graph.outputs, 0, len(graph.nodes)), *layers)


def _begins(pair) -> tuple:
    first, item = pair
    return first, (1, item.index) if isinstance(item, Node) else (0, item)


def _loose(graph: Graph, calls, at: int, children) -> list[tuple[int, Node]]:
    """The operators a module calls by itself, those that only look at the same numbers under other axes left out."""
    call, covered = calls[at], set()
    for c in children:
        covered.update(range(calls[c].first, calls[c].last))
    found = []
    for i in range(call.first, call.last):
        node = graph.nodes[i]
        if i not in covered and not (node.rule is not None and node.rule.view):
            found.append((i, node))
    return found


def _trainable(held: Parameters, path: str) -> str:
    head = f"{path}." if path else ""
    flags = {
        r.state.trainable for r in held.rows if r.state.kind == "parameter" and any(n.startswith(head) for n in (r.name, *r.state.also))
    }
    return "--" if not flags else "Partial" if len(flags) == 2 else str(flags.pop())
