"""Sizes that compute and remember: an ``int`` that knows how it came about and who decided it.

A rule is ordinary arithmetic. Fed ints it computes. Fed `Size`s it computes the same ints, and each result
remembers its expression, down to leaves that say who decided them:

>>> n, k, p = leaf(28, "height", by="input"), leaf(5, "kernel_size"), leaf(0, "padding")
>>> out = (n + 2 * p - 1 * (k - 1) - 1) // 1 + 1
>>> out, str(out.formula)
(24, 'floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1')
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from whyshape.errors import DoesNotFit

# Who decides a number. `typed` is a flag beside it: a number somebody typed although it must equal another.
CHOSEN, CALCULATED, INPUT, TASK, LEARNED = "chosen", "calculated", "input", "task", "learned"


_int = int.__int__  # a size as a plain number, without asking it: of `int(size)` the model's own sizes take note


class Leaf(NamedTuple):
    """Where an expression ends: a number somebody decided."""

    name: str  # in PyTorch's words: kernel_size, out_channels; for an axis its letter or word
    by: str = CHOSEN
    ref: Any = None  # who holds it: ("axis", tensor, axis), ("knob", node, name), ("free", letter)


class Size(int):
    """An int that remembers its expression: ``op`` over ``args``, or a ``leaf``."""

    op: str
    args: tuple[int, ...]
    leaf: Leaf | None

    def __new__(cls, value: int, op: str = "leaf", args: tuple[int, ...] = (), leaf: Leaf | None = None):
        self = int.__new__(cls, value)
        self.op, self.args, self.leaf = op, args, leaf
        return self

    @property
    def formula(self):
        """The expression with its numbers put in, printable."""
        from whyshape.sizes.formula import Formula

        return Formula(self)

    def _make(self, value, op, args):
        return type(self)(value, op, args)

    def __add__(self, other):
        return self._make(_int(self) + _int(other), "+", (self, other)) if isinstance(other, int) else NotImplemented

    def __radd__(self, other):
        return self._make(_int(other) + _int(self), "+", (other, self)) if isinstance(other, int) else NotImplemented

    def __sub__(self, other):
        return self._make(_int(self) - _int(other), "-", (self, other)) if isinstance(other, int) else NotImplemented

    def __rsub__(self, other):
        return self._make(_int(other) - _int(self), "-", (other, self)) if isinstance(other, int) else NotImplemented

    def __mul__(self, other):
        return self._make(_int(self) * _int(other), "*", (self, other)) if isinstance(other, int) else NotImplemented

    def __rmul__(self, other):
        return self._make(_int(other) * _int(self), "*", (other, self)) if isinstance(other, int) else NotImplemented

    def __floordiv__(self, other):
        return self._make(_int(self) // _int(other), "//", (self, other)) if isinstance(other, int) else NotImplemented

    def __rfloordiv__(self, other):
        return self._make(_int(other) // _int(self), "//", (other, self)) if isinstance(other, int) else NotImplemented

    def __mod__(self, other):
        return self._make(_int(self) % _int(other), "%", (self, other)) if isinstance(other, int) else NotImplemented

    def __rmod__(self, other):
        return self._make(_int(other) % _int(self), "%", (other, self)) if isinstance(other, int) else NotImplemented

    def __divmod__(self, other):
        return (self // other, self % other) if isinstance(other, int) else NotImplemented

    def __rdivmod__(self, other):
        return (other // self, other % self) if isinstance(other, int) else NotImplemented

    def __neg__(self):
        return self._make(-_int(self), "neg", (self,))

    def __pos__(self):
        return self

    def __abs__(self):
        return self if self >= 0 else -self

    def __pow__(self, other, mod=None):
        if type(other) is int and 0 <= other <= 8 and mod is None:
            return product([self] * other)
        return pow(_int(self), other, mod) if mod is not None else _int(self) ** other

    def __lshift__(self, other):
        return self * (1 << _int(other))

    def __rshift__(self, other):
        return self // (1 << _int(other))

    # A comparison is a fact about sizes, not yet a bool: `need` may demand it, `if` may branch on it.
    def _compare(self, relation, other):
        return Cond(relation, self, other) if isinstance(other, int) else NotImplemented

    def __eq__(self, other):
        return self._compare("==", other)

    def __ne__(self, other):
        return self._compare("!=", other)

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __bool__(self):
        return bool(Cond("!=", self, 0))

    __hash__ = int.__hash__

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return (int, (_int(self),))


RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "==": int.__eq__,
    "!=": int.__ne__,
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Cond:
    """A comparison of two sizes. Asking for its truth in an ``if`` records it as a branch taken."""

    __slots__ = ("left", "relation", "right")

    def __init__(self, relation: str, left: int, right: int):
        self.relation, self.left, self.right = relation, left, right

    @property
    def opposite(self) -> Cond:
        """The comparison that holds exactly when this one does not."""
        return Cond(OPPOSITE[self.relation], self.left, self.right)

    def over(self, left: int, right: int) -> Cond:
        """The same condition on other sizes."""
        return type(self)(self.relation, left, right)

    @property
    def holds(self) -> bool:
        return RELATIONS[self.relation](_int(self.left), _int(self.right))

    def __bool__(self):
        truth = self.holds
        facts = _recording.get()
        if facts is not None:
            facts.branches.append(self if truth else self.opposite)
        return truth

    def __repr__(self):
        from whyshape.sizes.formula import Formula

        return f"{Formula(self.left)} {self.relation} {Formula(self.right)}"


class Match(Cond):
    """Equality as broadcasting asks for it: where one of the two is 1, it is stretched instead, and the result is another."""

    __slots__ = ()


class Lost(Cond):
    """The size became a plain number at that line of the model's code: what follows is known for this size alone."""

    __slots__ = ("file", "line")

    def __init__(self, relation: str, left: int, right: int, file: str = "", line: int = 0):
        super().__init__(relation, left, right)
        self.file, self.line = file, line

    def over(self, left, right):
        return type(self)(self.relation, left, right, self.file, self.line)


class LookedUp(Lost):
    """The size was hashed there, to be found in a dict or a set: ``left`` equals ``right``, and what else would be found is not known."""

    __slots__ = ()


class Need(NamedTuple):
    """A demand of an operator: ``cond`` must hold, else ``sentence`` says why not, with its ``numbers``."""

    cond: Cond
    sentence: str
    numbers: dict


class Facts:
    """What was asked of sizes while `recording`: demands, and the branches that were taken."""

    def __init__(self):
        self.needs: list[Need] = []
        self.branches: list[Cond] = []


_recording: ContextVar[Facts | None] = ContextVar("recording", default=None)  # of this thread


@contextmanager
def recording():
    """Collect the demands and branches of everything evaluated inside.

    >>> with recording() as facts:
    ...     need(leaf(4, "width") >= 3, "the kernel spans {wanted} cells, {arrived} are there", wanted=3, arrived=4)
    >>> facts.needs[0].cond.relation
    '>='
    """
    facts = Facts()
    before = _recording.set(facts)
    try:
        yield facts
    finally:
        _recording.reset(before)


def need(ok, sentence: str, **numbers) -> None:
    """Demand ``ok``; otherwise raise `DoesNotFit` with the sentence, its ``{names}`` filled from ``numbers`` (`wording`)."""
    if ok is True:
        return
    if isinstance(ok, Cond):
        facts = _recording.get()
        if facts is not None:
            facts.needs.append(Need(ok, sentence, numbers))
        if ok.holds:
            return
    elif ok:
        return
    from whyshape.sizes.wording import worded  # a program that fits needs no words

    plain = {k: _int(v) if isinstance(v, Size) else v for k, v in numbers.items()}
    raise DoesNotFit(worded(sentence, plain), **plain)


def leaf(value: int, name: str, by: str = CHOSEN, ref: Any = None) -> Size:
    """A size that somebody decided: ``leaf(5, "kernel_size")``."""
    return Size(value, "leaf", (), Leaf(name, by, ref))


_BARE = frozenset((int, float, bool, str, type(None)))


def plain(value):
    """The same value without history: Sizes become ints, inside lists, tuples, dicts and slices too."""
    kind = type(value)
    if kind in _BARE:
        return value
    if kind is tuple or kind is list:
        return kind([plain(v) for v in value])
    if isinstance(value, Size):
        return _int(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if not hasattr(value, "_fields") else type(value)(*map(plain, value))
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    return value


# The words of size arithmetic that Python has no operator for. Ints in, int out; a Size in, a Size out.


def ceil_div(a: int, b: int) -> int:
    """How many groups of ``b`` are needed for ``a``: ``ceil(a/b)``.

    >>> ceil_div(7, 2)
    4
    """
    value = -(-int(a) // int(b))
    return Size(value, "ceil//", (a, b)) if isinstance(a, Size) or isinstance(b, Size) else value


def smallest(a: int, b: int) -> int:
    """The smaller of two, without branching on them.

    >>> smallest(3, 5)
    3
    """
    value = min(int(a), int(b))
    return Size(value, "min", (a, b)) if isinstance(a, Size) or isinstance(b, Size) else value


def largest(a: int, b: int) -> int:
    """The larger of two, without branching on them.

    >>> largest(3, 5)
    5
    """
    value = max(int(a), int(b))
    return Size(value, "max", (a, b)) if isinstance(a, Size) or isinstance(b, Size) else value


def scaled(n: int, factor: float) -> int:
    """``floor(n * factor)`` in double precision, as PyTorch's interpolate computes it.

    >>> scaled(100, 0.29), scaled(100, 0.57)
    (28, 56)
    """
    value = math.floor(float(int(n)) * float(factor))
    if not isinstance(n, Size):
        return value
    return Size(value, "*", (n, int(factor))) if float(factor).is_integer() else Size(value, "scale", (n, factor))  # type: ignore[arg-type]  # the one operand that is no int


def product(sizes: Iterable[int]) -> int:
    """All of them multiplied, without a leading ``1 *``.

    >>> product([20, 4, 4]), product([])
    (320, 1)
    """
    total = None
    for size in sizes:
        total = size if total is None else total * size
    return 1 if total is None else total


def total(sizes: Iterable[int]) -> int:
    """All of them added, without a leading ``0 +``.

    >>> total([64, 32])
    96
    """
    result = None
    for size in sizes:
        result = size if result is None else result + size
    return 0 if result is None else result


def broadcast(a: int, b: int, sentence="sizes {a} and {b} differ, and neither is 1") -> int:
    """The common size of two axes that are matched cell by cell: equal, or one of them 1 and stretched."""
    if not isinstance(a, Size) and not isinstance(b, Size):
        if a == b or b == 1:
            return a
        if a == 1:
            return b
        raise DoesNotFit(sentence.format(a=a, b=b), a=a, b=b)
    if a is b or (not isinstance(b, Size) and b == 1):
        return a
    if not isinstance(a, Size) and a == 1:
        return b
    if int(a) == int(b):
        if int(a) != 1 or _free(a) or _free(b):
            need(Match("==", a, b), sentence, a=a, b=b)
        return a if isinstance(a, Size) else b
    if int(a) == 1 or int(b) == 1:  # a calculated 1: stretched here, perhaps not at another size
        small, large = (a, b) if int(a) == 1 else (b, a)
        bool(Cond("==", small, 1))
        return large
    need(Match("==", a, b), sentence, a=a, b=b)
    return a


def _free(size) -> bool:
    """Whether a size may be another at another input: anything but a plain number or a number somebody typed."""
    return isinstance(size, Size) and (size.op != "leaf" or bool(size.leaf and size.leaf.ref and size.leaf.ref[0] == "free"))
