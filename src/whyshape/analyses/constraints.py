"""Which demands make the set of accepted inputs what it is, and which layers make them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from whyshape.analyses.paths import Path, demanded, narrowed
from whyshape.sizes import Formula, Size
from whyshape.sizes.algebra import Algebra, Along, Poly, letters_of
from whyshape.sizes.blocks import Block, Relation, member, without
from whyshape.sizes.conditions import everywhere
from whyshape.sizes.sets import ANY, NOTHING, Numbers, words
from whyshape.sizes.sizeset import SIGNS, SizeSet
from whyshape.sizes.wording import unworded


class Constraint(NamedTuple):
    """One demand that shapes the answer, with the layer that makes it."""

    letters: tuple[str, ...]
    kind: str  # "at least", "at most", "multiple", "exactly", "set"; over several axes: "couples"
    text: str  # "H at least 16", "20*floor((H - 12)/4)*floor((W - 12)/4) = 320"
    path: str  # of the layer, as in named_modules
    type: str
    op: str
    file: str
    line: int
    sentence: str  # what the operator says when it is not met

    def __str__(self):
        who = f"{self.path} ({self.type})" if self.path else self.op or "the model's own code"
        return f"{self.text}: {who}"

    def to_dict(self) -> dict[str, Any]:
        return self._asdict() | {"letters": list(self.letters)}


def constraints(found: SizeSet, here: Path) -> list[Constraint]:
    """The demands that every accepted input meets and without which the set would be wider, each with the layer that makes it first."""
    algebra, blocks, kept = found.algebra, [everywhere(found.letters)], []
    alone: dict[str, list] = {}
    common = dict.fromkeys(found.letters, ANY)  # what the demands met so far leave of each axis
    coupled, seen = [], set()
    for demand in (*here.branches, *here.needs):
        relation, form = demanded(algebra, demand.cond)
        key = (relation, algebra.key(form))
        if key in seen:
            continue
        seen.add(key)
        if isinstance(form, Along):
            letter, numbers = form.letter, algebra.where(relation, form)
            if common[letter] <= numbers:
                continue
            if all(b.axes[letter] <= numbers for b in found.blocks):  # not so for a branch whose other side is accepted too
                common[letter] = common[letter] & numbers
                alone.setdefault(letter, []).append((demand, numbers))
        elif not isinstance(form, int):
            coupled.append((demand, relation, form))
    for letter, sets in alone.items():
        for demand, numbers in _necessary(sets):
            kept.append(_constraint((letter,), demand, _kind(numbers), f"{letter} {words(numbers)}"))
        blocks = [b for block in blocks if (b := block.narrowed(letter, common[letter]))]
    for demand, relation, form in coupled:
        met = narrowed(algebra, blocks, relation, form)
        if met == blocks or without([b for b in found.blocks if b not in met], met):
            continue
        blocks = met
        letters = tuple(sorted(letters_of(form)))
        text = found.short(Relation(relation, form)) or _alone(algebra, letters, relation, form) or found.text(Relation(relation, form))
        kept.append(_constraint(letters, demand, "couples" if len(letters) > 1 else "set", text))
    return kept


def _alone(algebra: Algebra, letters: tuple[str, ...], relation: str, form: Poly) -> str:
    """A demand on one axis that has no short form, as the sizes that meet it; empty where these are none or unknown."""
    numbers = NOTHING
    for block in narrowed(algebra, [everywhere(letters)], relation, form) if len(letters) == 1 else ():
        if block.relations:
            return ""
        numbers = numbers | block.axes[letters[0]]
    return "" if numbers.empty else f"{letters[0]} {words(numbers)}"


def _necessary(sets: list[tuple[Any, Numbers]]) -> list[tuple[Any, Numbers]]:
    """Those of the sets, each smaller than the common part of those before, without which the common part of all would be larger."""
    kept = list(sets)
    for one in sets:
        others = [numbers for demand, numbers in kept if demand is not one[0]]
        if any(numbers <= one[1] for numbers in others) or reduce(Numbers.__and__, others, ANY) <= one[1]:
            kept.remove(one)
    return kept


def _kind(numbers: Numbers) -> str:
    finite, _, pattern = numbers.split()
    if pattern.empty:
        return "exactly" if len(numbers) == 1 else "at most" if numbers.first() == 1 and len(numbers) == numbers.last() else "set"
    if not finite.empty:
        return "set"
    return "at least" if pattern.modulus == 1 else "multiple" if pattern.remainders == [0] else "set"


def _constraint(letters, demand, kind, text) -> Constraint:
    node = demand.node
    place: tuple[str, str, str, str, int] = (
        (node.path, node.type, node.op, node.file, node.line) if node is not None else ("", "", "", "", 0)
    )
    return Constraint(letters, kind, text, *place, _plain(demand.sentence))


def _plain(sentence: str) -> str:
    """A demand's sentence before its numbers are put in: they differ from size to size."""
    return unworded(sentence)


def who(node) -> str:
    if node is None:
        return "the model's own code"
    return f"{node.path} ({node.type})" if node.path else node.op or "the model's own code"


def meeting(algebra: Algebra, here: Path, letters) -> str:
    """The first two demands of a path that exclude each other, or the one that excludes everything, in words."""
    conditions = []
    blocks = [everywhere(letters)]
    for demand in (*here.branches, *here.needs):
        relation, form = demanded(algebra, demand.cond)
        blocks = narrowed(algebra, blocks, relation, form)
        conditions.append((demand, relation, form))
        if blocks:
            continue
        told = SizeSet(tuple(letters), [], algebra)
        last = _asked(told, *conditions[-1])
        if not narrowed(algebra, [everywhere(letters)], relation, form):
            return f"{last}, which no size meets"
        for earlier in conditions[:-1]:
            if not narrowed(algebra, narrowed(algebra, [everywhere(letters)], *earlier[1:]), relation, form):
                return f"{_asked(told, *earlier)}, and {last}: no size meets both"
        return f"{last}, which nothing meets that meets the demands before it"
    return ""


def _asked(told: SizeSet, demand, relation, form) -> str:
    numbers = form.stairs.compare(relation, 0) if isinstance(form, Along) else NOTHING
    if isinstance(form, Poly):
        text = told.text(Relation(relation, form))
    elif isinstance(form, Along) and not numbers.empty:
        text = f"{form.letter} {words(numbers)}"
    else:  # no size meets it: the demand itself
        left, right = (told.simplifier.simplest(side) for side in (demand.cond.left, demand.cond.right))
        text = f"{Formula(left).names()} {SIGNS[relation]} {Formula(right).names()}"
    return f"{who(demand.node)} wants {text}"


def notes(found: SizeSet, ways: Sequence[tuple[Path, list[Block]]]) -> list[str]:
    """What happens silently inside the set: a batch whose rows change. ``ways``: each that leads to an end, with the inputs that take it."""
    if not found.batch or not ways or not ways[0][0].outputs or not ways[0][0].outputs[0]:
        return []
    algebra, rows = found.algebra, ways[0][0].outputs[0][0]
    letters = letters_of(algebra.normal(rows))
    if not isinstance(rows, Size) or len(letters) < 2 or found.batch not in letters:
        return []
    equal = [
        (blocks, _alike(algebra, blocks, here.outputs[0][0], found.batch)) for here, blocks in ways if here.outputs and here.outputs[0]
    ]
    same, other = [b for _, alike in equal for b in alike], without(*equal[0])
    if not other:
        return []
    at = member(algebra, other[0], {letter: 16 if letter == found.batch else 32 for letter in found.letters})
    if at is None:
        return []
    inside = SizeSet(found.letters, same, algebra).told() or "no size"
    example = ", ".join(f"{letter}={n}" for letter, n in at.items())
    return [
        f"the output has {found.simplifier.simplest(rows).formula.names()} rows, not {found.batch}; the two agree only for {inside}. "
        f"At {example} the {at[found.batch]} images become {algebra.value(algebra.normal(rows), at)} rows, without an error."
    ]


def _alike(algebra: Algebra, blocks: list[Block], rows: int, batch: str) -> list[Block]:
    """Those of the inputs for which there are as many rows as images."""
    images: int = algebra.leaves[batch]
    if isinstance(rows, Size) and rows.op == "//":  # inside the set the division leaves no rest
        rows, images = rows.args[0], images * rows.args[1]
    return narrowed(algebra, blocks, "==", algebra.plus(algebra.normal(rows), algebra.times(algebra.normal(images), -1)))


__all__ = ["Constraint", "constraints", "meeting", "notes", "who"]
