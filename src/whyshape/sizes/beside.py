"""Python's own operations with sizes among their operands: nothing is taken from a size unseen.

Python's numbers, lists and texts, and whatever is written in C, take the number out of a size without asking it: ``0.5 * h``,
``table[h]``, ``math.log2(h)``. A function rewritten to call what stands here instead (`readers.torch.rewritten`) does the same, and
keeps the history where arithmetic can; elsewhere what is taken becomes a branch (`Lost`): the trace holds where that size is the same.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
import types
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from whyshape.sizes.asked import Fraction, Words, _fraction, _plain, _with
from whyshape.sizes.expr import Size, product

KNOWN = (Size, Fraction, Words)
DEEP = 3  # how far into lists inside lists a size is looked for
# What belongs to Python itself, and libraries written in C that look no size's class up.
_CLOSED = frozenset(sys.stdlib_module_names) | {"numpy", "scipy", "cv2", "PIL"}


def told(value, deep: int = DEEP) -> list:
    """The sizes, fractions and words of sizes in a value."""
    if isinstance(value, KNOWN):
        return [value]
    if deep and isinstance(value, (list, tuple, set, frozenset, deque)):
        return [n for v in value for n in told(v, deep - 1)]
    if deep and isinstance(value, dict):
        return [n for pair in value.items() for n in told(pair, deep)]
    return told((value.start, value.stop, value.step)) if isinstance(value, slice) else []


def taken(value):
    """The same without history; each size that had one becomes a branch."""
    if isinstance(value, Words):
        return value.read()
    if isinstance(value, KNOWN):
        return _plain(value)
    if not told(value):
        return value
    if isinstance(value, dict):
        return type(value)({taken(k): taken(v) for k, v in value.items()})
    if isinstance(value, slice):
        return slice(taken(value.start), taken(value.stop), taken(value.step))
    parts = [taken(v) for v in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def closed(value) -> bool:
    """Whether a value belongs to Python or to C, so that it asks a size nothing."""
    return type(value).__module__.partition(".")[0] in _CLOSED


# -- operators ---------------------------------------------------------------------------------------------------------

_EXACT = {operator.add, operator.sub, operator.mul, operator.truediv}


def _both(act, plainly=None):
    """An operator of two values; ``plainly``: what it is where it changes nothing in place."""
    plainly = plainly or act

    def both(a, b):
        if isinstance(b, Words) or isinstance(a, Words):
            return _texts(plainly, a, b)
        if isinstance(b, (Size, Fraction)) and not isinstance(a, (int, Fraction)):
            if type(a) is float:
                return _with(plainly, a, b) if plainly in _EXACT else plainly(a, _plain(b))
            return _texts(plainly, a, b) if isinstance(a, str) else act(a, _plain(b)) if closed(a) else act(a, b)
        if isinstance(a, (Size, Fraction)) and not isinstance(b, (int, float)):
            return act(_plain(a), b) if closed(b) else act(a, b)
        if isinstance(a, str) and plainly is operator.mod and told(b):
            return _texts(plainly, a, b)
        return act(a, b)

    return both


def _texts(act, a, b):
    """Texts put together of texts and sizes: a text that is told further keeps them."""
    if isinstance(a, str) and (act in (operator.mod, operator.mul) or (act is operator.add and isinstance(b, str))):
        return Words.of(act(_bare(a), _bare(b)), (a, b))
    return act(taken(a), taken(b))


def _bare(value):
    """The value without history, and without a branch: for texts that keep it themselves."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)([_bare(v) for v in value])
    if isinstance(value, dict):
        return {_bare(k): _bare(v) for k, v in value.items()}
    if isinstance(value, Words):
        return str.__str__(value)
    return float.__float__(value) if isinstance(value, Fraction) else int.__int__(value) if isinstance(value, Size) else value


Add, IAdd = _both(operator.add), _both(operator.iadd, operator.add)
Sub, ISub = _both(operator.sub), _both(operator.isub, operator.sub)
Mult, IMult = _both(operator.mul), _both(operator.imul, operator.mul)
Div, IDiv = _both(operator.truediv), _both(operator.itruediv, operator.truediv)
FloorDiv, IFloorDiv = _both(operator.floordiv), _both(operator.ifloordiv, operator.floordiv)
Mod, IMod = _both(operator.mod), _both(operator.imod, operator.mod)
Pow, IPow = _both(operator.pow), _both(operator.ipow, operator.pow)
MatMult, IMatMult = _both(operator.matmul), _both(operator.imatmul, operator.matmul)
BitAnd, IBitAnd = _both(operator.and_), _both(operator.iand, operator.and_)
BitOr, IBitOr = _both(operator.or_), _both(operator.ior, operator.or_)
BitXor, IBitXor = _both(operator.xor), _both(operator.ixor, operator.xor)
LShift, ILShift = _both(operator.lshift), _both(operator.ilshift, operator.lshift)
RShift, IRShift = _both(operator.rshift), _both(operator.irshift, operator.rshift)


def _compared(act, turned):
    def compared(a, b):
        if type(a) is float and isinstance(b, (Size, Fraction)):
            return turned(b, a)
        if (isinstance(a, KNOWN) and _foreign(b)) or (isinstance(b, KNOWN) and _foreign(a)):
            return act(taken(a), taken(b))
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and _floats(a) and told(b):
            return act(a, taken(b))
        return act(a, b)

    return compared


def _foreign(value) -> bool:
    """Whether a value is neither one of Python's everyday ones nor of a class that was written in Python."""
    return type(value) not in _EVERYDAY and closed(value)


def _floats(values) -> bool:
    """Whether among the values are numbers that take a size they meet without asking it."""
    if isinstance(values, (list, tuple, set, frozenset)):
        return any(_floats(v) for v in values)
    return type(values) is float or (_foreign(values) and not callable(values))


_EVERYDAY = frozenset((int, float, bool, str, list, tuple, dict, set, frozenset, type(None)))
Eq, NotEq = _compared(operator.eq, operator.eq), _compared(operator.ne, operator.ne)
Lt, Gt = _compared(operator.lt, operator.gt), _compared(operator.gt, operator.lt)
LtE, GtE = _compared(operator.le, operator.ge), _compared(operator.ge, operator.le)


def In(a, b):
    """``a in b``"""
    if isinstance(b, (list, tuple)) and told(a):
        return any(v is a or Eq(a, v) for v in b)
    if isinstance(a, KNOWN) and closed(b) and not isinstance(b, (dict, set, frozenset, range)):
        return taken(a) in b
    return a in b


def NotIn(a, b):
    """``a not in b``"""
    return not In(a, b)


# -- what a size points at, and what is said of it ---------------------------------------------------------------------


def item(a, i):
    """``a[i]``"""
    if (isinstance(a, (list, tuple, str, bytes, range, deque)) or (closed(a) and not isinstance(a, dict))) and told(i):
        i = taken(i)
    return a[i]


class Shelf:
    """A list whose places are set: ``shelf(a)[i] = value``."""

    def __init__(self, held):
        self.held = held

    def __getitem__(self, i):
        return item(self.held, i)

    def __setitem__(self, i, value):
        self.held[taken(i)] = value

    def __delitem__(self, i):
        del self.held[taken(i)]


def shelf(a):
    """What is asked for a place: the thing itself, unless it would take a size's number unseen."""
    return Shelf(a) if isinstance(a, list) or (closed(a) and not isinstance(a, dict)) else a


def text(*parts):
    """An f-string: texts, and ``(value, conversion, format)``."""
    made, sizes = [], []
    for part in parts:
        if type(part) is tuple:
            value, conversion, form = part
            if sized := told(value):
                sizes += sized
                value = _bare(value)
            value = {"s": str, "r": repr, "a": ascii}.get(conversion, lambda v: v)(value)
            part = format(value, form)
        made.append(part)
    joined = "".join(made)
    return Words.of(joined, sizes) if sizes else joined


# -- calls -------------------------------------------------------------------------------------------------------------

# They keep what they are given, or hand it on, and do not look at it.
_CARRIES = frozenset((
    list, tuple, dict, zip, reversed, object, super, print, isinstance, issubclass, id, iter, next, getattr, setattr, hasattr, callable, len,
    warnings.warn, enumerate, filter, map, vars, set, frozenset,
))  # fmt: skip
# They do arithmetic or compare, by asking the size.
_ASKS = frozenset((
    int, float, bool, abs, all, any, divmod, hash, max, min, pow, round, sorted, sum, functools.reduce, math.ceil, math.floor, math.trunc, math.prod,
    *(f for name, f in vars(operator).items() if name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "neg", "pos", "pow", "lshift", "rshift", "abs", "eq", "ne", "lt", "le", "gt", "ge",
        "and_", "or_", "xor", "invert", "not_", "truth",
    )),
))  # fmt: skip
_METHODS = {
    list: ("append", "extend", "copy", "reverse", "clear"), dict: ("get", "setdefault", "update", "pop", "items", "keys", "values", "copy"),
    set: ("add", "discard", "remove", "update", "copy"), deque: ("append", "appendleft", "extend"),
}  # fmt: skip
_SAYS = (str, repr, ascii, format, hex, bin, oct)
_C = (types.BuiltinFunctionType, types.MethodWrapperType, types.MethodDescriptorType, types.WrapperDescriptorType)


def call(f: Callable) -> Callable:
    """What is called for ``f``: itself, or where it might take the number of a size unseen, a function that looks at its arguments."""
    kind = type(f)
    if kind is types.FunctionType or kind is types.MethodType:
        return _looking(f) if (f.__module__ or "").partition(".")[0] in _CLOSED else f
    if isinstance(f, type):
        return f if issubclass(f, BaseException) or f.__module__.partition(".")[0] not in _CLOSED else _looking(f)
    if kind in _C:
        owner = getattr(f, "__self__", None)
        if isinstance(owner, KNOWN) or (f.__module__ or "").partition(".")[0] not in {"", *_CLOSED}:
            return f
        if f.__module__ is None and owner is not None and not closed(owner) and not isinstance(owner, (tuple, list, dict)):
            return f
        return _looking(f)
    return _looking(f) if closed(f) else f


def _looking(f):
    def looks(*args, **kwargs):
        given = (*args, *kwargs.values())
        if any(isinstance(a, Iterator) for a in given) and not _known(f):  # what it would bring is looked at first
            args = tuple([list(a) if isinstance(a, Iterator) else a for a in args])
            given = (*args, *kwargs.values())
        if any(type(a) in _C or isinstance(a, type) for a in given) and f in _CALLS:
            args, kwargs = tuple([_inner(a) for a in args]), {k: _inner(v) for k, v in kwargs.items()}
        found = [n for a in given for n in told(a)]
        owner = getattr(f, "__self__", None)
        if isinstance(owner, tuple) and f.__name__ == "numel" and told(owner):
            return product(owner)
        if not found:
            return f(*args, **kwargs)
        if f in _SAYS or (isinstance(owner, str) and f.__name__ in ("format", "join")):
            return Words.of(f(*map(_bare, args), **_bare(kwargs)), found)
        if f in _WHOLE and len(given) == 1:  # a whole number stays the size it is
            return _WHOLE[f](args[0])
        if f is type:
            return float if isinstance(args[0], Fraction) else str if isinstance(args[0], Words) else int
        if (
            f.__name__ == "prod"
            and f.__module__ == "numpy"
            and len(given) == 1
            and all(type(n) is int or isinstance(n, Size) for n in args[0])
        ):
            return product(args[0])
        if f in _CARRIES or f.__name__ in _METHODS.get(type(owner), ()):
            return f(*args, **kwargs) if f is not enumerate else enumerate(args[0], *taken(args[1:]), **taken(kwargs))
        if f in _ASKS and not _floats(given) and not any(isinstance(n, Words) for n in found):
            return f(*args, **kwargs)
        return f(*[taken(a) for a in args], **{k: taken(v) for k, v in kwargs.items()})

    return looks


_WHOLE: dict[Any, Callable] = {
    int: lambda n: n if isinstance(n, Size) else n.__trunc__() if isinstance(n, Fraction) else int(taken(n)),
    float: lambda n: _fraction(n, 1) if isinstance(n, Size) else n if isinstance(n, Fraction) else float(taken(n)),
    operator.index: lambda n: n if isinstance(n, Size) else operator.index(taken(n)),
}
_CALLS = frozenset((map, filter, functools.reduce, sorted, min, max))


def _inner(value):
    return call(value) if type(value) in _C or isinstance(value, type) else value


def _known(f) -> bool:
    return f in _CARRIES or f in _ASKS


slice = slice  # an index as `item` is given it

__all__ = ["call", "closed", "item", "shelf", "taken", "text", "told"]
