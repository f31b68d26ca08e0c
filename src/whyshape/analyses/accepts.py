"""The exact set of inputs a model takes.

The model is traced at one input; the demands and branches met on the way, as functions of the free axes, say for which other inputs the
same happens. Where they say nothing, the model is traced again at an input from there, until every input is settled.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from whyshape.analyses.constraints import constraints, meeting, notes, who
from whyshape.analyses.held import Expected
from whyshape.analyses.paths import Path, at_line, cell, narrowed, path
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Run
from whyshape.sizes import Lost
from whyshape.sizes.algebra import Algebra
from whyshape.sizes.blocks import Block, Work, member, without
from whyshape.sizes.conditions import everywhere
from whyshape.sizes.sets import ANY, Numbers
from whyshape.sizes.sizeset import SizeSet

# Sizes people use, tried in this order: what a model is likely to have been written for.
LIKELY = (224, 32, 28, 64, 256, 299, 512, 128, 384, 96, 160, 192, 320, 448, 16, 48, 1024, 8, 80, 112, 640, 4, 2, 1)
LIKELY_LENGTHS = (16, 128, 512, 64, 10, 32, 1000, 16000, 1024, 4096, 8, 4, 2, 1)
SEARCH = 3000  # relations looked at in search of one more input of what is still open
LARGEST = 1 << 24  # of a size that a model is run at
SHATTERED = 128  # blocks after which no further input is tried: what is still open falls into ever more of them
BLIND = 24  # inputs tried where the reason of a refusal cannot be seen


def accepts(run: Graph | Any, input_size, *, checks: int = 8, most: int = 96, seed: int = 0) -> SizeSet:
    """The exact set of inputs for which the model runs to its end, over the letters of ``input_size``.

    ``run`` reads the model at given sizes (`readers.again.again`), or is one graph, which then stands for the model.
    ``input_size``: a shape such as ``("N", 1, "H", "W")``, or a list of shapes. ``checks``: how many inputs are run again at the end.
    Raises `WhyshapeError` where no axis is free or a size is none.

    >>> from whyshape.readers.again import again
    >>> shape = (1, 1, "H", "W")
    >>> accepts(again("conv 10 5 > pool 2 > conv 20 5 > pool 2 > flatten > Linear(320, 50)", [shape]), shape)
    H and W 28..31; or H 16..19, W 76..79, either way round; or H 20..23, W 44..47, either way round
    proved; 8 inputs run again, members and neighbours outside: all agree
    """
    shapes = shapes_of(input_size)
    letters = tuple(dict.fromkeys(n for shape in shapes for n in shape if isinstance(n, str)))
    if not letters:
        raise WhyshapeError("no axis is free: write a letter where any size may stand, as --input N,3,H,W, or ('N', 3, 'H', 'W') in Python")
    if isinstance(run, Graph):
        run = _Frozen(lettered(run, shapes))
    with getattr(run, "held", nullcontext)():
        return _Search(run, shapes, letters, most).answer(checks, random.Random(seed))


def explored(run, letters: tuple[str, ...], likely: Mapping[str, int], checks: int = 4) -> SizeSet:
    """The same for letters that stand elsewhere than in an input's shape; ``likely``: what each is tried with first."""
    return _Search(run, (), letters, 96, likely).answer(checks, random.Random(0))


def shapes_of(input_size) -> tuple[tuple, ...]:
    """The shapes of one input or several, every size checked."""
    if not isinstance(input_size, (tuple, list)) or not input_size:
        raise WhyshapeError(f"input_size is a shape like (1, 3, 'H', 'W'), {input_size!r} arrived")
    shapes = (tuple(input_size),) if all(isinstance(n, (int, str)) for n in input_size) else tuple(tuple(s) for s in input_size)
    for n in (n for shape in shapes for n in shape):
        if isinstance(n, str) and not n.isidentifier():
            raise WhyshapeError(f"{n!r} cannot stand for a free axis: write a letter or a name, as H")
        if not isinstance(n, (int, str)) or isinstance(n, bool) or (isinstance(n, int) and not 0 <= n < 2**63):
            raise WhyshapeError(f"a size is a whole number from 0 to 2^63 - 1 or a letter, {n!r} arrived")
    return shapes


def lettered(graph: Graph, shapes: tuple[tuple, ...]) -> Graph:
    """The graph with its inputs' free axes named as in ``shapes``."""
    if len(shapes) != len(graph.inputs) or any(len(s) != len(graph.tensors[i].shape) for s, i in zip(shapes, graph.inputs)):
        raise WhyshapeError(f"the graph has inputs {[tuple(graph.tensors[i].shape) for i in graph.inputs]}, {list(shapes)} were given")
    tensors = list(graph.tensors)
    for shape, i in zip(shapes, graph.inputs):
        tensors[i] = tensors[i]._replace(axes=tuple(n if isinstance(n, str) else "" for n in shape))
    return graph._replace(tensors=tuple(tensors))


class _Frozen:
    """A graph that stands for its model: at other sizes its rules are asked again."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def __call__(self, at: Mapping[str, int]) -> Graph:
        return self.graph

    def followed(self, inputs: Sequence[Mapping[str, int]]) -> list[Run]:
        ways = [path(self.graph, at) for at in inputs]
        return [Run(way.finished and all(d.cond.holds for d in (*way.needs, *way.branches))) for way in ways]


class _Search:
    """The inputs settled so far, and those still open."""

    def __init__(self, run, shapes, letters, most, likely: Mapping[str, int] | None = None, one_by_one: bool = False):
        self.likely = dict(likely or {})
        self.one_by_one = one_by_one  # a run whose steps cannot all be seen says nothing of any other input
        self.run, self.shapes, self.letters, self.most = run, shapes, letters, most
        self.batch = next((s[0] for s in shapes if len(s) > 1 and isinstance(s[0], str)), "")
        self.ranks = {n: len(s) for s in shapes for n in s if isinstance(n, str)}
        self.algebra = Algebra()
        self.open: list[Block] = [everywhere(letters)]
        self.accepted: list[Block] = []
        self.best: Path | None = None  # the path of the first accepted cell, whose demands are the constraints
        self.refused: list[Path] = []
        self.ways: list[Way] = []
        self.blind = ""
        self.traced = 0
        self.limits: dict[str, int] = {}

    def answer(self, checks: int, chance: random.Random) -> SizeSet:
        self.explore()
        found = SizeSet(self.letters, self.solvable(self.accepted), self.algebra, self.shapes, self.batch)
        found.unsettled, found.limits, found.observed = self.open, dict(self.limits), self.blind
        if self.best is None:
            found.excluded = self.excluded()
        else:
            found.constraints = tuple(constraints(found, self.best))
            ended = [(way.path, self.solvable(way.accepted)) for way in self.ways if way.accepted]
            found.notes = [*getattr(self.run, "notes", ()), *notes(found, ended)]
        if self.open:
            found.notes += self.tried_one_by_one()
        self.check(found, checks, chance)
        found.observed = found.observed or getattr(self.run, "blind", "")
        if self.blind and found.disagreements and not self.one_by_one:  # what was not seen decides
            return _Search(self.run, self.shapes, self.letters, self.most, self.likely, one_by_one=True).answer(checks, chance)
        return found

    def tried_one_by_one(self) -> list[str]:
        """Why sizes are left open: the line at which Python makes a plain number of one."""
        lost = next((d.cond for way in self.ways for d in way.path.branches if isinstance(d.cond, Lost)), None)
        if lost is None:
            return []
        return [f"a size becomes a plain number in the model's own code{at_line(lost.file, lost.line)}: every size there had to be tried"]

    def explore(self) -> None:
        tried = 0
        while (
            self.open and self.traced < self.most and (tried < BLIND or self.one_by_one) and len(self.open) + len(self.accepted) < SHATTERED
        ):
            at = self.sample(tried)
            if at is None:
                break
            self.traced += 1
            here = path(self.run(at), at)
            part = cell(self.algebra, here, [everywhere(self.letters)])
            self.limit()
            if here.blind and not self.blind:
                self.blind = here.blind
            only_here = [Block({letter: Numbers.of([n]) for letter, n in at.items()})]
            if here.blind and here.finished and self.one_by_one:
                self.accepted, self.open = self.accepted + only_here, without(self.open, only_here)
                self.best = self.best or here
                self.ways.append(Way(here, at, only_here))
                continue
            if here.blind and not here.finished and here.failing is None:  # refused, and we cannot see for which others too
                self.open, tried = without(self.open, only_here), tried + 1
                continue
            fresh = part.accepted if not self.accepted and not tried else self.common(self.open, part.accepted)
            self.accepted += fresh
            if part.accepted and self.best is None:
                self.best = here
            self.ways.append(Way(here, at, part.accepted))
            if here.problem:
                self.refused.append(here)
            later = self.common(self.open, part.open) if part.open else []
            self.open = self.solvable(later + without(self.open, part.taken))
            if any(b.contains(self.algebra, at) for b in self.open):  # what was met here does not hold here: history was lost
                self.blind = self.blind or "the model's code looks at sizes where their history is lost"
                self.open = without(self.open, only_here)

    def common(self, blocks: list[Block], others: list[Block]) -> list[Block]:
        """What is in both unions."""
        found = []
        for a in blocks:
            for b in others:
                part: Block | None = a
                for letter, numbers in b.axes.items():
                    part = part.narrowed(letter, numbers) if part else None
                for relation in b.relations:
                    part = part.tied(*relation) if part else None
                if part:
                    found.append(part)
        return found

    def solvable(self, blocks: list[Block]) -> list[Block]:
        """The blocks without those that are empty; a relation that a block's sets decide is taken apart again."""
        found = []
        for block in blocks:
            parts = [block._replace(relations=())] if block.relations else [block]
            for relation in block.relations:
                parts = narrowed(self.algebra, parts, relation.relation, relation.form)
            found += parts
        return found

    def limit(self) -> None:
        """Letters with a function that was tabulated only: nothing is said beyond."""
        if self.algebra.limits != self.limits:
            self.limits = dict(self.algebra.limits)
            inside = Block({letter: Numbers.between(1, self.limits[letter]) if letter in self.limits else ANY for letter in self.letters})
            self.open, self.accepted = self.common(self.open, [inside]), self.common(self.accepted, [inside])

    def wishes(self) -> Iterator[dict[str, int]]:
        """Inputs people use, the likeliest first."""
        lengths = max(self.ranks.values(), default=4) < 4
        grey = any(len(s) > 3 and s[-3] == 1 for s in self.shapes)  # one channel: most likely digits, 28 x 28
        for i, n in enumerate(LIKELY_LENGTHS if lengths else (28, *LIKELY) if grey else LIKELY):
            yield {letter: 2 if letter == self.batch else self.likely.get(letter, n) + (i if self.likely else 0) for letter in self.letters}

    def sample(self, skip: int) -> dict[str, int] | None:
        """An open input, if possible one that people use."""
        wishes = list(self.wishes())[min(skip, BLIND - 1) % len(LIKELY_LENGTHS) :]
        if self.one_by_one:
            wishes += [{letter: 2 if letter == self.batch else n for letter in self.letters} for n in range(1, self.most)]
        for wish in wishes:
            if any(b.contains(self.algebra, wish) for b in self.open):
                return wish
        work = Work(SEARCH)
        for block in self.open:
            at = member(self.algebra, block, wishes[0], work)
            if at is not None and max(at.values()) <= LARGEST:
                return at
        return None

    def excluded(self) -> str:
        """Of an empty answer: the two demands that exclude each other, or the one that nothing meets."""
        for here in self.refused:
            told = meeting(self.algebra, here, self.letters)
            if told:
                return told
        problem = self.refused[-1].problem if self.refused else None
        if problem is None:
            return ""
        return f"{who(problem)} refuses every size{' that reaches it' if len(self.refused) > 1 else ''}: {problem.sentence}"

    def check(self, found: SizeSet, checks: int, chance: random.Random) -> None:
        """Run members and neighbours just outside, and compare."""
        inputs = suspects(found, checks, chance, self.ways)
        expected = [Expected(way.path) for way in self.ways] if not found.observed else []
        apart = lambda at, run: next((told for e in expected if (told := e.differs(at, run))), "")
        for at, run in zip(inputs, self.run.followed(inputs)):
            found.checked += 1
            lost = apart(at, run)
            if lost or run.ok != found.holds(at):  # is it so without what the runs before left in the model?
                (run,) = self.run.followed([at])
                lost = apart(at, run)
            if run.ok != found.holds(at):
                found.disagreements.append(at)
            found.observed = found.observed or lost


class Way(NamedTuple):
    """A path, the input it was found at, and the inputs that take it to its end."""

    path: Path
    at: dict[str, int]
    accepted: list[Block]


def suspects(found: SizeSet, count: int, chance: random.Random, ways: Sequence[Way] = ()) -> list[dict[str, int]]:
    """Inputs worth running again: of every way one that is another on each axis, members at the ends and in the middle of blocks, and
    their neighbours outside."""
    chosen: dict[bool, dict[tuple, dict[str, int]]] = {True: {}, False: {}}  # members, and inputs outside
    members, outside = chosen[True], chosen[False]

    def add(at, inside):
        at = {letter: max(1, min(n, found.limits.get(letter, n))) for letter, n in at.items()}
        key = tuple(at.values())
        if key not in chosen[inside] and max(key) < 1 << 20 and found.holds(at) == inside and not _open(found, at):
            chosen[inside][key] = at

    for way in ways:
        at = _another(found, way, chance)
        if at is not None:
            add(at, True)
    wanted = max((count + 1) // 2, len(members))
    count = max(count, len(members) + count // 2)
    blocks = list(found.blocks)
    chance.shuffle(blocks)
    for block in blocks:
        if len(members) + len(outside) >= count:
            break
        low = member(found.algebra, block, dict.fromkeys(found.letters, 1), Work(SEARCH))
        some = member(found.algebra, block, _anywhere(found, chance), Work(SEARCH))
        for at in (low, some):
            if at is None:
                continue
            add(at, True)
            for letter in found.letters:
                above = (~block.axes[letter]).first(at[letter])
                for n in (at[letter] - 1, at[letter] + 1, above):
                    if n and n >= 1:
                        add({**at, letter: n}, False)
    for turn in range(count):
        if len(members) >= wanted and len(members) + len(outside) >= count:
            break
        add(_anywhere(found, chance), False)
        if blocks and (at := member(found.algebra, blocks[turn % len(blocks)], _anywhere(found, chance), Work(SEARCH))):
            add(at, True)
    picked = list(members.values())[:wanted]
    return picked + list(outside.values())[: count - len(picked)]


def _another(found: SizeSet, way: Way, chance: random.Random) -> dict[str, int] | None:
    """An input on that way that is no size of its first input again, where there is one: a size that lost its history would show."""
    letters = list(way.at)
    for kept in ([], *([letter] for letter in letters if len(letters) > 1), letters[1:] if len(letters) > 2 else []):
        for block in way.accepted:
            part: Block | None = block
            for letter in letters:
                if letter not in kept and part:
                    part = part.narrowed(letter, ~Numbers.of([way.at[letter]]))
            aim = {letter: round(2 ** chance.uniform(0, 3 if letter == found.batch else 11)) for letter in letters}
            at = member(found.algebra, part, aim, Work(SEARCH)) if part else None
            if at is not None:
                return at
    return None


def _anywhere(found: SizeSet, chance: random.Random) -> dict[str, int]:
    return {letter: chance.randint(1, 4 if letter == found.batch else 300) for letter in found.letters}


def _open(found: SizeSet, at: Mapping[str, int]) -> bool:
    return any(b.contains(found.algebra, at) for b in found.unsettled)


__all__ = ["accepts", "explored", "lettered", "shapes_of", "suspects"]
