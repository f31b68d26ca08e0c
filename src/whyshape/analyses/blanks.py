"""Numbers left open, filled in: ``Linear(?, 50)``, ``AdaptiveAvgPool2d(?)``.

A blank is one more free axis: the demands of all layers together say which numbers fit, exactly, and usually there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from whyshape.analyses.accepts import explored
from whyshape.analyses.constraints import who
from whyshape.analyses.paths import path
from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.graph import Builder, Graph, Run, Stopped
from whyshape.rules import LAYERS
from whyshape.sizes import CHOSEN, Formula, Size, leaf, leaves, product
from whyshape.sizes.sets import Numbers
from whyshape.sizes.sizeset import SizeSet

BLANK = ...  # as in `readers.notation`
# What is tried first for a number that several values of would do, by its name; anything else from 1 up.
USUAL = {"kernel_size": 3, "stride": 1, "padding": 0, "out_features": 10, "out_channels": 16, "output_size": 1}
CONVENTIONAL = ("kernel_size", "stride", "padding")  # of these, what most networks use


class Blank(NamedTuple):
    """One open number: where it stands, what it can be, what it became, and why."""

    layer: int
    place: int | str  # of the argument, or its keyword
    path: str
    name: str  # the parameter's name: in_features
    numbers: Numbers  # every value from 1 up that fits, the other blanks as filled
    zero: bool  # whether 0 fits too
    value: int
    why: str  # "20*4*4 arrive"
    beside: bool = False  # whether there are other blanks, which stay as they were filled
    wanted: str = ""  # who asks for it, where it is not what arrives: "3 (Linear) wants 20*output_size*output_size = 320"

    @property
    def only(self) -> bool:
        """Whether no other number would do."""
        return not self.numbers.endless and len(self.numbers) + self.zero == 1

    @property
    def reason(self) -> str:
        """Why it is this number, and which others would do."""
        beside = " beside the other numbers" if self.beside else ""
        wanted = f": {self.wanted}" if self.wanted else ""
        if self.only:
            return self.why or f"the only number that fits{beside}{wanted}"
        fits = f"{'0 or ' if self.zero else ''}{'any number from 1 up' if self.numbers.everything else self.numbers}"
        usual = "the usual one" if self.name in CONVENTIONAL and USUAL[self.name] == self.value else "one"
        return f"{usual} of those that fit{beside}, {fits}{wanted}"

    def __str__(self):
        return f"{self.path}: {self.name} = {self.value}{': ' if self.only and self.why else ', '}{self.reason}"


class Filled(NamedTuple):
    """A network with its open numbers filled in."""

    layers: list
    blanks: tuple[Blank, ...]
    graph: Graph
    found: SizeSet  # over all the blanks together

    def __str__(self):
        return "\n".join([" > ".join(map(str, self.layers)), *map(str, self.blanks)])


def fill(layers: Sequence[Any], shape: tuple[int, ...], dtype: str = "float32") -> Filled:
    """The layers with every open number filled in so that an input of ``shape`` runs to the end.

    ``layers``: (name, args, kwargs, label) each, an open number being ``...``, as `readers.notation.parse` gives them.
    Raises `WhyshapeError` where nothing fits, with the demands that exclude each other.

    >>> from whyshape.readers.notation import parse
    >>> print(fill(parse("Conv2d(1, 20, 5) > MaxPool2d(6) > Flatten > Linear(?, 50)"), (1, 1, 28, 28)))
    Conv2d(1, 20, 5) > MaxPool2d(6) > Flatten() > Linear(320, 50)
    3: in_features = 320: 20*4*4 arrive
    """
    places = [(i, key, _name(layer, key)) for i, layer in enumerate(layers) for key in _open(layer)]
    if not places:
        raise WhyshapeError("no number is left open: write ? where one is wanted, as Linear(?, 50)")
    names = [name for _, _, name in places]
    letters = [name if names.count(name) == 1 else f"{name}_{i}" for i, _, name in places]
    run = _Open(layers, places, letters, shape, dtype)
    usual = {letter: max(1, USUAL.get(name, 1)) for letter, name in zip(letters, names)}
    found = explored(run, tuple(letters), usual)
    # Sets of sizes begin at 1; of the numbers of a layer some may be 0 as well.
    zeros = [letter for letter, name in zip(letters, names) if USUAL.get(name) == 0]
    values = _usual(found, {letter: usual[letter] for letter, name in zip(letters, names) if name in USUAL}, usual)
    if values is None:
        values = usual | dict.fromkeys(zeros, 0)
        if not zeros or run(values).problem is not None:
            raise WhyshapeError(f"no number fits: {found.excluded or 'none of those that were tried'}")
    zeros = [letter for letter in zeros if run({**values, letter: 0}).problem is None]
    values |= dict.fromkeys(zeros[:1], 0)
    graph = run(values)
    blanks = []
    for (i, place, name), letter in zip(places, letters):
        one = found if len(places) == 1 else explored(_Others(run, values), (letter,), usual)
        numbers = Numbers.of(()) if one.empty else one.square()
        label = getattr(layers[i], "label", "") or str(i)
        others = [f"{who(c)} wants {c.text}" for c in one.constraints if c.path != label]
        why = _why(graph, label, letter, values)
        blanks.append(
            Blank(
                i, place, label, name, numbers, letter in zeros, values[letter], why, len(places) > 1, "" if why else " and ".join(others)
            )
        )
    return Filled([_filled(layer, i, places, letters, values) for i, layer in enumerate(layers)], tuple(blanks), graph, found)


def searched(calls, shape: tuple[int, ...], dtype: str = "float32") -> tuple[list, list[Blank]]:
    """The layers with those open numbers filled in that what comes in does not decide, so that ``shape`` runs; and what was found."""
    from whyshape.readers.notation import undecided

    layers, found = list(calls), []
    for blank in fill(calls, shape, dtype).blanks:
        if blank.place in undecided(calls[blank.layer]):
            args, kwargs = _put(layers[blank.layer], blank.layer, [(blank.layer, blank.place, "")], [""], {"": blank.value})
            layers[blank.layer] = layers[blank.layer]._replace(args=args, kwargs=kwargs)
            found.append(blank)
    return layers, found


def told(graph: Graph, blanks: Sequence[Blank]) -> Graph:
    """The graph with a note for each number that was found, and the number's layer knowing that nobody typed it."""
    why: dict[str, list[tuple[str, str]]] = {}
    for blank in blanks:
        why.setdefault(blank.path, []).append((blank.name, blank.reason))
    modules = [m._replace(filled=tuple(why.get(m.path, ()))) for m in graph.modules]
    return graph._replace(modules=tuple(modules), notes=(*graph.notes, *map(str, blanks)))


class _Open:
    """The network at given values of its blanks: what `accepts` explores."""

    def __init__(self, layers, places, letters, shape, dtype):
        self.layers, self.places, self.letters, self.shape, self.dtype = layers, places, letters, shape, dtype

    def __call__(self, at: Mapping[str, int], free: tuple[str, ...] | None = None) -> Graph:
        sizes = {k: leaf(n, k, CHOSEN, ("free", k)) if free is None or k in free else n for k, n in at.items()}
        net = Builder()
        value = net.input(self.shape, self.dtype, "input")
        try:
            for i, layer in enumerate(self.layers):
                args, kwargs = _put(layer, i, self.places, self.letters, sizes)
                try:
                    value = net.layer(layer[0], getattr(layer, "label", "") or str(i), value, args=args, kwargs=kwargs)
                except (TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
                    if isinstance(error, DoesNotFit):
                        raise
                    raise WhyshapeError(f"layer {i + 1}, {layer[0]}, cannot be built with an open number there") from None
        except Stopped:
            return net.graph()
        return net.graph(*(value if isinstance(value, list) else [value]))

    def followed(self, inputs: Sequence[Mapping[str, int]]) -> list[Run]:
        return [Run(self(at).problem is None) for at in inputs]


def _open(layer) -> list:
    return [i for i, a in enumerate(layer[1]) if a is BLANK] + [k for k, v in layer[2].items() if v is BLANK]


def _name(layer, key) -> str:
    if isinstance(key, str):
        return key
    code = LAYERS[layer[0]].__code__
    names = [n for n in code.co_varnames[: code.co_argcount] if n not in ("net", "input")]
    return names[key] if key < len(names) else f"number {key + 1}"


def _put(layer, i: int, places, letters, values) -> tuple[tuple, dict]:
    args, kwargs = list(layer[1]), dict(layer[2])
    for (at, key, _), letter in zip(places, letters):
        if at == i:
            if isinstance(key, int):
                args[key] = values[letter]
            else:
                kwargs[key] = values[letter]
    return tuple(args), kwargs


def _filled(layer, i, places, letters, values):
    args, kwargs = _put(layer, i, places, letters, values)
    return layer._replace(args=args, kwargs=kwargs) if hasattr(layer, "_replace") else (layer[0], args, kwargs)


def _usual(found: SizeSet, wished: Mapping[str, int], near: Mapping[str, int]) -> dict[str, int] | None:
    """Values that fit together: of those wished for as many as can be, in their order; the rest near what was tried first."""
    kept: dict[str, int] = {}
    for letter, n in wished.items():
        more = {**kept, letter: n}
        if found.contains(**more) if len(more) == len(found.letters) else not found.where(**more).empty:
            kept = more
    rest = found.where(**kept) if len(kept) < len(found.letters) else None
    if rest is None:
        return kept
    others = rest.nearest(**{letter: near[letter] for letter in rest.letters})
    return None if others is None else {letter: kept.get(letter) or others[letter] for letter in found.letters}


class _Others:
    """The network with one blank left: the others keep their values."""

    def __init__(self, run: _Open, values: Mapping[str, int]):
        self.run, self.values = run, values

    def __call__(self, at: Mapping[str, int]) -> Graph:
        return self.run({**self.values, **at}, free=tuple(at))

    def followed(self, inputs: Sequence[Mapping[str, int]]) -> list[Run]:
        return [Run(self(at).problem is None) for at in inputs]


def _why(graph: Graph, label: str, letter: str, values) -> str:
    """Where the number comes from: the product that arrives and must be equal to it."""
    known = path(graph, values)
    for demand in known.needs:
        if demand.node is None or demand.node.path != label or demand.cond.relation != "==":
            continue
        for mine, other in ((demand.cond.left, demand.cond.right), (demand.cond.right, demand.cond.left)):
            names = {at.leaf.name for at in leaves(mine) if at.leaf.ref[:1] == ("free",)} if isinstance(mine, Size) else ()
            same = isinstance(other, Size) and any(at.leaf.ref[:2] == ("free", letter) for at in leaves(other))
            if names == {letter} and int(mine) == values[letter] and not same:
                return f"{_arriving(graph, demand.node, int(other)) or Formula(other)} arrive"
    return ""


def _arriving(graph: Graph, node, size: int) -> str:
    """The product a flatten laid in one row, where that is what arrives: ``20*4*4``."""
    makers = graph.producers()
    tensor = node.inputs[0]
    while tensor in makers:
        maker = makers[tensor]
        came = graph.tensors[maker.inputs[0]].shape
        if graph.tensors[tensor].shape != came:
            rest = [n for n in came if n != 1][-len(came) + 1 :]
            return "*".join(map(str, rest)) if product(rest) == size and len(rest) > 1 else ""
        tensor = maker.inputs[0]
    return ""


__all__ = ["BLANK", "Blank", "Filled", "fill", "searched", "told"]
