"""Which settings of a layer take a size to a size: all of them in stated ranges, the conventional ones first.

Nothing is solved backwards: every combination is put to the operator's own rule, so what is printed is what PyTorch does.
"""

from __future__ import annotations

import heapq
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count, product
from math import gcd
from operator import index
from typing import Any, NamedTuple

from whyshape.analyses.settings import RANGES, Setting, like_keras
from whyshape.analyses.solve_keras import InKeras, for_all, sentences
from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.sizes.sets import ANY, Numbers, words

SCHEMA = "whyshape.solve.v1"
LARGEST = 1 << 20  # combinations looked at
WIDTH = 80  # columns of a line


class Question(NamedTuple):
    """What is asked: the sizes that come in, the ratio or the size that is wanted, and in how many layers."""

    source: int
    target: int
    sizes: Numbers | None = None  # for every one of these, in the same ratio (or, with ``to``, the same target)
    layers: int = 1
    to: bool = False

    @property
    def whole(self) -> int:
        """The ratio's lower half: sizes it divides come out whole."""
        return self.source // gcd(self.source, self.target)


def parse(text: str) -> Question:
    """A question in words.

    >>> parse("28 -> 14"), parse("224 -> 7 in 5 layers").layers
    (Question(source=28, target=14, sizes=None, layers=1, to=False), 5)
    >>> parse("224 -> 112 for every even size").sizes, parse("28..31 -> 14").sizes
    (multiples of 2, 28..31)
    """
    pattern = r"\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*(?:->|→|to)\s*(\d+)\s*(?:in\s+(\d{1,3})\s+layers?)?\s*(?:for\s+every\s+(.+?))?\s*"
    found = re.fullmatch(pattern, text)
    if not found:
        raise WhyshapeError(f"{text!r} is not read; write 28 -> 14, 28..31 -> 14, 224 -> 7 in 5 layers, or 224 -> 112 for every even size")
    low, high, target, layers, every = found.groups()
    for digits in (low, high or "1", target):
        if len(digits) > 19 or int(digits) >= 2**63:
            shown = digits if len(digits) < 40 else f"a number of {len(digits)} digits"
            raise WhyshapeError(f"a size is a whole number from 1 to 2^63 - 1, {shown} arrived")
    sizes = _sizes(every) if every else None
    if high is not None:
        if int(high) < int(low):
            raise WhyshapeError(f"the range {low}..{high} is empty: its end comes before its start")
        sizes = Numbers.between(int(low), int(high))
    if min(int(low), int(target)) < 1:
        raise WhyshapeError("sizes are at least 1")
    return Question(int(low), int(target), sizes, int(layers or 1), high is not None)


def _sizes(text: str) -> Numbers:
    if text in ("size", "even size", "odd size"):
        return {"size": ANY, "even size": Numbers.residues([0], 2), "odd size": Numbers.residues([1], 2)}[text]
    found = re.fullmatch(r"multiple of (\d{1,6})", text)
    if found and int(found[1]):
        return Numbers.residues([0], int(found[1]))
    found = re.fullmatch(r"size from (\d{1,18}) to (\d{1,18})", text)
    if found and int(found[1]) <= int(found[2]):
        return Numbers.between(int(found[1]), int(found[2]))
    raise WhyshapeError(
        f"'every {text}' is not read; write every size, every even size, every odd size, every multiple of 4, every size from 28 to 31"
    )


class Solution(NamedTuple):
    """Layers that take the size there, one after another, with the sum of each; ``start``: from which size on it holds for all asked."""

    layers: tuple[Setting, ...]
    sizes: tuple[int, ...]
    start: int | None = None

    @property
    def formulas(self) -> tuple[str, ...]:
        return tuple(layer.formula(n) for layer, n in zip(self.layers, self.sizes))

    @property
    def told(self) -> str:
        """The sum of one layer, the sizes along several, and from where on they hold."""
        told = "   ".join(self.formulas) if len(self.layers) == 1 else " -> ".join(map(str, self.sizes))
        return told + (f"   from {self.start} up" if self.start and self.start > 1 else "")

    def __str__(self):
        return f"{' > '.join(map(str, self.layers))}   {self.told}"

    def lines(self) -> list[str]:
        """The same in lines of a screen: where one is too long, every layer in its own, then the sizes."""
        if len(str(self)) + 2 <= WIDTH:
            return [f"  {self}"]
        *layers, last = map(str, self.layers)
        return [line for part in (*(f"{layer} >" for layer in layers), last, f"  {self.told}") for line in _wrapped(f"  {part}", "      ")]


def _wrapped(line: str, indent: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


class Solutions(Sequence[Solution]):
    """All settings that answer a question, the conventional first; of stacks the first ones, and how many there are."""

    def __init__(self, question: Question, found: list[Solution], total: int, ranges: dict[str, dict[str, Sequence[int]]], same: str = ""):
        self.question, self.found, self.total, self.ranges, self.same = question, found, total, ranges, same

    def __getitem__(self, i):
        return self.found[i]

    def __len__(self):
        return len(self.found)

    def __str__(self):
        return self.text()

    def keras(self, i: int = 0) -> list[InKeras]:
        """An answer in Keras' words: each of its layers, for every size that was asked."""
        q, one = self.question, self.found[i]
        if q.sizes is None or self.same:
            return [for_all(layer, n) for layer, n in zip(one.layers, one.sizes)]
        sizes = q.sizes if q.to else q.sizes & Numbers.residues([0], q.whole) & Numbers.between(one.start or 1)
        return [for_all(layer, n, sizes) for layer, n in zip(one.layers, one.sizes)]

    def _told(self, i: int, keras: bool) -> list[str]:
        """The lines of an answer; the first one's in Keras' words too, and with ``keras`` every one's."""
        one = self.found[i]
        told = sentences(self.keras(i), one.sizes) if keras or not i else []
        return [*one.lines(), *(line for text in told for line in _wrapped(f"    {text}", "      "))]

    def text(self, most: int = 12, keras: bool = False) -> str:
        """The question, how many settings answer it, and the first of them with their sums; ``keras``: each in Keras' words too."""
        q = self.question
        asked = f"{q.source} -> {q.target}" + (f" in {q.layers} layers" if q.layers > 1 else "")
        if q.sizes is not None:
            asked = f"{q.sizes} -> {q.target}" if q.to else f"{asked}, in that ratio for sizes: {q.sizes}"
        ranges = "; ".join(f"{op}: " + ", ".join(f"{k} {_span(v)}" for k, v in named.items()) for op, named in self.ranges.items())
        head = f"{asked}: {self.total:,} {'setting' if self.total == 1 else 'settings'} (searched {ranges})"
        more = [f"... and {self.total - most:,} more"] if self.total > most else []
        return "\n".join([*_wrapped(head, "  "), *(line for i in range(len(self.found[:most])) for line in self._told(i, keras)), *more])

    __repr__ = __str__

    def to_dict(self, keras: bool = False) -> dict[str, Any]:
        """The answer as data for `json.dumps`; ``keras``: every setting in Keras' words too, not only the first."""
        q = self.question
        there = lambda i: {"keras": [layer.to_dict() for layer in self.keras(i)]} if keras or not i else {}
        return {
            "schema": SCHEMA,
            "question": {"from": q.source, "to": q.target, "layers": q.layers, "every": None if q.sizes is None else q.sizes.to_dict()},
            "ranges": {op: {k: list(v) for k, v in named.items()} for op, named in self.ranges.items()},
            "total": self.total,
            "same": self.same or None,
            "solutions": [
                {
                    "layers": [layer._asdict() | {"layer": str(layer), "formula": f} for layer, f in zip(s.layers, s.formulas)],
                    "sizes": list(s.sizes),
                    "start": s.start,
                }
                | there(i)
                for i, s in enumerate(self.found)
            ],
        }

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)


def _span(values: Sequence[int]) -> str:
    return words(Numbers.of(values)) if min(values) > 0 else f"{min(values)}..{max(values)}" if max(values) else "0"


def solve(
    question: str | int, target: int | None = None, *, op: str | Iterable[str] = "conv", same: str = "", most: int = 1000, **ranges
) -> Solutions:
    """All settings of a layer (or short stack) that take a size to a size.

    ``question``: "28 -> 14", "224 -> 112 for every even size", "224 -> 7 in 5 layers"; or two numbers.
    ``op``: conv, pool, transpose, or several. ``kernel_size``, ``stride``, ``padding``, ``dilation``, ``output_padding``,
    ``ceil_mode``: the values to look at, a number or several. ``same="keras"``: settings that give the values of Keras' ``padding="same"``.
    Raises `WhyshapeError` for what cannot be asked.

    >>> print(solve(28, 14, kernel_size=3, padding=(0, 1))[0])
    Conv2d(C_in, C_out, kernel_size=3, stride=2, padding=1)   floor((28 + 2*1 - 1*(3-1) - 1)/2) + 1 = 14
    """
    asked = parse(question) if isinstance(question, str) else Question(_whole("the size", question), _whole("the target", target))
    ops = [op] if isinstance(op, str) else list(op)
    for one in ops:
        if one not in RANGES:
            raise WhyshapeError(f"op is {', '.join(RANGES)}; {one!r} arrived")
    if same not in ("", "keras"):
        raise WhyshapeError(f"same is 'keras' or nothing; {same!r} arrived")
    looked = {one: _ranges(one, ranges, same) for one in ops}
    combinations = sum(_count(named) for named in looked.values())
    if combinations > LARGEST:
        raise WhyshapeError(f"these ranges hold {combinations:,} combinations; at most {LARGEST:,} are looked at")
    settings = [s for one in ops for s in _settings(one, looked[one], same)]
    if asked.layers > 1:
        found, total = _stacks(asked, settings, same, most)
    else:
        found = sorted(_single(asked, settings, same), key=lambda s: (s.start or 1, s.layers[0].cost, s.layers[0][:7]))
        total = len(found)
    return Solutions(asked, found, total, looked, same)


def _whole(what: str, n) -> int:
    number = 0 if isinstance(n, bool) else _index(n)
    if number is None or not 1 <= number < 2**63:
        raise WhyshapeError(f"{what} is a whole number from 1 to 2^63 - 1, {n!r} arrived")
    return number


def _index(n) -> int | None:
    """A whole number of any kind, NumPy's too, as an int; None for anything else."""
    try:
        return index(n)
    except TypeError:
        return None


def _ranges(op: str, given: dict, same: str) -> dict[str, Sequence[int]]:
    known = {name for named in RANGES.values() for name in named}
    for name in given:
        if name not in known:
            raise WhyshapeError(f"{name!r} is no setting; they are {', '.join(sorted(known))}")
    found: dict[str, Sequence[int]] = {}
    for name, usual in RANGES[op].items():
        values = given.get(name, (0,) if same and name == "padding" else usual)
        numbers = [_index(v) for v in (values if isinstance(values, Iterable) else (values,))]
        if not numbers or not all(n is not None and 0 <= n < 2**31 for n in numbers):
            raise WhyshapeError(f"{name} must be whole numbers from 0 up, {given.get(name)!r} arrived")
        found[name] = sorted({n for n in numbers if n is not None})
    return found


def _count(named: dict[str, Sequence[int]]) -> int:
    total = 1
    for values in named.values():
        total *= len(values)
    return total


def _settings(op: str, named: dict[str, Sequence[int]], same: str) -> Iterator[Setting]:
    for values in product(*named.values()):
        numbers: dict[str, Any] = dict(zip(named, values))
        yield Setting(op, **numbers)


def _out(setting: Setting, n: int) -> int | None:
    try:
        return setting.out(n)
    except DoesNotFit:
        return None


def _single(asked: Question, settings: Iterable[Setting], same: str) -> Iterator[Solution]:
    for setting in settings:
        if same:
            if asked.sizes is not None:
                raise WhyshapeError("Keras' same pads by the size that comes in: ask it for one size, as 224 -> 112")
            padded = like_keras(setting, asked.source)
            if padded is not None and _out(padded, asked.source) == asked.target:
                yield Solution((padded,), (asked.source, asked.target))
            continue
        if _out(setting, asked.source) != asked.target:
            continue
        start = None
        if asked.sizes is not None:
            if asked.to:
                if not all(_out(setting, n) == asked.target for n in asked.sizes):
                    continue
            else:
                start = _from(asked, setting)
                if start is None:
                    continue
        yield Solution((setting,), (asked.source, asked.target), start)


def _from(asked: Question, setting: Setting) -> int | None:
    """From which size on the ratio holds for every size asked; None if it fails again and again, or at the very size named."""
    assert asked.sizes is not None
    missing = (asked.sizes & Numbers.residues([0], asked.whole)) - setting.taking((asked.source, asked.target))
    if missing.endless:
        return None
    last = missing.last() or 0
    return last + 1 if last < asked.source else None


def _stacks(asked: Question, settings: list[Setting], same: str, most: int) -> tuple[list[Solution], int]:
    """The first stacks in order of convention, and how many there are in all: exact, without listing them."""
    if asked.sizes is not None:
        raise WhyshapeError("a stack is looked for at one size: ask it as 224 -> 7 in 5 layers")

    @cache
    def steps(n: int) -> tuple[tuple[int, Setting, int], ...]:
        found = []
        for setting in settings:
            one = like_keras(setting, n) if same else setting
            out = _out(one, n) if one is not None else None
            if out is not None and out < 1 << 40:
                found.append((one.cost, one, out))
        return tuple(sorted(set(found)))

    left: list[dict[int, tuple[int, int]]] = [
        {} for _ in range(asked.layers + 1)
    ]  # size -> (ways, least cost) to the target from layer i on
    sizes: list[set[int]] = [{asked.source}]
    for _ in range(asked.layers):
        sizes.append({out for n in sizes[-1] for _, _, out in steps(n)})
        if len(sizes[-1]) > 20_000:
            raise WhyshapeError("these ranges reach too many sizes on the way; narrow them")
    left[asked.layers] = {asked.target: (1, 0)} if asked.target in sizes[-1] else {}
    for i in range(asked.layers - 1, -1, -1):
        for n in sizes[i]:
            ways, least = 0, None
            for cost, _, out in steps(n):
                if out in left[i + 1]:
                    more, rest = left[i + 1][out]
                    ways, least = ways + more, cost + rest if least is None else min(least, cost + rest)
            if ways:
                left[i][n] = (ways, least)  # type: ignore[assignment]
    if asked.source not in left[0]:
        return [], 0
    found: list[Solution] = []
    order = count()
    heap: list[tuple[int, int, int, tuple[int, ...], tuple[Setting, ...]]] = [
        (left[0][asked.source][1], next(order), 0, (asked.source,), ())
    ]
    while heap and len(found) < min(most, 200):
        least, _, spent, path, layers = heapq.heappop(heap)
        if len(layers) == asked.layers:
            found.append(Solution(layers, path))
            continue
        for cost, setting, out in steps(path[-1]):
            ahead = left[len(layers) + 1].get(out)
            if ahead:
                heapq.heappush(heap, (spent + cost + ahead[1], next(order), spent + cost, (*path, out), (*layers, setting)))
    return found, left[0][asked.source][0]


__all__ = ["RANGES", "Question", "Setting", "Solution", "Solutions", "like_keras", "parse", "solve"]
