"""A builder for files that declare a network: sizes with history, constants, what a file states but no rule explains, notes."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, NoReturn

from whyshape.errors import WhyshapeError
from whyshape.graph import Builder, Graph, Node, Problem, Ref, Stopped, Value, axis_words
from whyshape.graph.builder import _hold
from whyshape.readers.mend import Mending
from whyshape.rules.words import count
from whyshape.sizes import CALCULATED, INPUT, Size, leaf, plain, product

MOST_NUMBERS = 2**63 - 1  # in one tensor: what a machine can address
MOST_NOTES = 12
# Sizes that stand for free axes while the numbers are shown: (batch, others), the first pair with which the whole file can be followed.
TRIES = [(1, 224), (1, 64), (1, 28), (1, 32), (2, 224), (2, 64), (1, 299), (1, 512), (2, 16), (1, 8), (1, 1), (1, 16000)]


def wanted_shapes(holder: str, inputs: list, input_size) -> list[tuple | None]:
    """The shape asked for each input, None where nothing is: ``input_size`` is one shape or one for each."""
    if input_size is None:
        return [None] * len(inputs)
    shapes = [tuple(input_size)] if all(isinstance(n, (int, str)) for n in input_size) else [tuple(s) for s in input_size]
    if len(shapes) != len(inputs):
        raise WhyshapeError(
            f"The {holder} has {count(len(inputs), 'input')}; {count(len(shapes), 'shape')} {'is' if len(shapes) == 1 else 'are'} given."
        )
    return list(shapes)


def fixed_at(label: str, stated, asked, axes: list[int], holder: str) -> Problem:
    """An input asked for at other sizes than the file fixes, on these axes."""
    if len(axes) == 1:
        (i,) = axes
        sentence = f"axis {i} of the input {label[:60]!r} is fixed at {stated[i]} in {holder}, {asked[i]} is asked for"
        return Problem(sentence, {"wanted": stated[i], "arrived": asked[i], "axis": i}, "input", label, "Input")
    each = lambda sizes: " and ".join(str(sizes[i]) for i in axes)
    sentence = (
        f"axes {each(range(len(stated)))} of the input {label[:60]!r} are fixed at {each(stated)} in {holder}, {each(asked)} are asked for"
    )
    return Problem(
        sentence, {"wanted": [stated[i] for i in axes], "arrived": [asked[i] for i in axes], "axis": axes[0]}, "input", label, "Input"
    )


def freed(label: str, shape: tuple, word: str) -> tuple[dict[str, Any], str]:
    """Axes of an input that the file fixes, left free, as an edit of the file; and in words."""
    text = ", ".join("?" if n is None else str(n) for n in shape)
    return {"layer": label, "attr": word, "value": list(shape)}, f"the input {label} stated as ({text}) in the file"


def first_that_runs(attempt: Callable[[int, int], tuple[Graph, bool]]) -> Graph:
    """The graph at the first sizes of `TRIES` with which it runs to its end, else at the first.

    ``attempt(batch, other)``: the graph with these for free axes, and whether it has any.
    """
    best = None
    for batch, other in TRIES:
        graph, free = attempt(batch, other)
        if best is None or graph.problem is None:
            best = graph
        if graph.problem is None or not free:
            break
    assert best is not None
    return best


UNSEEN = "what follows from it is not explained"  # the end of a note on a part whose sizes nobody knows


class Net(Builder):
    """A builder that also hands out axes with their history and constants by their content."""

    def __init__(self, name: str = ""):
        super().__init__(name)
        self.axes: dict[tuple[int, int], Size] = {}
        self.contents: dict[int, Value] = {}
        self.kept: list = []  # ids are only names while the constants live
        self.learned: set[int] = set()
        self.notes: list[str] = []
        self.sized: set[int] = set()  # calls that say less than the file
        self.place = ""  # what the file itself calls the call being read
        self.sizes_word, self.sizes_from = "shape", 0  # how the file tells a reshape its sizes, and from which axis on
        self.expanded: dict[str, str] = {}  # constants that the file repeats to a size it is told: by name, where
        self.mending: Mending | None = None  # goes on past what does not fit

    def call(self, op: str, *args, **kwargs) -> Any:
        if self.mending is None:
            return super().call(op, *args, **kwargs)
        return self.mending.call(self, super().call, op, args, kwargs)

    def held(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Arguments as a graph holds them, with `Ref`s for tensors."""
        inputs: list[int] = []
        return _hold(args, inputs), _hold(kwargs, inputs)

    def said(self, x: Value, sizes: tuple) -> list[int] | None:
        """The sizes a reshape of ``x`` is told, as the file says them: an axis that is kept is 0. None where the file has no words for them."""
        said = []
        for i, n in enumerate(sizes):
            kept = isinstance(n, Size) and i < len(x.shape) and int(n) == x.shape[i]
            if isinstance(n, Size) and not kept:
                return None
            said.append(0 if kept else int(n))
        return said[self.sizes_from :]

    def tensor(self, shape, dtype="float32", kind="activation", name="", axes=()) -> Value:
        if product(plain(tuple(shape))) > MOST_NUMBERS:
            raise WhyshapeError(f"A tensor of {' x '.join(str(int(n)) for n in shape)} numbers is larger than any machine can hold.")
        return super().tensor(shape, dtype, kind, name, axes)

    def axis(self, value: Value, i: int) -> int:
        """One size of a tensor, as a leaf that says where it is from."""
        at = (value.index, i)
        if at not in self.axes:
            words = axis_words(len(value.shape))
            by = INPUT if self.tensors[value.index].kind == "input" else CALCULATED
            self.axes[at] = leaf(value.shape[i], words[i], by, ("axis", value.index, i))
        return self.axes[at]

    def sizes(self, value: Value) -> tuple[int, ...]:
        """All sizes of a tensor, with history."""
        return tuple(self.axis(value, i) for i in range(len(value.shape)))

    def constant(self, known, name: str = "") -> Value:
        """A tensor of the graph for something known by its content; a weight of the file is a parameter."""
        if id(known) not in self.contents:
            kind = "parameter" if id(known) in self.learned else "constant"
            value = self.contents[id(known)] = self.tensor(known.shape, known.dtype, kind, name)
            only = known.items[0] if len(known.items) == 1 else None
            if type(only) in (int, float) and abs(only) < 1e300 and isfinite(only):
                self.tensors[value.index] = self.tensors[value.index]._replace(number=float(only))
            self.kept.append(known)
        return self.contents[id(known)]

    def made(self, op: str, size, dtype: str, *inputs: Value) -> Value:
        """The result of a rule that is told its sizes."""
        first, *others = inputs
        return self.call(op, first, tuple(n if isinstance(n, Size) else int(n) for n in size), dtype, *others)

    def retyped(self, value: Value, dtype: str) -> Value:
        """The same result under ONNX's dtype, where PyTorch's operator has another."""
        if dtype and value.dtype != dtype:
            self.tensors[value.index] = self.tensors[value.index]._replace(dtype=dtype)
            value.dtype = dtype
        return value

    def kept_not_learned(self, value: Value) -> Value:
        """A running mean or variance."""
        held = self.tensors[value.index]
        if held.kind == "parameter":
            self.tensors[value.index] = held._replace(kind="buffer")
        return value

    def measured(self, op: str, inputs: list[Value], shapes: list[tuple[tuple[int, ...], str]], why: str) -> list[Value]:
        """A call nobody has a rule for, with the sizes that the file states."""
        outputs = [self.tensor(shape, dtype) for shape, dtype in shapes]
        held, made = tuple(v.index for v in inputs), tuple(v.index for v in outputs)
        args = tuple(Ref(i) for i in held)
        self.nodes.append(Node(len(self.nodes), op, self.path, self.name, args, {}, held, made, "measured", *self.where, why))
        return outputs

    def refuse(self, op: str, sentence: str, **numbers) -> NoReturn:
        """Stop here: the operator's definition does not allow these sizes."""
        self.problem = Problem(sentence, numbers, op, self.path, self.name, *self.where)
        raise Stopped

    def note(self, text: str) -> None:
        """Something the reader of the result should know, once."""
        first = text.endswith(UNSEEN) and not any(note.endswith(UNSEEN) for note in self.notes)  # that one is never left out
        if text not in self.notes and (first or len(self.notes) < MOST_NOTES):
            self.notes.append(text)

    def outputs(self, results: list) -> list[Value]:
        """The results whose sizes are known; the others are noted."""
        known = [v for v in results if isinstance(v, Value)]
        if len(known) < len(results):
            self.note(f"{len(results) - len(known)} of {len(results)} outputs have sizes that are not known before the network runs")
        return known

    def attempted(self, outputs: list[Value], sizes: dict[str, int], chosen: list[str], branches) -> tuple[Graph, bool]:
        """What an attempt gives: the graph, and whether sizes were ``chosen`` for free axes."""
        if chosen:
            self.note("; ".join(f"{letter} is free and stands at {sizes[letter]}" for letter in dict.fromkeys(chosen)))
        return self.graph(*outputs, notes=tuple(self.notes))._replace(branches=tuple(branches), sized=tuple(sorted(self.sized))), bool(
            chosen
        )

    def mark(self) -> tuple[int, int]:
        """A place to come back to."""
        return len(self.tensors), len(self.nodes)

    def forget(self, mark: tuple[int, int]) -> None:
        """Take back everything built since ``mark``."""
        tensors, nodes = mark
        del self.tensors[tensors:], self.nodes[nodes:]
        self.axes = {at: size for at, size in self.axes.items() if at[0] < tensors}
        self.contents = {key: v for key, v in self.contents.items() if v.index < tensors}
