"""One output number of a layer as what it is made of: window times kernel, channel by channel, plus bias, beside PyTorch's value."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.lab.opened import KINDS, Opened, Term
from whyshape.lab.record import Call, calls

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Value:
    """One number a layer gave. ``at`` is its index without the batch axis; ``torch`` is what the model itself computed."""

    layer: str
    type: str
    at: tuple[int, ...]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]  # both without the batch axis
    opened: Opened
    torch: float
    flat: int | None = None  # where the next layer's flatten puts this cell
    came_flat: tuple[str, tuple[int, ...]] | None = None  # the input is this layer's output, of this shape, flattened

    @property
    def result(self) -> float:
        """The sum, maximum, mean or function of the terms, added up here in double precision."""
        return self.opened.result

    @property
    def difference(self) -> float:
        return abs(self.result - self.torch)

    @property
    def equal(self) -> bool:
        """Whether both values agree to 1e-5, relative to the largest number that was added up."""
        terms = [abs(term.product) for part in self.opened.parts for term in part.terms]
        return self.difference <= TOLERANCE * max(abs(self.torch), *terms, 1e-30)

    def strongest(self, count: int = 10) -> tuple[list[Term], list[Term], float]:
        """The largest positive and the largest negative contributions, and the sum of all the others."""
        terms = sorted((t for part in self.opened.parts for t in part.terms), key=lambda t: -t.product)
        positive = [t for t in terms[:count] if t.product > 0]
        negative = [t for t in reversed(terms[-count:]) if t.product < 0]
        named = {id(t) for t in positive + negative}
        return positive, negative, sum(t.product for t in terms if id(t) not in named)

    def source(self, term: Term) -> str:
        """Where a flattened number stood before: ``map 8, row 1, column 1 of conv.relu_2``; empty if nothing was flattened."""
        if self.came_flat is None or term.at is None:
            return ""
        path, shape = self.came_flat
        cell = torch.unravel_index(torch.tensor(term.at[-1]), shape)
        return f"{place(tuple(int(i) for i in cell))} of {path}"

    def __str__(self) -> str:
        from whyshape.lab.value_text import text

        return text(self)

    def to_dict(self) -> dict:
        """All of it as plain data, ``whyshape.value.v1``; ``at`` of a term is null where padding stands."""
        parts = [
            {
                "name": part.name,
                "total": part.total,
                "row": part.row,
                "terms": [{"at": t.at and list(t.at), "input": t.input, "weight": t.weight, "product": t.product} for t in part.terms],
            }
            for part in self.opened.parts
        ]
        winner = self.opened.winner
        return {
            "schema": "whyshape.value.v1",
            "layer": self.layer,
            "type": self.type,
            "at": list(self.at),
            "input_shape": list(self.input_shape),
            "output_shape": list(self.output_shape),
            "kind": self.opened.kind,
            "formula": self.opened.formula,
            "parts": parts,
            "bias": self.opened.bias,
            "divisor": self.opened.divisor,
            "winner": list(winner.at) if winner and winner.at else None,
            "result": self.result,
            "torch": self.torch,
            "equal": self.equal,
            "flat": self.flat,
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)


def value(model: nn.Module, layer: str, at: tuple[int, ...] | int, input: torch.Tensor | None = None) -> Value:
    """One output number of a layer, opened; the model runs once, in eval mode, and is left as it was.

    ``at`` is the index without the batch axis, the first image is meant; ``input`` is what the model takes, batch axis
    included, and without one it is a scikit-learn digit, normalised as the shipped network wants it.

    >>> conv = nn.Conv2d(2, 1, 3)
    >>> _ = nn.init.constant_(conv.weight, 0.5), nn.init.constant_(conv.bias, 1.0)
    >>> v = value(nn.Sequential(conv), "0", (0, 0, 0), torch.ones(1, 2, 3, 3))
    >>> v.result, v.torch, [part.total for part in v.opened.parts]
    (10.0, 10.0, [4.5, 4.5])

    Errors: `WhyshapeError` for a layer or a place that is not there, or a kind of layer that cannot be opened;
    `ModelError` if the model does not run.
    """
    if input is None:
        from whyshape.lab.pictures import sample

        input = sample()
    seen = calls(model, input)
    index, call = found(seen, layer, model)
    open_it = next((KINDS[kind] for kind in type(call.module).__mro__ if kind in KINDS), None)
    if open_it is None:
        opened = sorted({kind.__name__ for kind in KINDS})
        raise WhyshapeError(f"{layer} is a {call.type}, which is not opened; what is: {', '.join(opened)}")
    if not isinstance(at, (int, tuple, list)) or not all(isinstance(n, int) for n in ([at] if isinstance(at, int) else at)):
        raise WhyshapeError(f"a place is whole numbers, as (3, 5, 7); {at!r} arrived")
    where = full_index(call, (at,) if isinstance(at, int) else tuple(at))
    with torch.no_grad():
        opened = open_it(call.module, call.input, where)
    after = seen[index + 1] if index + 1 < len(seen) else None
    before = seen[index - 1] if index else None
    return Value(
        layer=layer,
        type=call.type,
        at=where[1:],
        input_shape=tuple(call.input.shape[1:]),
        output_shape=tuple(call.output.shape[1:]),
        opened=opened,
        torch=float(call.output[where]),
        flat=flat_place(call.output, where) if after is not None and flattened(call.output, after.input) else None,
        came_flat=(before.path, tuple(before.output.shape[1:])) if before and flattened(before.output, call.input) else None,
    )


def found(seen: list[Call], layer: str, model: nn.Module) -> tuple[int, Call]:
    """The first call of that layer and its number."""
    for index, call in enumerate(seen):
        if call.path == layer:
            return index, call
    ends = {call.path: (index, call) for index, call in reversed(list(enumerate(seen))) if call.path.endswith(f".{layer}")}
    if len(ends) == 1:  # the end of a path is enough where only one has it
        return next(iter(ends.values()))
    if layer in dict(model.named_modules()):
        raise WhyshapeError(f"{layer} holds other layers or was not called: name one of {', '.join(c.path for c in seen)}")
    raise WhyshapeError(f"there is no layer {layer!r}: name one of {', '.join(c.path for c in seen)}")


def full_index(call: Call, at: tuple[int, ...]) -> tuple[int, ...]:
    """The index with the batch axis before it, once it is one."""
    shape = tuple(call.output.shape[1:])
    if len(at) != len(shape) or not all(0 <= i < n for i, n in zip(at, shape)):
        last = ",".join(str(n - 1) for n in shape)
        raise WhyshapeError(
            f"{call.path} gives {' x '.join(map(str, shape)) or 'one number'} for each input, "
            f"so places go from {','.join('0' * len(shape))} to {last}; {','.join(map(str, at))} is not one"
        )
    return (0, *at)


def flattened(out: torch.Tensor, taken: torch.Tensor) -> bool:
    """Whether the next layer took this very output with all its axes but the batch laid in one row (values compared)."""
    return out.dim() > 2 and taken.dim() == 2 and out.numel() == taken.numel() and torch.equal(out.flatten(1), taken)


def flat_place(out: torch.Tensor, where: tuple[int, ...]) -> int:
    place = 0
    for i, n in zip(where[1:], out.shape[1:]):
        place = place * n + i
    return place


AXES = {1: ("number",), 2: ("map", "place"), 3: ("map", "row", "column"), 4: ("map", "layer", "row", "column")}


def place(at: tuple[int, ...]) -> str:
    """An index in words: ``map 3, row 5, column 7``."""
    names = AXES.get(len(at), tuple(f"axis {i}" for i in range(len(at))))
    return ", ".join(f"{name} {i}" for name, i in zip(names, at))
