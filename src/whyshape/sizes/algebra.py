"""Expressions over free axes in one normal form: equal forms are equal sizes, at every input.

The forms themselves stand in `forms`; here sizes are brought to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial, reduce

from whyshape.errors import WhyshapeError
from whyshape.sizes.expr import Size
from whyshape.sizes.forms import Along, Atom, Form, Poly, Product, letters_of
from whyshape.sizes.formula import APPLY
from whyshape.sizes.maps import Stairs, TooLong
from whyshape.sizes.sets import Numbers

LIMIT = 4096  # how far a function without a period (floor(n*0.29) in double precision) is tabulated


class Algebra:
    """Brings sizes to normal form, remembering what it has seen.

    >>> from whyshape.sizes import leaf
    >>> h = leaf(28, "H", "input", ("free", "H"))
    >>> algebra = Algebra()
    >>> algebra.normal((((h - 4) // 2) - 4) // 2) == algebra.normal((h - 12) // 4)
    True
    """

    def __init__(self):
        self.leaves: dict[str, Size] = {}  # each letter as it was met, with its value at the example
        self.limits: dict[str, int] = {}  # letters with a function that was tabulated: up to where
        self.divisors: list[Form] = []  # what was divided by: none of it may be 0
        self._forms: dict[int, Form] = {}
        self.parts: dict[tuple, list] = {}  # conditions on several axes that were taken apart already, by `conditions.within`
        self.asked: dict[int, tuple] = {}  # conditions as forms, by `analyses.paths.demanded`; each keeps what its id names
        self._where: dict[tuple, Numbers] = {}
        self._held: list[Size] = []  # keeps what `_forms` names by id alive
        self._atoms: dict = {}

    def normal(self, size: int) -> Form:
        """The normal form of a size."""
        if not isinstance(size, Size):
            return int(size)
        forms = self._forms
        stack = [size]  # explicit: expressions of deep networks are deeper than Python's recursion
        while stack:
            top = stack[-1]
            if id(top) in forms:
                stack.pop()
                continue
            if top.op == "leaf":
                form = self._leaf(top)
            else:
                todo = [a for a in top.args if isinstance(a, Size) and id(a) not in forms]
                if todo:
                    stack += todo
                    continue
                form = self.apply(top.op, [forms[id(a)] if isinstance(a, Size) else a for a in top.args])
            forms[id(top)] = form
            self._held.append(top)
            stack.pop()
        return forms[id(size)]

    def _leaf(self, size: Size) -> Form:
        ref = size.leaf.ref if size.leaf else None
        if not ref or ref[0] != "free":
            return int(size)
        self.leaves.setdefault(ref[1], size)
        return Along(ref[1], Stairs.identity())

    def apply(self, op: str, args: list) -> Form:
        """One operation on forms."""
        if op == "scale":
            return self._scaled(*args)
        if all(isinstance(a, int) for a in args):
            return self._no_division() if op in ("//", "ceil//", "%") and args[1] == 0 else int(APPLY[op](*args))
        match op:
            case "+":
                return self.plus(args[0], args[1])
            case "-":
                return self.plus(args[0], self.times(args[1], -1))
            case "neg":
                return self.times(args[0], -1)
            case "*":
                return self.times(args[0], args[1])
            case "//":
                return self.over(args[0], args[1])
            case "ceil//":
                return self.times(self.over(self.times(args[0], -1), args[1]), -1)
            case "%":
                return self.mod(args[0], args[1])
            case "min" | "max":
                return self._extreme(op, args[0], args[1])
        raise WhyshapeError(f"sizes have no operation {op!r}")

    def along(self, letter: str, act: Callable[[], Stairs]) -> Form | None:
        """The staircase that ``act`` makes; None if its table would be too long."""
        try:
            stairs = act()
        except TooLong:
            return None
        return stairs(1) if stairs.is_constant else Along(letter, stairs)

    def plus(self, a: Form, b: Form) -> Form:
        """``a + b``."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if isinstance(a, int):
            a, b = b, a
        if isinstance(a, Along):
            if isinstance(b, int):
                return Along(a.letter, a.stairs + b)
            if isinstance(b, Along) and a.letter == b.letter:
                made = self.along(a.letter, lambda: a.stairs + b.stairs)
                if made is not None:
                    return made
        terms = dict(self.terms(a))
        for product, c in self.terms(b).items():
            terms[product] = terms.get(product, 0) + c
        return self.poly(terms)

    def times(self, a: Form, b: Form) -> Form:
        """``a * b``."""
        if isinstance(a, int):
            a, b = b, a
        if isinstance(b, int):
            if isinstance(a, int):
                return a * b
            if b == 0:
                return 0
            if isinstance(a, Along):
                return Along(a.letter, a.stairs * b)
            return Poly({product: c * b for product, c in a.terms.items()})
        terms: dict[Product, int] = {}
        for p, c in self.terms(a).items():
            for q, d in self.terms(b).items():
                product = tuple(sorted(p + q))
                terms[product] = terms.get(product, 0) + c * d
        return self.poly(terms)

    def over(self, a: Form, b: Form) -> Form:
        """``a // b``."""
        if a == 0 and isinstance(a, int):
            return 0
        if isinstance(b, int):
            if b in (0, 1, -1):
                return self._no_division() if b == 0 else self.times(a, b)
            if isinstance(a, int):
                return a // b
            if isinstance(a, Along):
                made = self.along(a.letter, lambda: a.stairs.over(b))
                return self._tabulated("//", a, b) if made is None else made
            whole = {p: c // b for p, c in a.terms.items() if c % b == 0}
            rest = self.poly({p: c for p, c in a.terms.items() if c % b})
            if whole:  # (b*x + y)//b = x + y//b
                return self.plus(self.poly(whole), self.over(rest, b))
            return self.whole("//", a, b)
        self.divisors.append(b)
        exact = self._divided(a, b)
        if exact is not None:
            return exact
        shared = self._shared(a, b)
        return self.over(self._divided(a, shared), self._divided(b, shared)) if shared else self._tabulated("//", a, b)

    def mod(self, a: Form, b: Form) -> Form:
        """``a % b``."""
        if isinstance(b, int):
            if b == 0:
                return self._no_division()
            if isinstance(a, Along):
                made = self.along(a.letter, lambda: a.stairs.mod(b))
                return self._tabulated("%", a, b) if made is None else made
            if isinstance(a, int):
                return a % b
            rest = self.poly({p: r for p, c in a.terms.items() if (r := c % b)})
            return self.whole("%", rest, b) if isinstance(rest, Poly) else self.mod(rest, b)
        self.divisors.append(b)
        if self._divided(a, b) is not None:
            return 0
        shared = self._shared(a, b)  # (g*x) mod (g*y) = g*(x mod y), for a negative g too
        if shared:
            return self.times(shared, self.mod(self._divided(a, shared), self._divided(b, shared)))
        return self._tabulated("%", a, b)

    def _no_division(self) -> Form:
        self.divisors.append(0)
        return 0

    def _divided(self, a: Form, b: Form) -> Form | None:
        """``a/b`` where b is one product that divides every product of a; None otherwise."""
        ((product, c), *more) = self.terms(b).items()
        if more:
            return 1 if self.plus(a, self.times(b, -1)) == 0 else None
        quotient = {}
        for p, d in self.terms(a).items():
            rest = list(p)
            for atom in product:
                if atom not in rest:
                    return None
                rest.remove(atom)
            if d % c:
                return None
            quotient[tuple(rest)] = d // c
        return self.poly(quotient)

    def _shared(self, a: Form, b: Form) -> Form | None:
        """The atoms that every product of both has, as a form; None where there are none."""
        common = reduce(Counter.__and__, map(Counter, (*self.terms(a), *self.terms(b))))
        return self.poly({tuple(sorted(common.elements())): 1}) if common else None

    def _extreme(self, op: str, a: Form, b: Form) -> Form:
        letter = next((x.letter for x in (a, b) if isinstance(x, Along)), None)
        if letter and letters_of(a) | letters_of(b) == {letter} and not isinstance(a, Poly) and not isinstance(b, Poly):
            f, g = (x.stairs if isinstance(x, Along) else Stairs.constant(x) for x in (a, b))
            made = self.along(letter, lambda: f.smallest(g) if op == "min" else f.largest(g))
            return self._tabulated(op, a, b) if made is None else made
        difference = self.plus(a, self.times(b, -1))
        if isinstance(difference, int):
            return a if (difference <= 0) == (op == "min") else b
        return self.whole(op, a, b)

    def _scaled(self, a: Form, factor: float) -> Form:
        m, b = float(factor).as_integer_ratio()
        # A double times a short fraction is exact for every axis that fits into a memory; otherwise rounding has no period.
        if b <= LIMIT and abs(m) <= LIMIT:
            return self.over(self.times(a, m), b)
        if isinstance(a, int):
            return APPLY["scale"](a, factor)
        return self._tabulated("scale", a, factor)

    def _tabulated(self, op: str, a, b) -> Form:
        """An operation without a period: of one letter, its values up to `LIMIT`; of several, an atom."""
        letters = letters_of(a) | (frozenset() if isinstance(b, float) else letters_of(b))
        if len(letters) > 1:
            return self.whole(op, a, b)
        (letter,) = letters
        self.limits[letter] = LIMIT

        def value(n):
            try:
                return int(APPLY[op](self.value(a, {letter: n}), b if isinstance(b, float) else self.value(b, {letter: n})))
            except ZeroDivisionError:  # excluded by `divisors`
                return 0

        values = [value(n) for n in range(1, LIMIT + 1)]
        return self.along(letter, lambda: Stairs(values, values[-1:], 0)) or 0

    def whole(self, op: str, a: Form, b: Form | float) -> Poly:
        """An operation on several letters that does not dissolve, as one atom."""
        letters = letters_of(a) | (frozenset() if isinstance(b, float) else letters_of(b))
        return Poly({(self._atom((op, self.key(a), self.key(b)), letters, None, op, (a, b)),): 1})

    def key(self, form):
        return frozenset(form.terms.items()) if isinstance(form, Poly) else form

    def _atom(self, key, letters, stairs=None, op="", args=()) -> Atom:
        atom = self._atoms.get(key)
        if atom is None:
            atom = self._atoms[key] = Atom(len(self._atoms), letters, stairs, op, args)
        return atom

    def terms(self, form: Form) -> dict[Product, int]:
        """A form as a sum of products."""
        if isinstance(form, Poly):
            return form.terms
        if isinstance(form, int):
            return {(): form} if form else {}
        content = form.stairs.content
        stairs = form.stairs
        if content != 1:
            stairs = Stairs([v // content for v in stairs.head], [v // content for v in stairs.tail], stairs.rise // content)
        return {(self._atom((form.letter, stairs.key), frozenset((form.letter,)), stairs),): content}

    def poly(self, terms: dict[Product, int], constants: bool = False) -> Form:
        """The form of a sum of products; ``constants``: also ``f*g + 3*g`` becomes one product, ``(f+3)*g``."""
        terms = {p: c for p, c in terms.items() if c}
        if len(terms) > 1:
            terms = self._gathered(terms, constants)
        if all(not p for p in terms):
            return terms.get((), 0)
        inside = {atom.letter if atom.stairs else None for p in terms for atom in p}
        if len(inside) == 1 and None not in inside and all(len(p) <= 1 for p in terms):
            (letter,) = inside
            sum_of = lambda: reduce(Stairs.__add__, [Stairs.constant(c) if not p else p[0].stairs * c for p, c in terms.items()])
            made = self.along(letter, sum_of)
            if made is not None:
                return made
        return Poly(terms)

    def _gathered(self, terms: dict[Product, int], constants: bool) -> dict[Product, int]:
        """Products that differ in one letter's staircase only, added up."""
        again = True
        while again:
            again = False
            for letter in sorted({atom.letter for p in terms for atom in p if atom.stairs}):
                beside: dict[Product, list[tuple[Product, Atom]]] = {}
                for p in terms:
                    own = [atom for atom in p if atom.stairs and atom.letter == letter]
                    if len(own) == 1:
                        beside.setdefault(tuple(a for a in p if a is not own[0]), []).append((p, own[0]))
                for rest, found in beside.items():
                    with_rest = constants and bool(rest) and rest in terms
                    if len(found) + with_rest < 2:
                        continue
                    parts = [atom.stairs * terms[p] for p, atom in found] + ([Stairs.constant(terms[rest])] if with_rest else [])
                    made = self.along(letter, partial(reduce, Stairs.__add__, parts))
                    if made is None:
                        continue
                    for p, _ in found:
                        del terms[p]
                    if with_rest:
                        del terms[rest]
                    for p, c in self.terms(made).items():
                        product = tuple(sorted(p + rest))
                        terms[product] = terms.get(product, 0) + c
                        if not terms[product]:
                            del terms[product]
                    again = True
                if again:
                    break
        return terms

    def value(self, form: Form, at: Mapping[str, int]) -> int:
        """The form's value where the letters have these sizes."""
        if isinstance(form, int):
            return form
        if isinstance(form, Along):
            return form.stairs(at[form.letter])
        total = 0
        for product, c in form.terms.items():
            for atom in product:
                c *= self.atom_value(atom, at)
            total += c
        return total

    def atom_value(self, atom: Atom, at: Mapping[str, int]) -> int:
        """The same for one atom."""
        if atom.stairs:
            return atom.stairs(at[atom.letter])
        try:
            return int(APPLY[atom.op](*(a if isinstance(a, float) else self.value(a, at) for a in atom.args)))
        except ZeroDivisionError:  # excluded by `divisors`
            return 0

    def where(self, relation: str, along: Along) -> Numbers:
        """The sizes of its letter for which ``along <relation> 0``."""
        key = relation, along.stairs.key
        found = self._where.get(key)
        if found is None:
            found = self._where[key] = along.stairs.compare(relation, 0)
        return found

    def put(self, form: Form, at: Mapping[str, int]) -> Form:
        """The form with some letters given their sizes."""
        if isinstance(form, int):
            return form
        if isinstance(form, Along):
            return form.stairs(at[form.letter]) if form.letter in at else form
        total: Form = 0
        for product, c in form.terms.items():
            term: Form = c
            for atom in product:
                term = self.times(term, self._put_atom(atom, at))
            total = self.plus(total, term)
        return total

    def renamed(self, form: Form, names: Mapping[str, str]) -> Form:
        """The form with letters renamed; two that get one name become one axis."""
        return self.mapped(form, lambda letter, stairs: Along(names.get(letter, letter), stairs))

    def mapped(self, form: Form, act: Callable[[str, Stairs], Form]) -> Form:
        """The form with what ``act`` makes of it in place of every staircase."""
        if isinstance(form, int):
            return form
        if isinstance(form, Along):
            return act(form.letter, form.stairs)
        total: Form = 0
        for product, c in form.terms.items():
            term: Form = c
            for atom in product:
                if atom.stairs:
                    factor = act(atom.letter, atom.stairs)
                else:
                    factor = self.apply(atom.op, [a if isinstance(a, float) else self.mapped(a, act) for a in atom.args])
                term = self.times(term, factor)
            total = self.plus(total, term)
        return total

    def _put_atom(self, atom: Atom, at: Mapping[str, int]) -> Form:
        if not atom.letters & at.keys():
            return Poly({(atom,): 1})
        if atom.stairs:
            return atom.stairs(at[atom.letter])
        return self.apply(atom.op, [a if isinstance(a, float) else self.put(a, at) for a in atom.args])


__all__ = ["LIMIT", "Algebra", "Along", "Atom", "Form", "Poly", "Product", "letters_of"]
