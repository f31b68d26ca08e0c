"""`SizeSet`: the inputs a model takes, as blocks; asked for members, neighbours, words and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.sizes.algebra import Algebra, Poly, letters_of
from whyshape.sizes.blocks import Block, Relation, Work, members, tidy, without
from whyshape.sizes.conditions import everywhere, within
from whyshape.sizes.formula import Formula
from whyshape.sizes.sets import ANY, NOTHING, Numbers, words
from whyshape.sizes.simplify import Simplifier, condition

SCHEMA = "whyshape.accepts.v1"
SIGNS = {"==": "=", "!=": "is not", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
SEARCH = 2048
WORK = 1 << 15  # relations looked at in search of a block's members
MANY = 8  # blocks told one by one


class SizeSet:
    """A set of inputs, one size for each free axis: a union of `blocks`, exact and possibly endless.

    ``unsettled`` holds the inputs nothing is claimed about; `proved` says that there are none and that nothing rests on observation alone.
    """

    def __init__(self, letters: tuple[str, ...], blocks: list[Block], algebra: Algebra, shapes: tuple[tuple, ...] = (), batch: str = ""):
        self.letters, self.blocks, self.algebra, self.shapes, self.batch = (
            letters,
            sorted(tidy(blocks), key=_simplest),
            algebra,
            shapes,
            batch,
        )
        self.simplifier = Simplifier(algebra)
        self.unsettled: list[Block] = []
        self.limits: dict[str, int] = {}  # letters that were looked at up to there only
        self.constraints: tuple = ()
        self.excluded: str = ""  # of an empty set: which demands exclude each other
        self.notes: list[str] = []
        self.checked: int = 0  # inputs that were traced again, members and neighbours outside
        self.disagreements: list[dict[str, int]] = []
        self.observed: str = ""  # why the answer is observed rather than proved

    # -- questions -----------------------------------------------------------------------------------------------------

    @property
    def proved(self) -> bool:
        """Whether every input is settled, by the rules of every operator on its way."""
        return not (self.unsettled or self.observed or self.disagreements)

    @property
    def empty(self) -> bool:
        return next(self._members(self.blocks, dict.fromkeys(self.letters, 1)), None) is None

    def contains(self, **sizes: int) -> bool:
        """Whether the model takes an input of these sizes; an axis that is not named may then have any size."""
        self._known(sizes)
        rest = [letter for letter in self.letters if letter not in sizes]
        if not rest:
            return self.holds(sizes)
        found = [part for block in self.blocks for part in self._put(block, sizes)]
        return not without([everywhere(rest)], found)

    def holds(self, at: Mapping[str, int]) -> bool:
        """`contains` for sizes of all letters, without asking whether they are sizes."""
        return any(block.contains(self.algebra, at) for block in self.blocks)

    def __contains__(self, sizes: Mapping[str, int]) -> bool:
        return self.contains(**sizes)

    def where(self, **sizes: int) -> SizeSet:
        """The set of the other axes when these are given."""
        self._known(sizes)
        rest = tuple(letter for letter in self.letters if letter not in sizes)
        found = SizeSet(rest, [part for block in self.blocks for part in self._put(block, sizes)], self.algebra)
        found.batch = self.batch if self.batch in rest else ""
        return found

    def nearest(self, **sizes: int) -> dict[str, int] | None:
        """The accepted sizes closest to these: by the largest difference, then by their sum, then the larger. None for an empty set."""
        self._known(sizes)
        aim = {letter: sizes.get(letter, 1) for letter in self.letters}
        found = self._some(aim)

        def distance(at):
            apart = [abs(at[letter] - n) for letter, n in sizes.items()]
            return max(apart, default=0), sum(apart), -sum(at[letter] for letter in sizes)

        return min(found, key=distance, default=None)

    def _some(self, aim: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """Members near ``aim``: of each block the nearest, and where axes are tied as many as are found in time."""
        for block in self.blocks:
            yield from islice(members(self.algebra, block, aim, work=Work(WORK)), 1 if not block.relations else SEARCH)

    def smallest(self) -> dict[str, int] | None:
        """The accepted input of the fewest cells; None for an empty set."""
        aim = dict.fromkeys(self.letters, 1)
        found = self._some(aim)

        def cells(at):
            count = 1
            for n in at.values():
                count *= n
            return count, sorted(at.values())

        return min(found, key=cells, default=None)

    def square(self) -> Numbers:
        """The sizes that all axes but the batch may have at once."""
        equal = [letter for letter in self.letters if letter != self.batch]
        if not equal:
            return NOTHING
        found = NOTHING
        for block in self.blocks:
            numbers = ANY
            for letter in equal:
                numbers = numbers & block.axes[letter]
            blocks = [Block({equal[0]: numbers, **({self.batch: block.axes[self.batch]} if self.batch in block.axes else {})})]
            for relation in block.relations:
                form = self.algebra.renamed(relation.form, dict.fromkeys(equal, equal[0]))
                blocks = [part for b in blocks for part in within(self.algebra, b, relation.relation, form)]
            for b in blocks:
                if b.relations:  # no closed form: size by size
                    found |= Numbers.of(n for n in islice(b.axes[equal[0]], SEARCH) if self._put(b, {equal[0]: n}))
                else:
                    found |= b.axes[equal[0]]
        return found

    def __iter__(self) -> Iterator[dict[str, int]]:
        """Every accepted input once, those whose largest axis is smallest first; endless where the set is."""
        done = 0
        while True:
            tops = [n for block in self.blocks for numbers in block.axes.values() if (n := numbers.first(done + 1)) is not None]
            if not tops:
                return
            done = min(tops)
            shell = [b for block in self.blocks if (b := self._up_to(block, done))]
            seen = set()
            for at in self._members(shell, dict.fromkeys(self.letters, 1)):
                key = tuple(at.values())
                if max(key) == done and key not in seen:
                    seen.add(key)
                    yield at

    def _up_to(self, block: Block, top: int) -> Block | None:
        axes = {letter: numbers & Numbers.between(1, top) for letter, numbers in block.axes.items()}
        return None if any(n.empty for n in axes.values()) else block._replace(axes=axes)

    def _members(self, blocks: list[Block], aim) -> Iterator[dict[str, int]]:
        return (at for block in blocks for at in members(self.algebra, block, aim))

    def _put(self, block: Block, sizes: Mapping[str, int]) -> list[Block]:
        """The block with some axes given their sizes: what is left of the others (one block without axes: everything is given and fits)."""
        if not all(n in block.axes[letter] for letter, n in sizes.items()):
            return []
        blocks = [Block({letter: numbers for letter, numbers in block.axes.items() if letter not in sizes})]
        for relation in block.relations:
            form = self.algebra.put(relation.form, sizes)
            blocks = [part for b in blocks for part in within(self.algebra, b, relation.relation, form)]
        return blocks

    def _known(self, sizes: Mapping[str, int]) -> None:
        for letter, n in sizes.items():
            if letter not in self.letters:
                raise WhyshapeError(f"{letter} is no free axis here; free are {', '.join(self.letters)}")
            if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n < 2**63:
                raise WhyshapeError(f"{letter} must be a whole number from 1 to 2^63 - 1, {n!r} arrived")

    # -- words ---------------------------------------------------------------------------------------------------------

    def text(self, relation: Relation) -> str:
        """A relation as it is printed: ``floor(H/4) = floor(W/4)``."""
        letters = " and ".join(sorted(letters_of(relation.form)))
        return self.short(relation) or f"a condition that ties {letters}, which has no short form"

    def short(self, relation: Relation) -> str:
        """The same where it has a short form; empty otherwise."""
        assert isinstance(relation.form, Poly)  # what one axis decides alone stands in that axis' set
        found = condition(self.simplifier, relation.relation, relation.form)
        if found is None:
            return ""
        left, sign, right = found
        return f"{Formula(left).names()} {SIGNS[sign]} {Formula(right).names()}"

    def sentence(self, block: Block) -> str:
        """One block in words."""
        told: dict[str, list[str]] = {}
        for letter, numbers in block.axes.items():
            if not numbers.everything:
                told.setdefault(words(numbers), []).append(letter)
        parts = [f"{_and(letters)} {text}" for text, letters in told.items()]
        if block.relations:
            parts.append(("with " if parts else "all sizes with ") + " and ".join(self.text(r) for r in block.relations))
        return ", ".join(parts) or _any(block)

    def __str__(self):
        lines: list[str] = []
        if self.empty:
            lines.append("none found yet" if self.unsettled else f"no size fits{': ' + self.excluded if self.excluded else ''}")
        else:
            lines.append(self.told())
            free = [letter for letter in self.letters if all(b.axes[letter].everything and not _ties(b, letter) for b in self.blocks)]
            if free and len(free) < len(self.letters):
                lines.append(f"{_and(free)}: any size")
        lines += [
            f"up to {limit:,} along {letter}: beyond, rounding has no pattern that could be proved" for letter, limit in self.limits.items()
        ]
        if self.unsettled:
            lines.append(
                "not settled: " + "; or ".join(self.sentence(b) for b in self.unsettled[:4]) + (", ..." if len(self.unsettled) > 4 else "")
            )
        lines += self.notes
        lines.append(self.evidence)
        return "\n".join(line for line in lines if line)

    __repr__ = __str__

    def told(self) -> str:
        """All blocks in words; where they are many, the first of a set that ends, the demands of a path that leads to all of one that does not."""
        sentences = self._sentences()
        if len(sentences) <= MANY:
            return "; or ".join(sentences)
        if (pairs := self._pairs()) is not None:
            return pairs
        ends = all(not b.relations and all(n.everything or not n.endless for n in b.axes.values()) for b in self.blocks)
        if self.constraints and not ends:
            return ", and ".join(c.text for c in self.constraints)
        return "; or ".join([*sentences[:MANY], f"{len(sentences) - MANY} more blocks (see `.blocks`)"])

    def _sentences(self) -> list[str]:
        """The blocks in words, the simplest first; one that is another with two axes swapped is told with it."""
        left, told = list(self.blocks), []
        while left:
            block = left.pop(0)
            text = self.sentence(block)
            for a, b in ((a, b) for a in self.letters for b in self.letters if a < b and not block.relations):
                if block.axes[a] == block.axes[b]:
                    continue
                swapped = {**block.axes, a: block.axes[b], b: block.axes[a]}
                twin = next((o for o in left if not o.relations and o.axes == swapped), None)
                if twin:
                    left.remove(twin)
                    text = f"{text}, either way round"
                    break
            told.append(text)
        return told

    def _pairs(self) -> str | None:
        """A set of single sizes of two axes as its members, the square ones first; None of any other set."""
        axes = [letter for letter in self.letters if not all(b.axes[letter].everything for b in self.blocks)]
        if len(axes) != 2 or any(b.relations or not all(not n.endless and len(n) == 1 for n in map(b.axes.get, axes)) for b in self.blocks):
            return None
        pairs = {tuple(b.axes[letter].first() for letter in axes): None for b in self.blocks}  # in the order of the blocks
        both = [p for p in pairs if p[0] < p[1] and p[::-1] in pairs]
        groups = [[p for p in pairs if p[0] == p[1]], both, [p for p in pairs if p[::-1] not in pairs]]
        told, room = [], MANY
        for group, how in zip(groups, ("", ", either way round", "")):
            if group[:room]:
                told.append(", ".join(f"{a} x {b}" for a, b in group[:room]) + how)
            room = max(0, room - len(group))
        more = sum(map(len, groups)) - MANY
        return f"{' x '.join(axes)}: {'; or '.join(told)}" + (f"; and {more} more" if more > 0 else "")

    @property
    def evidence(self) -> str:
        """How we know: proved or observed, and how many inputs were run again."""
        if self.disagreements:
            at = ", ".join(f"{letter}={n}" for letter, n in self.disagreements[0].items())
            apart = f"of {self.checked} inputs run again {len(self.disagreements)} disagree, as {at}"
            return f"observed, not proved: {self.observed}; {apart}" if self.observed else f"observed, not proved: {apart}"
        ran = f"{self.checked} inputs run again, members and neighbours outside: all agree" if self.checked else ""
        if self.observed:
            return f"observed, not proved: {self.observed}" + (f"; {ran}" if ran else "")
        if self.unsettled:
            return "the rest is proved" + (f"; {ran}" if ran else "")
        return "proved" + (f"; {ran}" if ran else "")

    def to_dict(self) -> dict[str, Any]:
        """The answer as data for `json.dumps`; see the schema ``whyshape.accepts.v1``."""
        block = lambda b: {
            "axes": {letter: numbers.to_dict() for letter, numbers in b.axes.items()},
            "relations": [self.text(r) for r in b.relations],
            "text": self.sentence(b),
        }
        return {
            "schema": SCHEMA,
            "inputs": [list(shape) for shape in self.shapes],
            "letters": list(self.letters),
            "blocks": [block(b) for b in self.blocks],
            "empty": self.excluded or None if self.empty else None,
            "smallest": self.smallest(),
            "proved": self.proved,
            "observed": self.observed or None,
            "unsettled": [block(b) for b in self.unsettled],
            "limits": dict(self.limits),
            "checked": {"count": self.checked, "disagree": list(self.disagreements)},
            "constraints": [c.to_dict() for c in self.constraints],
            "notes": list(self.notes),
            "text": str(self),
        }

    def to_json(self, **kwargs) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), **kwargs)


def _and(letters: list[str]) -> str:
    return letters[0] if len(letters) == 1 else f"{', '.join(letters[:-1])} and {letters[-1]}"


def _any(block: Block) -> str:
    """A block that demands nothing; its one axis by name, unless everybody knows that one is a picture's size."""
    letter = next(iter(block.axes)) if len(block.axes) == 1 else "H"
    return "any size" if letter in ("H", "W") else f"any {letter}"


def _simplest(block: Block):
    """Where a block stands among others: those whose axes are alike first, then by their sizes."""
    return len(set(block.axes.values())), [n.first() or 0 for n in block.axes.values()]


def _ties(block: Block, letter: str) -> bool:
    return any(letter in letters_of(r.form) for r in block.relations)


__all__ = ["SCHEMA", "SizeSet"]
