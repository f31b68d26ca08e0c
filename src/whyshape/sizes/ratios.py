"""Products of sizes compared: what stands on both sides is cancelled first, so that the branch taken rests on as few axes as can be.

``8*floor(W/8)*H`` and ``W*H`` are equal where 8 divides W, whatever H is: the branch says just that. Sizes of 0 are for the caller.
"""

from __future__ import annotations

from math import gcd

from whyshape.sizes.expr import RELATIONS, Cond, Size, _int, product

DEEP = 6  # how far two expressions are compared with one another; what is alike only deeper is not cancelled


def equal(a: int, b: int) -> bool:
    """Whether two products are equal, as a branch over what is left of them.

    >>> from whyshape.sizes.expr import leaf, recording
    >>> h, w = leaf(16, "H"), leaf(24, "W")
    >>> with recording() as facts:
    ...     equal(h * w, w * 16), equal(8 * (w // 8) * h, h * w), equal(h * w, w * h)
    (True, True, True)
    >>> facts.branches
    [16 == 16, 24 mod 8 == 0]
    """
    return _compared("==", a, b)


def less(a: int, b: int) -> bool:
    """Whether the first product is the smaller, in the same way."""
    return _compared("<", a, b)


def _compared(relation: str, a: int, b: int) -> bool:
    left, right = _factors(a), _factors(b)
    _cancel(left, right)
    if left and right and any(map(_exact, left + right)):
        (left, below_left), (right, below_right) = _apart(left), _apart(right)
        left, right = left + below_right, right + below_left
        _cancel(left, right)
    here, there = product(left), product(right)
    if isinstance(here, Size) or isinstance(there, Size):
        return bool(Cond(relation, here, there))
    return RELATIONS[relation](here, there)


def _factors(size: int) -> list[int]:
    """What is multiplied: sizes that are no products, and plain numbers.

    >>> _factors(12)
    [12]
    """
    found, stack = [], [size]
    while stack:
        top = stack.pop()
        if isinstance(top, Size) and top.op == "*":
            stack += reversed(top.args)
        else:
            found.append(top)
    return found


def _cancel(left: list[int], right: list[int]) -> None:
    """Leave out what both sides have, and make one plain number of those of each side, without what divides both."""
    for a in [n for n in left if isinstance(n, Size)]:
        same = next((i for i, b in enumerate(right) if isinstance(b, Size) and alike(a, b)), None)
        if same is not None:
            del right[same]
            del left[next(i for i, n in enumerate(left) if n is a)]
    sides = left, right
    plain = [product(n for n in side if not isinstance(n, Size)) for side in sides]
    common = gcd(*plain) or 1
    for side, n in zip(sides, plain):
        side[:] = [m for m in side if isinstance(m, Size)]
        if n != common or not side:
            side.append(n // common)


def alike(a: int, b: int, deep: int = DEEP) -> bool:
    """Whether two expressions are the same, letter by letter.

    >>> from whyshape.sizes.expr import leaf
    >>> h = leaf(16, "H", ref=("free", "H"))
    >>> alike(h // 2 + 1, h // 2 + 1), alike(h // 2, h // 4), alike(8, h)
    (True, False, False)
    """
    if a is b:
        return True
    if not isinstance(a, Size) or not isinstance(b, Size):
        return type(a) is type(b) and a == b
    if _int(a) != _int(b) or a.op != b.op or not deep:
        return False
    if a.op == "leaf":
        return a.leaf == b.leaf and a.leaf is not None and a.leaf.ref is not None
    return len(a.args) == len(b.args) and all(alike(x, y, deep - 1) for x, y in zip(a.args, b.args))


def _exact(size: int) -> bool:
    return isinstance(size, Size) and size.op == "//" and _int(size.args[1]) > 0 and _int(size.args[0]) % _int(size.args[1]) == 0


def _apart(factors: list[int]) -> tuple[list[int], list[int]]:
    """Quotients without a remainder as what is above and what is below; that there is no remainder is a branch."""
    above: list[int] = []
    below: list[int] = []
    stack = [*factors]
    while stack:
        top = stack.pop()
        if _exact(top):
            size, by = top.args  # type: ignore[attr-defined]
            bool(Cond("==", size % by, 0))
            stack += _factors(size)
            below += _factors(by)
        else:
            above.append(top)
    return above, below


__all__ = ["alike", "equal", "less"]
