"""Blocks of inputs: one set of sizes for each free axis, and the relations that still tie the axes together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from math import lcm
from typing import NamedTuple

from whyshape.sizes.algebra import Algebra, Along, Form, Poly, letters_of
from whyshape.sizes.expr import OPPOSITE, RELATIONS
from whyshape.sizes.maps import LONGEST
from whyshape.sizes.sets import Numbers

MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
SIGNS_OF = {"==": {0}, "!=": {-1, 1}, "<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}  # of a form for which the relation holds
TRIES = 512  # sizes of one axis looked at in search of a partner on another


class Relation(NamedTuple):
    """``form <relation> 0``, exactly: where axes depend on each other and no set for each alone says the same."""

    relation: str
    form: Form

    def holds(self, algebra: Algebra, at: Mapping[str, int]) -> bool:
        return RELATIONS[self.relation](algebra.value(self.form, at), 0)

    @property
    def opposite(self) -> Relation:
        return Relation(OPPOSITE[self.relation], self.form)


class Block(NamedTuple):
    """The inputs whose every axis is in its set and for which all relations hold."""

    axes: dict[str, Numbers]
    relations: tuple[Relation, ...] = ()

    def contains(self, algebra: Algebra, at: Mapping[str, int]) -> bool:
        for letter, numbers in self.axes.items():
            if at[letter] not in numbers:
                return False
        return all(r.holds(algebra, at) for r in self.relations)

    def narrowed(self, letter: str, numbers: Numbers) -> Block | None:
        """The block with one axis kept inside ``numbers``; None if nothing is left."""
        if self.axes[letter] <= numbers:
            return self
        kept = self.axes[letter] & numbers
        return None if kept.empty else self._replace(axes={**self.axes, letter: kept})

    def tied(self, relation: str, form: Form) -> Block | None:
        """The block with one more relation; None if it excludes one that is there."""
        for i, old in enumerate(self.relations):
            wanted = relation if _equal(old.form, form) else MIRROR[relation] if _equal(old.form, form, -1) else ""
            if wanted:
                both = SIGNS_OF[old.relation] & SIGNS_OF[wanted]
                if both == SIGNS_OF[old.relation]:
                    return self
                if not both:
                    return None
                merged = next(Relation(r, old.form) for r, signs in SIGNS_OF.items() if signs == both)
                return self._replace(relations=(*self.relations[:i], merged, *self.relations[i + 1 :]))
        return self._replace(relations=(*self.relations, Relation(relation, form)))


def _equal(a: Form, b: Form, sign: int = 1) -> bool:
    """Whether ``a`` is ``sign*b``."""
    return isinstance(a, Poly) and isinstance(b, Poly) and a.terms == {p: sign * c for p, c in b.terms.items()}


def near(numbers: Numbers, n: int) -> Iterator[int]:
    """The members, those closest to ``n`` first."""
    up, down = numbers.first(n), numbers.last(n - 1)
    while up is not None or down is not None:
        if down is None or (up is not None and up - n <= n - down):
            yield up  # type: ignore[misc]
            up = numbers.first(up + 1)  # type: ignore[operator]
        else:
            yield down
            down = numbers.last(down - 1)


def _divides(relation: Relation) -> bool:
    """Whether it divides by a size: of one axis alone that would be a table each time, so it is asked size by size."""
    products = relation.form.terms if isinstance(relation.form, Poly) else ()
    return any(atom.op in ("//", "%") and not isinstance(atom.args[1], int) for product in products for atom in product)


def _effort(relation: Relation) -> int:
    """What it costs to put a size into a relation: a remainder of one axis is a table as long as its divisor."""
    products = relation.form.terms if isinstance(relation.form, Poly) else ()
    divisors = (atom.args[1] for product in products for atom in product if atom.op in ("//", "%"))
    return 1 + sum(min(abs(c), LONGEST) // 64 for c in divisors if isinstance(c, int))


class Work:
    """How many relations may still be looked at in a search."""

    def __init__(self, left: int):
        self.left = left


def member(algebra: Algebra, block: Block, close_to: Mapping[str, int], work: Work | None = None) -> dict[str, int] | None:
    """A member of the block near ``close_to``; None if none was found among the `TRIES` nearest sizes of each axis but the last.

    For a block without relations None means that it is empty. ``work``: given up, with None, when that is done.
    """
    return next(members(algebra, block, close_to, work=work), None)


def members(
    algebra: Algebra, block: Block, close_to: Mapping[str, int], tries: int = TRIES, work: Work | None = None
) -> Iterator[dict[str, int]]:
    """Members of the block, in the order of the axes' distance from ``close_to``, the last axis running fastest."""
    letters = list(block.axes)
    asked = tuple(filter(_divides, block.relations))
    # The axis with relations to all others is solved exactly, last: put it there.
    order = sorted(letters, key=lambda letter: sum(letter in letters_of(r.form) for r in block.relations))

    def search(before: dict[str, int], relations: tuple[Relation, ...]) -> Iterator[dict[str, int]]:
        letter = order[len(before)]
        known = next(reversed(before), "")  # put in now; the letters before it have been
        at = {known: before[known]} if known else {}
        numbers, open_relations = block.axes[letter], []
        if work is not None:
            work.left -= 1 + sum(map(_effort, relations))
            if work.left < 0:
                return
        for relation in relations:
            form = algebra.put(relation.form, at) if at else relation.form
            if isinstance(form, int):
                if not RELATIONS[relation.relation](form, 0):
                    return
            elif isinstance(form, Along) and form.letter == letter:
                numbers = numbers & form.stairs.compare(relation.relation, 0)
            else:
                open_relations.append(Relation(relation.relation, form))
        last = len(before) + 1 == len(order)
        tied = any(letter in letters_of(r.form) for r in (*open_relations, *asked))
        for n in islice(near(numbers, close_to.get(letter, 1)), tries if tied or not last else None):
            here = {**before, letter: n}
            if not last:
                yield from search(here, tuple(open_relations))
            elif all(r.holds(algebra, here) for r in (*open_relations, *asked)):
                yield here
            elif work is not None:
                work.left -= 1
                if work.left < 0:
                    return

    for found in search({}, tuple(r for r in block.relations if r not in asked)):
        yield {letter: found[letter] for letter in letters}


def subtract(block: Block, other: Block) -> list[Block]:
    """What of ``block`` is not in ``other``, as blocks without overlap."""
    left, inside = [], block
    for letter, numbers in other.axes.items():
        if inside.axes[letter] <= numbers:
            continue
        kept = inside.narrowed(letter, numbers)
        if kept is None:  # they share nothing
            return [block]
        left.append(inside._replace(axes={**inside.axes, letter: inside.axes[letter] - numbers}))
        inside = kept
    for relation in other.relations:
        if relation not in inside.relations:
            outside, both = inside.tied(*relation.opposite), inside.tied(*relation)
            if both is None:
                return [block]
            left += [outside] if outside else []
            inside = both
    return left


def without(blocks: Iterable[Block], others: Iterable[Block]) -> list[Block]:
    """What is in one of ``blocks`` and in none of ``others``."""
    left = list(blocks)
    for other in others:
        left = [part for block in left for part in subtract(block, other)]
    return left


def tidy(blocks: list[Block]) -> list[Block]:
    """The same union in fewer blocks: equal in all axes but one, they become one; inside another, they go."""
    blocks = [b for b in blocks if not any(numbers.empty for numbers in b.axes.values())]
    again = len(blocks) > 1
    while again:
        again = False
        for i, a in enumerate(blocks):
            for j in range(len(blocks) - 1, i, -1):
                joined = _joined(a, blocks[j])
                if joined:
                    blocks[i] = a = joined
                    del blocks[j]
                    again = True
    return blocks


def _joined(a: Block, b: Block) -> Block | None:
    apart = [(r, s) for r, s in zip(a.relations, b.relations) if r != s]
    if len(a.relations) == len(b.relations) and len(apart) == 1 and _equal(apart[0][0].form, apart[0][1].form) and a.axes == b.axes:
        both = SIGNS_OF[apart[0][0].relation] | SIGNS_OF[apart[0][1].relation]  # what one does not say of a form, the other does
        kept = [Relation(r, apart[0][0].form) for r, signs in SIGNS_OF.items() if signs == both]
        return a._replace(relations=tuple(x for r in a.relations for x in (kept if r == apart[0][0] else [r])))
    if set(a.relations) != set(b.relations):
        if set(a.relations) < set(b.relations):
            return a if all(b.axes[letter] <= numbers for letter, numbers in a.axes.items()) else None
        if set(b.relations) < set(a.relations):
            return b if all(a.axes[letter] <= numbers for letter, numbers in b.axes.items()) else None
        return None
    differ = [letter for letter, numbers in a.axes.items() if numbers is not b.axes[letter] and numbers != b.axes[letter]]
    if len(differ) <= 1:
        if differ and lcm(a.axes[differ[0]].modulus, b.axes[differ[0]].modulus) > LONGEST:
            return None
        return a if not differ else a._replace(axes={**a.axes, differ[0]: a.axes[differ[0]] | b.axes[differ[0]]})
    if all(b.axes[letter] <= a.axes[letter] for letter in differ):
        return a
    return b if all(a.axes[letter] <= b.axes[letter] for letter in differ) else None


__all__ = ["Block", "Relation", "member", "members", "near", "subtract", "tidy", "without"]
