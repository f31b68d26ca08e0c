"""Sizes as functions of one free axis, exactly, for every length the axis may have.

Whatever is made of an axis ``n`` by + - and by ``*``, ``//``, ``%`` with constants, by min, max and ceil, is a staircase that repeats:
from some point on, ``f(n + P) = f(n) + Q``. `Stairs` holds such a function whole, so two of them can be compared for all ``n`` at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd, lcm
from typing import NamedTuple

from whyshape.sizes.sets import ANY, NOTHING, Numbers, primes

LONGEST = 1 << 17  # entries a table may have before we say that it is too long
NEVER = range(0)


class TooLong(Exception):
    """A function repeats so late, or in so long a period, that its table is not worth keeping."""


class Step(NamedTuple):
    """``(m*n + a)//b``, in lowest terms.

    >>> tower = Step(1, -4).then(Step(1, 0, 2)).then(Step(1, -4)).then(Step(1, 0, 2))  # conv 5, pool 2, conv 5, pool 2
    >>> tower, tower(28), tower.reaching(4)
    (Step(m=1, a=-12, b=4), 4, 28..31)
    """

    m: int
    a: int = 0
    b: int = 1

    def __call__(self, n: int) -> int:
        return (self.m * n + self.a) // self.b

    def then(self, after: Step) -> Step | None:
        """``after(self(n))`` as one step; None where the two do not merge."""
        if self.b > 1 and after.m != 1:
            return None
        # floors nest: ((m*n + a)//b + c)//d = (m*n + a + b*c)//(b*d)
        return Step(after.m * self.m, after.m * self.a + self.b * after.a, self.b * after.b).lowest()

    def lowest(self) -> Step:
        """The same step with the smallest numbers."""
        shared = gcd(self.m, self.b)
        return Step(self.m // shared, self.a // shared, self.b // shared)

    def reaching(self, value: int) -> Numbers:
        """The sizes that this step takes to ``value``: ``ceil((b*value - a)/m)`` up to the size before the next value is reached."""
        if self.m == 0:
            return ANY if self(1) == value else NOTHING
        low, high = -((self.a - self.b * value) // self.m), -((self.a - self.b * (value + 1)) // self.m) - 1
        return Numbers.between(low, high) if high >= 1 else NOTHING


class Stairs:
    """A function of n = 1, 2, 3, ...: first the values ``head``, then ``tail``, again and again, ``rise`` higher each time.

    >>> n = Stairs.identity()
    >>> half = n.over(2)
    >>> half, (half * 2 - n).equals(0)
    (Stairs(head=(), tail=(0, 1), rise=1), multiples of 2)
    """

    __slots__ = ("head", "key", "rise", "tail")

    def __init__(self, head: Sequence[int], tail: Sequence[int], rise: int):
        if len(tail) > 1:
            tail, rise = _shortest(tail, rise)
        if head and head[-1] == tail[-1] - rise:
            head, tail = _rolled_back(head, tail, rise)
        self.head, self.tail, self.rise = tuple(head), tuple(tail), rise
        self.key = (self.head, self.tail, rise)

    @classmethod
    def identity(cls) -> Stairs:
        return cls((), (1,), 1)

    @classmethod
    def constant(cls, value: int) -> Stairs:
        return cls((), (value,), 0)

    @property
    def is_constant(self) -> bool:
        return not self.head and self.rise == 0 and len(self.tail) == 1

    def __eq__(self, other):
        return isinstance(other, Stairs) and self.key == other.key

    def __hash__(self):
        return hash(self.key)

    def __repr__(self):
        return f"Stairs(head={self.head}, tail={self.tail}, rise={self.rise})"

    def __call__(self, n: int) -> int:
        if n <= len(self.head):
            return self.head[n - 1]
        turns, at = divmod(n - len(self.head) - 1, len(self.tail))
        return self.tail[at] + turns * self.rise

    def table(self, head: int, period: int) -> list[int]:
        """The values at 1 .. head + period."""
        need = head + period - len(self.head)
        if head + period > LONGEST:
            raise TooLong
        tail, rise = self.tail, self.rise
        turns = -(-need // len(tail))
        if turns == 1:
            return [*self.head, *tail[:need]]
        values = [t + rise * k for k in range(turns) for t in tail] if rise else [*tail] * turns
        return [*self.head, *values[:need]]

    def _each(self, act: Callable[[int], int], turns: int, rise: int) -> Stairs:
        """``act`` of every value, with a period ``turns`` times as long."""
        head, period = len(self.head), len(self.tail) * turns
        values = [act(v) for v in self.table(head, period)]
        return Stairs(values[:head], values[head:], rise)

    def _both(self, other: Stairs, act: Callable[[int, int], int], rise: Callable[[int, int], int], head: int = 0) -> Stairs:
        period, head = lcm(len(self.tail), len(other.tail)), max(len(self.head), len(other.head), head)
        values = [act(a, b) for a, b in zip(self.table(head, period), other.table(head, period))]
        return Stairs(values[:head], values[head:], rise(self.rise * (period // len(self.tail)), other.rise * (period // len(other.tail))))

    def __add__(self, other: Stairs | int) -> Stairs:
        if isinstance(other, int):
            return self if not other else Stairs([v + other for v in self.head], [v + other for v in self.tail], self.rise)
        return self._both(other, int.__add__, int.__add__)

    def __neg__(self) -> Stairs:
        return self * -1

    def __sub__(self, other: Stairs | int) -> Stairs:
        return self + -other if isinstance(other, int) else self._both(other, int.__sub__, int.__sub__)

    def __mul__(self, c: int) -> Stairs:
        return self if c == 1 else Stairs([v * c for v in self.head], [v * c for v in self.tail], self.rise * c)

    def over(self, c: int) -> Stairs:
        """``f(n)//c``."""
        if c == 1:
            return self
        turns = abs(c) // gcd(self.rise, c)
        return self._each(lambda v: v // c, turns, self.rise * turns // c)

    def ceil_over(self, c: int) -> Stairs:
        """``ceil(f(n)/c)``."""
        return -((-self).over(c))

    def mod(self, c: int) -> Stairs:
        """``f(n) % c``."""
        return self._each(lambda v: v % c, abs(c) // gcd(self.rise, c), 0)

    def smallest(self, other: Stairs) -> Stairs:
        """``min(f(n), g(n))``."""
        lower = self if self.rise * len(other.tail) <= other.rise * len(self.tail) else other
        higher = other if lower is self else self
        settled = (lower - higher).at_most(0)
        late = (~settled).last()
        if late is None and (~settled).endless:  # as steep, taking turns
            return self._both(other, min, min)
        return self._both(other, min, min, head=late or 0)

    def largest(self, other: Stairs) -> Stairs:
        """``max(f(n), g(n))``."""
        return -((-self).smallest(-other))

    def _where(self, inside: Callable[[int], bool], turns: Callable[[int], range | None]) -> Numbers:
        """The n with ``inside(f(n))``; ``turns(v)``: for which k ``v + k*rise`` is inside, None for every k."""
        start, period = len(self.head) + 1, len(self.tail)
        early = [n for n, v in enumerate(self.head, 1) if inside(v)]
        spans = [turns(v) for v in self.tail]
        if self.rise == 0:
            always = Numbers.residues([start + i for i, span in enumerate(spans) if span is None], period)
            return (always & Numbers.between(start) if self.head else always) | Numbers.of(early)
        # It ends: so many periods lie inside whole, and what comes after them is told number by number.
        whole = min(span.stop if span and not span.start else 0 for span in spans)
        late = [start + i + k * period for i, span in enumerate(spans) for k in range(max(span.start, whole), span.stop)]
        return Numbers.of([*early, *late]) | Numbers.between(start, start + whole * period - 1)

    def equals(self, value: int) -> Numbers:
        """The n with ``f(n) == value``."""
        rise = self.rise

        def turns(v):
            if rise == 0:
                return None if v == value else NEVER
            k, odd = divmod(value - v, rise)
            return NEVER if odd or k < 0 else range(k, k + 1)

        return self._where(lambda v: v == value, turns)

    def at_most(self, value: int) -> Numbers:
        """The n with ``f(n) <= value``."""
        rise = self.rise
        if rise < 0:
            return ~(-self).at_most(-value - 1)

        def turns(v):
            if rise == 0:
                return None if v <= value else NEVER
            return range((value - v) // rise + 1) if v <= value else NEVER

        return self._where(lambda v: v <= value, turns)

    def compare(self, relation: str, value: int) -> Numbers:
        """The n with ``f(n) <relation> value``."""
        match relation:
            case "==":
                return self.equals(value)
            case "!=":
                return ~self.equals(value)
            case "<=":
                return self.at_most(value)
            case "<":
                return self.at_most(value - 1)
            case ">":
                return ~self.at_most(value)
            case _:
                return ~self.at_most(value - 1)

    @property
    def content(self) -> int:
        """The largest whole number that divides every value; negative where the function falls."""
        shared = gcd(self.rise, *self.head, *self.tail)
        falls = self.rise < 0 or (self.rise == 0 and max(self.tail) <= 0)
        return -shared if falls else shared

    def step(self) -> Step | None:
        """The closed form ``(m*n + a)//b``, if there is one."""
        m, b = self.rise, len(self.tail)
        if self.head or m < 0:
            return None
        low = max(b * v - m * n for n, v in enumerate(self.tail, 1))
        high = min(b * v + b - 1 - m * n for n, v in enumerate(self.tail, 1))
        return Step(m, low, b).lowest() if low <= high else None


def _shortest(tail, rise):
    """The same function with its shortest period."""
    for p in primes(len(tail)):
        short = len(tail) // p
        up, odd = divmod(rise, p)
        if not odd and all(tail[i + short] == tail[i] + up for i in range(len(tail) - short)):
            tail, rise = tail[:short], up
    return tail, rise


def _rolled_back(head, tail, rise):
    """The same function with the shortest head: what already follows the pattern belongs to the tail."""
    period, kept = len(tail), len(head)
    while kept:
        turns, at = divmod(kept - 1 - len(head), period)
        if head[kept - 1] != tail[at] + turns * rise:
            break
        kept -= 1
    values = []
    for n in range(kept, kept + period):
        turns, at = divmod(n - len(head), period)
        values.append(tail[at] + turns * rise)
    return head[:kept], values


__all__ = ["LONGEST", "Stairs", "Step", "TooLong"]
