"""The simplest closed form of a size over free axes: ``20*floor((H - 12)/4)*floor((W - 12)/4)`` for all of the thread's network.

Nothing is rewritten by pattern: a size is brought to its normal form, which is exact, and the shortest expression that has the same
normal form is given in its place.
"""

from __future__ import annotations

from math import gcd

from whyshape.sizes.algebra import Algebra, Along, Form, Poly
from whyshape.sizes.expr import Size, product
from whyshape.sizes.formula import APPLY
from whyshape.sizes.maps import Stairs, Step


class Simplifier:
    """Writes sizes in closed form, remembering each it has written.

    >>> from whyshape.sizes import leaf
    >>> h = leaf(28, "H", "input", ("free", "H"))
    >>> Simplifier(Algebra()).simplest((((h - 4) // 2 - 5) // 1 + 1) // 2 * 20).formula.names()
    '20*floor((H - 12)/4)'
    """

    def __init__(self, algebra: Algebra):
        self.algebra = algebra
        self._known: dict = {}  # staircases that have no closed form of their own: by the expression they were met in
        self._done: dict[int, int] = {}

    def simplest(self, size: int) -> int:
        """An equal size with the shortest expression; a plain int where no axis decides it."""
        if not isinstance(size, Size):
            return size
        self.algebra.normal(size)
        done, stack = self._done, [size]
        while stack:
            top = stack[-1]
            if id(top) in done:
                stack.pop()
                continue
            form = self.algebra.normal(top)
            written = self.written(form)
            if written is None:
                todo = [a for a in top.args if isinstance(a, Size) and id(a) not in done]
                if todo:
                    stack += todo
                    continue
                written = APPLY[top.op](*(done[id(a)] if isinstance(a, Size) else a for a in top.args))
                if isinstance(form, Along):
                    self._known.setdefault((form.letter, form.stairs.key), written)
            done[id(top)] = written
            stack.pop()
        return done[id(size)]

    def written(self, form: Form) -> int | None:
        """The form as an expression of few operations; None if it has none that we know."""
        if isinstance(form, int):
            return form
        if isinstance(form, Along):
            return self._staircase(form.letter, form.stairs)
        terms = []
        for atoms, c in form.terms.items():
            factors = []
            for atom in sorted(atoms, key=lambda a: not (a.stairs and a.stairs == Stairs.identity())):  # N*floor(H/2)
                factor = self._staircase(atom.letter, atom.stairs) if atom.stairs else self._operation(atom)
                if factor is None:
                    return None
                factors.append(factor)
            if not factors:
                terms.append(c)
            elif c == 1:
                terms.append(product(factors))
            elif c == -1:
                terms.append(-product(factors))
            else:
                terms.append(_merged(c, factors))
        terms.sort(key=lambda t: (not isinstance(t, Size), isinstance(t, Size) and t.op == "neg"))
        return _sum(terms)

    def _operation(self, atom) -> int | None:
        args = [a if isinstance(a, float) else self.written(a) for a in atom.args]
        try:
            return None if None in args else APPLY[atom.op](*args)
        except ZeroDivisionError:  # at the example a divisor is 0: another way is taken there
            return None

    def _staircase(self, letter: str, stairs: Stairs) -> int | None:
        known = self._known.get((letter, stairs.key))
        if known is not None:
            return known
        n = self.algebra.leaves[letter]
        if not stairs.head:
            # c*step + d, with the largest c that leaves a step
            first = stairs.tail[0]
            largest = gcd(stairs.rise, *(v - first for v in stairs.tail))
            for c in (largest, 1) if largest > 1 else (1,):
                d = first % c
                step = Stairs([], [(v - d) // c for v in stairs.tail], stairs.rise // c).step()
                if step is not None:
                    return _stepped(n, step, c, d)
        if stairs.rise < 0 or (stairs.rise == 0 and all(v <= 0 for v in (*stairs.head, *stairs.tail))):
            positive = self._staircase(letter, -stairs) if any((*stairs.head, *stairs.tail)) else None
            return None if positive is None else _negated(positive)
        if stairs.rise == 0 and not stairs.head and stairs.tail == tuple(i % len(stairs.tail) for i in range(1, len(stairs.tail) + 1)):
            return n % len(stairs.tail)
        return None


def _stepped(n: Size, step: Step, c: int, d: int) -> int:
    inside = n if step.m == 1 else step.m * n
    if step.a:
        inside = inside + step.a if step.a > 0 else inside - -step.a
    out = inside // step.b if step.b > 1 else inside
    if c != 1:
        out = c * out
    return out + d if d else out


def _negated(size: int) -> int:
    """``-(H - 5)`` is ``5 - H``."""
    if isinstance(size, Size) and size.op in ("+", "-") and not isinstance(size.args[1], Size):
        constant = size.args[1] if size.op == "-" else -size.args[1]
        return constant - size.args[0]
    return -size


def _merged(c: int, factors: list) -> int:
    """``2*(3*x)`` is ``6*x``."""
    first = factors[0]
    if isinstance(first, Size) and first.op == "*" and not isinstance(first.args[0], Size):
        return product([c * first.args[0], first.args[1], *factors[1:]])
    return product([c, *factors])


def _sum(terms: list) -> int:
    """The terms added up, a negative one taken away."""
    whole = terms[0]
    for term in terms[1:]:
        if isinstance(term, Size) and term.op == "neg":
            whole = whole - term.args[0]
        elif isinstance(term, Size) and term.op == "*" and not isinstance(term.args[0], Size) and term.args[0] < 0:
            whole = whole - (-term.args[0]) * term.args[1]
        elif not isinstance(term, Size) and term < 0:
            whole = whole - -term
        else:
            whole = whole + term
    return whole


MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def condition(simplifier: Simplifier, relation: str, form: Poly) -> tuple[int, str, int] | None:
    """``form <relation> 0`` as (left, relation, right), what is taken away standing on the right; None if it has no short form."""
    constant = form.terms.get((), 0)
    added = {p: c for p, c in form.terms.items() if p and c > 0}
    taken = {p: -c for p, c in form.terms.items() if p and c < 0}
    left, right = (simplifier.written(Poly(terms)) if terms else 0 for terms in (added, taken))
    if left is None or right is None:
        return None
    if not added:
        return right, MIRROR[relation], constant
    if not taken:
        return left, relation, -constant
    return left, relation, right if not constant else right - constant if constant > 0 else right + -constant


__all__ = ["Simplifier", "condition"]
