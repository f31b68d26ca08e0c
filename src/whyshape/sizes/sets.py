"""Exact sets of sizes: whole numbers from 1 up that repeat with a period from some point on, finite or not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from math import lcm
from typing import NamedTuple

FEW = 512  # runs of neighbours that are written down one by one


class Numbers:
    """A set of whole numbers from 1 up: from each ``start`` on, those whose remainder mod ``modulus`` has its bit in ``mask``.

    >>> Numbers.between(28, 31) | Numbers.between(44, 47)
    28..31 or 44..47
    >>> Numbers.residues({0}, 32) & Numbers.between(64)
    multiples of 32, at least 64
    >>> ~Numbers.between(1, 4)
    at least 5
    """

    __slots__ = ("modulus", "pieces")

    def __init__(self, modulus: int, pieces: Iterable[tuple[int, int]]):
        merged: list[tuple[int, int]] = []
        for start, mask in pieces:
            if merged and merged[-1][0] == start:
                merged.pop()
            if not merged or merged[-1][1] != mask:
                merged.append((start, mask))
        self.modulus, self.pieces = _smaller_modulus(modulus, merged)

    @classmethod
    def between(cls, low: int, high: int | None = None) -> Numbers:
        """All numbers from ``low`` to ``high`` (without end, if None)."""
        low = max(low, 1)
        if high is not None and high < low:
            return NOTHING
        return cls(1, [(1, 0), (low, 1)] + ([] if high is None else [(high + 1, 0)]))

    @classmethod
    def residues(cls, remainders: Iterable[int], modulus: int) -> Numbers:
        """The numbers whose remainder mod ``modulus`` is one of those."""
        mask = 0
        for r in remainders:
            mask |= 1 << r % modulus
        return cls(modulus, [(1, mask)])

    @classmethod
    def of(cls, members: Iterable[int]) -> Numbers:
        """Exactly these numbers."""
        pieces = [(1, 0)]
        for n in sorted(set(members)):
            if n >= 1:
                pieces += [(n, 1), (n + 1, 0)]
        return cls(1, pieces)

    def _masks(self, modulus: int) -> list[tuple[int, int]]:
        if modulus == self.modulus:
            return self.pieces
        return [(start, _repeated(mask, self.modulus, modulus)) for start, mask in self.pieces]

    def _with(self, other: Numbers, combine) -> Numbers:
        modulus, pieces = self._combined(other, combine)
        return Numbers(modulus, pieces)

    def _combined(self, other: Numbers, combine) -> tuple[int, list[tuple[int, int]]]:
        modulus = self.modulus if self.modulus == other.modulus else lcm(self.modulus, other.modulus)
        a, b, i, j, pieces = self._masks(modulus), other._masks(modulus), 0, 0, []
        ends_a, ends_b = len(a) - 1, len(b) - 1
        while True:
            (start_a, mask_a), (start_b, mask_b) = a[i], b[j]
            pieces.append((start_a if start_a > start_b else start_b, combine(mask_a, mask_b)))
            if i == ends_a and j == ends_b:
                return modulus, pieces
            next_a = a[i + 1][0] if i < ends_a else None
            next_b = b[j + 1][0] if j < ends_b else None
            if next_b is None or (next_a is not None and next_a <= next_b):
                i += 1
            if next_a is None or (next_b is not None and next_b <= next_a):
                j += 1

    def __and__(self, other: Numbers) -> Numbers:
        if self is other or other.everything:
            return self
        return other if self.everything else self._with(other, int.__and__)

    def __or__(self, other: Numbers) -> Numbers:
        return self if self is other else self._with(other, int.__or__)

    def __sub__(self, other: Numbers) -> Numbers:
        return self._with(other, lambda a, b: a & ~b)

    def __invert__(self) -> Numbers:
        full = (1 << self.modulus) - 1
        return Numbers(self.modulus, [(start, mask ^ full) for start, mask in self.pieces])

    def __contains__(self, n: int) -> bool:
        if n < 1:
            return False
        return bool(self.pieces[self._piece(n)][1] >> n % self.modulus & 1)

    def _piece(self, n: int) -> int:
        """Which piece speaks of ``n``: the last that starts at or before it."""
        return bisect_left(self.pieces, (n + 1,)) - 1  # a pair is larger than its first number alone

    def __le__(self, other: Numbers) -> bool:
        if self is other or other.everything:
            return True
        if other.modulus == 1 and len(other.pieces) == 2 and other.pieces[1][1]:  # "at least": the usual demand
            first = self.first()
            return first is None or first >= other.pieces[1][0]
        if self.pieces[-1][1] and not other.pieces[-1][1]:  # no end is never inside an end
            return False
        if (first := self.first()) is not None and first not in other:
            return False
        return _holds_none(*self._combined(other, lambda a, b: a & ~b))

    def __eq__(self, other):
        if isinstance(other, Numbers) and self.modulus == other.modulus == 1:  # without remainders a set is written in one way only
            return self.pieces == other.pieces
        if not isinstance(other, Numbers):
            return False
        if self is other or any((n in self) != (n in other) for n in range(1, 9)):  # most that differ do so at once
            return self is other
        ends = [_smaller_modulus(n.modulus, n.pieces[-1:]) for n in (self, other)]  # what repeats is written in one way only
        if ends[0][0] != ends[1][0] or ends[0][1][0][1] != ends[1][1][0][1]:
            return False
        return _holds_none(*self._combined(other, int.__xor__))

    def __hash__(self):
        return hash((self.first(), self.last(), len(self) if self.last() else 0))

    def first(self, low: int = 1) -> int | None:
        """The smallest member that is at least ``low``; None if there is none."""
        low = max(low, 1)
        if low == 1 and self.modulus == 1:
            return next((start for start, mask in self.pieces if mask), None)
        for i in range(self._piece(low), len(self.pieces)):
            start, mask = self.pieces[i]
            if not mask:
                continue
            n = max(start, low)
            if self.modulus > 1:
                turned = self._turned(mask, n)
                n += (turned & -turned).bit_length() - 1
            if i + 1 == len(self.pieces) or n < self.pieces[i + 1][0]:
                return n
        return None

    def _turned(self, mask: int, n: int) -> int:
        """The mask with the bit that tells of ``n`` first."""
        shift = n % self.modulus
        return mask >> shift | (mask & (1 << shift) - 1) << self.modulus - shift

    def last(self, high: int | None = None) -> int | None:
        """The largest member that is at most ``high``; None if there is none, or, without ``high``, if the set has no end."""
        if high is None:
            if self.pieces[-1][1]:
                return None
            high = self.pieces[-1][0]
        for i in range(self._piece(high), -1, -1):
            start, mask = self.pieces[i]
            if not mask:
                continue
            n = high if i + 1 == len(self.pieces) else min(high, self.pieces[i + 1][0] - 1)
            turned = self._turned(mask, n + 1)
            n -= self.modulus - turned.bit_length()
            if n >= start:
                return n
        return None

    def nearest(self, n: int) -> int | None:
        """The member closest to ``n`` (the larger of two as close); None for the empty set."""
        above, below = self.first(n), self.last(n)
        if above is None or below is None:
            return below if above is None else above
        return above if above - n <= n - below else below

    def __iter__(self) -> Iterator[int]:
        n = self.first()
        while n is not None:
            yield n
            n = self.first(n + 1)

    def __len__(self) -> int:
        """How many members; asked of an endless set it raises OverflowError, as Python does for lengths it cannot give."""
        if self.endless:
            raise OverflowError("this set of sizes has no end")
        found = 0
        for (start, mask), (end, _) in pairwise(self.pieces):
            whole, rest = divmod(end - start, self.modulus)
            last = self._turned(mask, start) & (1 << rest) - 1  # what follows the whole periods begins as the first of them
            found += whole * mask.bit_count() + last.bit_count()
        return found

    @property
    def empty(self) -> bool:
        return self.first() is None

    @property
    def endless(self) -> bool:
        return self.pieces[-1][1] != 0

    @property
    def everything(self) -> bool:
        return len(self.pieces) == 1 and self.modulus == 1 and self.pieces[0][1] == 1

    def split(self) -> tuple[Numbers, int, Numbers]:
        """The members before the set begins to repeat for good, where that is, and the pattern that it repeats from there on."""
        start, mask = self.pieces[-1]
        pattern = Numbers(self.modulus, [(1, mask)])
        if mask:
            odd = self._with(pattern, int.__xor__).last()
            start = 1 if odd is None else odd + 1
        return self & Numbers.between(1, start - 1), start, pattern

    @property
    def remainders(self) -> list[int]:
        """The remainders mod `modulus` of the members, from where the set repeats."""
        return [r for r, bit in enumerate(reversed(f"{self.pieces[-1][1]:b}")) if bit == "1"]

    def runs(self) -> Iterator[Run]:
        """The members of a finite set as runs of neighbours, the smallest first: of a long one there can be millions."""
        n, holes = self.first(), ~self
        while n is not None:
            hole = holes.first(n)
            yield Run(n, hole - 1)  # a finite set ends: there is a hole
            n = self.first(hole)

    def __repr__(self):
        return words(self)

    def to_dict(self) -> dict:
        """``{"runs": [[28, 31]], "from": None}`` or, repeating, ``{"runs": [..], "from": 64, "modulus": 32, "remainders": [0]}``.

        A stretch of more runs than anyone writes down stands in ``"stretches"``: from, to, modulus and remainders.
        """
        finite, start, pattern = self.split()
        data: dict = {"runs": [list(run) for run in islice(finite.runs(), FEW + 1)], "from": None}
        if len(data["runs"]) > FEW:
            data |= finite._stretches()
        if not pattern.empty:
            data |= {"from": pattern.first(start), "modulus": pattern.modulus, "remainders": pattern.remainders}
        return data

    def _stretches(self) -> dict:
        """A finite set with its pieces of more than `FEW` runs told by their remainders."""
        kept, stretches = [], []
        for (start, mask), (end, _) in pairwise(self.pieces):
            piece = Numbers(self.modulus, [(1, 0), (start, mask), (end, 0)]) if end - start > FEW else NOTHING
            if len(list(islice(piece.runs(), FEW + 1))) <= FEW:
                kept.append((start, mask))
                continue
            kept.append((start, 0))
            pattern = Numbers(self.modulus, [(1, mask)])
            stretches.append({"from": piece.first(), "to": piece.last(), "modulus": pattern.modulus, "remainders": pattern.remainders})
        short = Numbers(self.modulus, [*kept, self.pieces[-1]])
        return {"runs": [list(run) for run in short.runs()], "stretches": stretches}


class Run(NamedTuple):
    """Neighbours ``low`` to ``high``, both included."""

    low: int
    high: int

    def __str__(self):
        return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"


def _holds_none(modulus, pieces) -> bool:
    for (start, mask), (end, _) in pairwise(pieces):
        if mask and (end - start >= modulus or any(mask >> n % modulus & 1 for n in range(start, end))):
            return False
    return not pieces[-1][1]


def primes(n: int) -> Iterator[int]:
    """The primes whose product is ``n``, smallest first.

    >>> list(primes(12)), list(primes(1))
    ([2, 2, 3], [])
    """
    p = 2
    while n > 1:
        if p * p > n:
            p = n
        if n % p:
            p += 1
            continue
        n //= p
        yield p


def _repeated(mask: int, short: int, long: int) -> int:
    """A mask of ``short`` bits again and again, ``long`` bits in all: by shifts, which for masks of thousands of bits are all that is cheap."""
    if not mask or mask.bit_length() == short == mask.bit_count():
        return mask and (1 << long) - 1
    made, wide = mask, short
    while wide < long:
        made |= made << wide
        wide *= 2
    return made & (1 << long) - 1


def _smaller_modulus(modulus, pieces):
    """The same pieces with the smallest modulus that tells their remainders apart."""
    for p in primes(modulus):
        small = modulus // p
        rest = (1 << modulus - small) - 1
        if all(mask >> small == mask & rest for _, mask in pieces):
            low = (1 << small) - 1
            modulus, pieces = small, [(start, mask & low) for start, mask in pieces]
    return modulus, pieces


def _either(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " or " + parts[-1]


def words(numbers: Numbers, most: int = 8) -> str:
    """The set in words; of more than ``most`` runs the first are named and the others counted."""
    finite, start, pattern = numbers.split()
    runs = list(islice(finite.runs(), most + 1))
    parts = [str(run) for run in runs]
    if len(parts) > most:
        rest = len(finite) - sum(run.high - run.low + 1 for run in runs[: most - 1])
        parts = [*parts[: most - 1], f"{rest} more sizes up to {finite.last()}"]
    if not pattern.empty:
        parts.append(_repeating(pattern, pattern.first(start), most))
    return _either(parts) if parts else "none"


def _repeating(pattern: Numbers, first: int, most: int) -> str:
    modulus = pattern.modulus
    if modulus == 1:
        return "any size" if first == 1 else f"at least {first}"
    remainders = pattern.remainders
    if remainders == [0]:
        return f"multiples of {modulus}" + (f", at least {first}" if first > modulus else "")
    head = f"any size{f' from {first} up' if first > 1 else ''} whose remainder mod {modulus}"
    runs: list[list[int]] = []
    for r in remainders:
        if runs and runs[-1][1] == r - 1:
            runs[-1][1] = r
        else:
            runs.append([r, r])
    said = []
    if len(runs) > most:
        return f"{head} is one of {len(remainders)} ({', '.join(map(str, remainders[:3]))}, ...)"
    for low, high in runs:
        if high == modulus - 1 and high > low:
            said.append(f"at least {low}")
        else:
            said += [str(r) for r in range(low, high + 1)] if high - low < 2 else [f"{low} to {high}"]
    return f"{head} is {_either(said)}"


NOTHING = Numbers(1, [(1, 0)])
ANY = Numbers(1, [(1, 1)])

__all__ = ["ANY", "NOTHING", "Numbers", "Run", "words"]
