"""Sizes in the hands of the model's own code: ``if h % 32``, ``math.ceil(h / 2)``, ``h & 31``.

What Python turns into something that can remember nothing (``int(h)``, ``float(h)``) is remembered as a branch: the trace holds where
that number is the same. What asks the size nothing at all (``0.5 * h``, ``math.isqrt(h)``) is not seen here, but in `beside`.
"""

from __future__ import annotations

import math
import operator

from whyshape.sizes.expr import Cond, LookedUp, Lost, Size, _int
from whyshape.sizes.texts import Words, place

EXACT = 1 << 48  # below, a double tells every fraction of two sizes from its neighbours


class Asked(Size):
    """A size in the hands of the model's own code, where a comparison must be a bool: it is one at once, and recorded as a branch taken."""

    def _compare(self, relation, other):
        if isinstance(other, float):
            return _COMPARED[relation](self, other)
        return bool(Cond(relation, self, other)) if isinstance(other, int) else NotImplemented

    def __floordiv__(self, other):
        _divides(other)
        return _same(self) // _value(other) if isinstance(other, float) else super().__floordiv__(other)

    def __mod__(self, other):
        _divides(other)
        return _same(self) % _value(other) if isinstance(other, float) else super().__mod__(other)

    def __rfloordiv__(self, other):
        _divides(self)
        return super().__rfloordiv__(other)

    def __rmod__(self, other):
        _divides(self)
        return super().__rmod__(other)

    def __divmod__(self, other):
        return (self // other, self % other) if isinstance(other, int) else NotImplemented

    def __truediv__(self, other):
        return _fraction(self, other) if isinstance(other, int) else _with(operator.truediv, self, other)

    def __rtruediv__(self, other):
        return _fraction(other, self) if isinstance(other, int) else _with(operator.truediv, other, self)

    def __int__(self):
        return _same(self)

    def __float__(self):
        return float(_same(self))

    def __floor__(self):
        return self

    __ceil__ = __trunc__ = __floor__

    def __round__(self, digits=None):
        return self if digits is None or (type(digits) is int and digits >= 0) else round(_same(self), digits)

    def __hash__(self):
        bool(LookedUp("==", self, self, *place()))
        return int.__hash__(self)

    def __str__(self):
        return Words.of(int.__repr__(self), (self,))

    __repr__ = __str__

    def __format__(self, form):
        return Words.of(int.__format__(self, form), (self,))

    real = numerator = property(lambda self: self)

    def conjugate(self):
        return self

    def as_integer_ratio(self):
        return self, 1

    def bit_count(self):
        return _same(self).bit_count()

    def to_bytes(self, *args, **kwargs):
        return _same(self).to_bytes(*args, **kwargs)

    def bit_length(self):
        """The same number for all sizes between two powers of two: that is the branch."""
        bits = int.bit_length(self)
        bool(Cond("<", abs(self), 1 << bits)), bool(Cond(">=", abs(self), 1 << bits >> 1))
        return bits

    def __pow__(self, other, mod=None):
        if type(other) is int and 0 <= other <= 8 and mod is None:
            return super().__pow__(other)
        return pow(_same(self), _same(other), _same(mod))

    def __rpow__(self, other, mod=None):
        return pow(other, _same(self), mod)

    def __lshift__(self, other):
        return super().__lshift__(_same(other))

    def __rshift__(self, other):
        return super().__rshift__(_same(other))

    def __rlshift__(self, other):
        return other << _same(self)

    def __rrshift__(self, other):
        return other >> _same(self)

    def __and__(self, other):
        if type(other) is int and other >= 0 and not other & (other + 1):  # the lowest bits are a remainder
            return self % (other + 1)
        return _bits(operator.and_, self, other)

    __rand__ = __and__

    def __or__(self, other):
        return _bits(operator.or_, self, other)

    def __xor__(self, other):
        return _bits(operator.xor, self, other)

    __ror__, __rxor__ = __or__, __xor__

    def __invert__(self):
        return -self - 1


def _beside_floats(act, whole, turned: bool):
    """``act`` of sizes as ever; beside a float a size is a fraction over 1."""

    def both(self, other):
        if not isinstance(other, float):
            return whole(self, other)
        return _with(act, other, self) if turned else _with(act, self, other)

    return both


for _name in ("add", "sub", "mul"):
    for _r in ("", "r"):
        setattr(Asked, f"__{_r}{_name}__", _beside_floats(getattr(operator, _name), getattr(Size, f"__{_r}{_name}__"), bool(_r)))


class Fraction(float):
    """A float that the model's code made of sizes, ``num/den``: a whole number again, it is a size again.

    >>> import math
    >>> from whyshape.sizes.expr import Leaf
    >>> h = Asked(29, "leaf", (), Leaf("H"))
    >>> h / 2, str(math.ceil(h / 2).formula), str(math.floor(h * 0.5 + 1).formula)
    (14.5, 'ceil(29/2)', 'floor((29 + 2)/2)')
    """

    __slots__ = ("den", "num")
    num: int
    den: int

    def __reduce__(self):
        return (float, (_value(self),))

    def __floor__(self):
        return self.num // self.den

    def __ceil__(self):
        return Asked(-(-_int(self.num) // _int(self.den)), "ceil//", (self.num, self.den))

    def __trunc__(self):
        return self.__floor__() if self >= 0 else self.__ceil__()

    def __round__(self, digits=None):
        if digits is not None:
            return round(float(self), digits)
        twice = 2 * self.den
        up, tie = (2 * self.num + self.den) // twice, (2 * self.num + self.den) % twice == 0
        return up - 1 if tie and up % 2 == 1 else up

    def __int__(self):
        return _same(self.__trunc__())

    def __float__(self):
        bool(Cond("==", self.num * _int(self.den), self.den * _int(self.num)))
        return _value(self)

    def is_integer(self):
        return bool(self.num % self.den == 0)

    def __bool__(self):
        return bool(self.num != 0)

    def __neg__(self):
        return _fraction(-self.num, self.den)

    def __pos__(self):
        return self

    def __abs__(self):
        return self if self >= 0 else -self

    def __hash__(self):
        hash(self.num), hash(self.den)  # what it is found by is not known for others
        return float.__hash__(self)


def _fraction(num: int, den: int) -> float:
    """``num/den`` as a float that remembers; a plain one, and a branch, where a double cannot hold it."""
    _divides(den)
    value = _int(num) / _int(den)
    if _int(den) < 0:
        num, den = -num, -den
    if max(abs(_int(num)), _int(den)) >= EXACT:
        _same(num), _same(den)
        return value
    made = Fraction(value)
    made.num, made.den = num, den
    return made


def _divides(den) -> None:
    """By 0 nothing can be divided: where a size is one, that is another way."""
    if isinstance(den, Size):
        bool(Cond("!=", den, 0))


def _parts(value) -> tuple[int, int]:
    """A number as numerator and denominator."""
    if isinstance(value, Fraction):
        return value.num, value.den
    return (value, 1) if isinstance(value, int) else value.as_integer_ratio()


def _value(number):
    """The number, without asking it anything that it would remember."""
    return float.__float__(number) if isinstance(number, float) else _int(number)


def _plain(value):
    """The number without its history, which becomes a branch."""
    return float(value) if isinstance(value, Fraction) else _same(value) if isinstance(value, Asked) else value


def _same(size):
    """The number as a plain one: from here on the trace holds where the size is the same."""
    if not isinstance(size, Size):
        return size
    bool(Lost("==", size, _int(size), *place()))
    return _int(size)


def _bits(act, size, other):
    return act(_same(size), _same(other)) if isinstance(other, int) else NotImplemented


def _with(act, a, b):
    """Arithmetic of fractions, exact; where a double would round it is a plain float."""
    if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return NotImplemented
    if not (abs(_value(a)) < EXACT and abs(_value(b)) < EXACT):  # infinite and not a number, too
        return act(_plain(a), _plain(b))
    result = act(_value(a), _value(b))
    (m, p), (n, q) = _parts(a), _parts(b)
    num, den = {
        operator.add: lambda: (_by(m, q) + _by(n, p), _by(p, q)),
        operator.sub: lambda: (_by(m, q) - _by(n, p), _by(p, q)),
        operator.mul: lambda: (_by(m, n), _by(p, q)),
        operator.truediv: lambda: (_by(m, q), _by(p, n)),
    }[act]()
    if result == _int(num) / _int(den) and max(abs(_int(num)), abs(_int(den))) < EXACT:
        return _fraction(num, den)
    return act(_plain(a), _plain(b))


def _by(a: int, b: int) -> int:
    """``a*b``, without a factor of 1 in its formula."""
    return a if type(b) is int and b == 1 else b if type(a) is int and a == 1 else a * b


def _compared(relation: str, plainly):
    def compare(self, other):
        if not isinstance(other, (int, float)):
            return NotImplemented
        if not abs(_value(other)) < EXACT:
            return plainly(_plain(self) if abs(_value(other)) < math.inf else _value(self), _value(other))
        (m, p), (n, q) = _parts(self), _parts(other)
        return bool(Cond(relation, _by(m, q), _by(n, p)))  # denominators are positive

    return compare


def _arithmetic(act, turned: bool):
    def both(self, other):
        return _with(act, other, self) if turned else _with(act, self, other)

    return both


def _lost(act, turned: bool):
    """What has no fraction as its result: a plain number, and a branch."""

    def both(self, other):
        if not isinstance(other, (int, float)):
            return NotImplemented
        return act(_plain(other), _plain(self)) if turned else act(_plain(self), _plain(other))

    return both


_COMPARED = {}
for _sign, _act in (("==", "eq"), ("!=", "ne"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge")):
    _COMPARED[_sign] = _compared(_sign, getattr(operator, _act))
    setattr(Fraction, f"__{_act}__", _COMPARED[_sign])
for _name in ("add", "sub", "mul", "truediv"):
    setattr(Fraction, f"__{_name}__", _arithmetic(getattr(operator, _name), False))
    setattr(Fraction, f"__r{_name}__", _arithmetic(getattr(operator, _name), True))
for _name, _do in (("floordiv", operator.floordiv), ("mod", operator.mod), ("divmod", divmod), ("pow", operator.pow)):
    setattr(Fraction, f"__{_name}__", _lost(_do, False))
    setattr(Fraction, f"__r{_name}__", _lost(_do, True))

__all__ = ["Asked", "Fraction"]
