"""Conditions on several axes at once, taken apart into blocks: ``20*f(H)*g(W) == 320`` into one rectangle for each way to factor 16."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import gcd, prod

from whyshape.sizes.algebra import Algebra, Along, Atom, Form, Poly, Product, letters_of
from whyshape.sizes.blocks import MIRROR, Block, subtract, tidy
from whyshape.sizes.bounds import bounds, reduced, tied
from whyshape.sizes.expr import OPPOSITE, RELATIONS
from whyshape.sizes.maps import LONGEST, Stairs, TooLong
from whyshape.sizes.sets import ANY, Numbers

COMBINATIONS = 1 << 16  # classes of sizes tried against each other before a relation is left standing as it is
LARGEST_BOUND = 1 << 12


def within(algebra: Algebra, block: Block, relation: str, form: Form) -> list[Block]:
    """The part of the block where ``form <relation> 0``."""
    if isinstance(form, int):
        return [block] if RELATIONS[relation](form, 0) else []
    if isinstance(form, Along):
        kept = block.narrowed(form.letter, algebra.where(relation, form))
        return [] if kept is None else [kept]
    question = relation, algebra.key(form), tuple(block.axes.items()), block.relations
    found = algebra.parts.get(question)
    if found is None:
        found = algebra.parts[question] = _parted(algebra, block, relation, form)
    return [*found]


def _parted(algebra: Algebra, block: Block, relation: str, form: Poly) -> list[Block]:
    """`within` for a condition on several axes."""
    simpler = reduced(algebra, block, algebra.poly(form.terms, constants=True))
    if not isinstance(simpler, Poly):
        return within(algebra, block, relation, simpler)
    form = simpler
    low, high = bounds(algebra, block, form)
    if _always(relation, low, high):
        return [block]
    if _always(OPPOSITE[relation], low, high):
        return []
    return _Parts(algebra).of(block, relation, form)


def _always(relation: str, low: float, high: float) -> bool:
    """Whether every number from low to high ``<relation> 0``."""
    return {"==": low == high == 0, "!=": low > 0 or high < 0, "<": high < 0, "<=": high <= 0, ">": low > 0, ">=": low >= 0}[relation]


class _Parts:
    """Takes one condition on several axes apart."""

    def __init__(self, algebra: Algebra):
        self.algebra = algebra

    def of(self, block: Block, relation: str, form: Poly) -> list[Block]:
        if relation == "!=":
            return self.not_in(block, within(self.algebra, block, "==", form))
        constant = form.terms.get((), 0)
        products = {p: c for p, c in form.terms.items() if p}
        if len(products) == 1:
            ((product, c),) = products.items()
            return self.product(block, product, *_solved(relation, c, -constant))
        if relation == "==" and len(products) == 2 and not constant:
            found = self.two_products(block, form)
            if found is not None:
                return found
        block_or_none = self.bounded(block, relation, products, constant)
        if block_or_none is None:
            return []
        return self.by_classes(block_or_none, relation, form)

    def not_in(self, block: Block, parts: Iterable[Block]) -> list[Block]:
        left = [block]
        for part in parts:
            left = [rest for b in left for rest in subtract(b, part)]
        return left

    def positive(self, block: Block, atom: Atom, least: int = 1) -> bool:
        """Whether an atom is at least ``least`` everywhere in the block."""
        return atom.stairs is not None and block.axes[atom.letter] <= atom.stairs.compare(">=", least)

    def product(self, block: Block, product: Product, relation: str, value: int | None) -> list[Block]:
        """Where the product of the atoms ``<relation> value``; ``value`` None: nowhere."""
        if value is None:
            return []
        if relation == "!=":
            return self.not_in(block, self.product(block, product, "==", value))
        if len(product) == 1:
            return self.atom(block, product[0], relation, value)
        first, rest = product[0], product[1:]
        if relation == "==":
            if value == 0:
                return [part for atom in product for part in self.atom(block, atom, "==", 0)]
            if abs(value) > 1 << 48:
                return self.by_classes(block, "==", self.form(product, value))
            signs = (1,) if self.positive(block, first) else (1, -1)
            return [
                part
                for u in _divisors(abs(value))
                for sign in signs
                for start in self.atom(block, first, "==", sign * u)
                for part in self.product(start, rest, "==", value // (sign * u))
            ]
        if relation in ("<", ">"):
            relation, value = (relation + "=", value - 1 if relation == "<" else value + 1)
        if relation == ">=" and value == 1 and all(self.positive(block, atom, 0) for atom in product):
            return self.all_of(block, [(atom, ">=", 1) for atom in product])
        if value <= LARGEST_BOUND and all(self.positive(block, atom) for atom in product):
            return self.at_least(block, first, rest, value) if relation == ">=" else self.at_most(block, first, rest, value)
        return self.by_classes(block, relation, self.form(product, value))

    def form(self, product: Product, value: int) -> Form:
        return Poly({product: 1, (): -value} if value else {product: 1})

    def all_of(self, block: Block, wanted) -> list[Block]:
        blocks = [block]
        for atom, relation, value in wanted:
            blocks = [part for b in blocks for part in self.atom(b, atom, relation, value)]
        return blocks

    def at_least(self, block, first, rest, value) -> list[Block]:
        if value <= 1:
            return [block]
        parts = self.atom(block, first, ">=", value)
        u = 1
        while u < value:
            wanted = -(-value // u)
            last = (value - 1) // (wanted - 1)  # the largest u that still wants as much of the rest
            for b in self.all_of(block, [(first, ">=", u), (first, "<=", min(last, value - 1))]):
                parts += self.product(b, rest, ">=", wanted)
            u = last + 1
        return parts

    def at_most(self, block, first, rest, value) -> list[Block]:
        parts, u = [], 1
        while u <= value:
            last = value // (value // u)
            for b in self.all_of(block, [(first, ">=", u), (first, "<=", last)]):
                parts += self.product(b, rest, "<=", value // u)
            u = last + 1
        return parts

    def atom(self, block: Block, atom: Atom, relation: str, value: int) -> list[Block]:
        """Where one atom ``<relation> value``."""
        algebra = self.algebra
        if atom.stairs:
            kept = block.narrowed(atom.letter, atom.stairs.compare(relation, value))
            return [] if kept is None else [kept]
        compared = lambda b, form, rel, v: within(algebra, b, rel, algebra.plus(form, -v))
        match atom.op, relation:
            case ("//", "==") if isinstance(atom.args[1], int) and atom.args[1] > 0:
                a, c = atom.args
                return [part for b in compared(block, a, ">=", value * c) for part in compared(b, a, "<", value * c + c)]
            case ("//", ">=" | "<") if isinstance(atom.args[1], int) and atom.args[1] > 0:
                return compared(block, atom.args[0], relation, value * atom.args[1])
            case ("//", ">" | "<=") if isinstance(atom.args[1], int) and atom.args[1] > 0:
                return compared(block, atom.args[0], ">=" if relation == ">" else "<", (value + 1) * atom.args[1])
            case ("%", "==") if value == 0 and isinstance(atom.args[1], int) and len(algebra.terms(atom.args[0])) == 1:
                ((product, c),) = algebra.terms(atom.args[0]).items()
                modulus = abs(atom.args[1])
                return self.multiple(block, product, modulus // gcd(c, modulus))
            case ("min", ">=" | ">") | ("max", "<=" | "<"):
                return [part for b in compared(block, atom.args[0], relation, value) for part in compared(b, atom.args[1], relation, value)]
            case ("min", "<=" | "<") | ("max", ">=" | ">"):
                return [part for side in atom.args for part in compared(block, side, relation, value)]
            case ("min" | "max", "=="):
                beyond = ">=" if atom.op == "min" else "<="
                a, b = atom.args
                return [
                    part
                    for x, y in ((a, b), (b, a))
                    for start in compared(block, x, "==", value)
                    for part in compared(start, y, beyond, value)
                ]
            case (_, "!="):
                return self.not_in(block, self.atom(block, atom, "==", value))
        return self.by_classes(block, relation, self.form((atom,), value))

    def multiple(self, block: Block, product: Product, of: int) -> list[Block]:
        """Where the product of the atoms is a multiple of ``of``."""
        if of == 1:
            return [block]
        if any(atom.stairs is None or len(atom.stairs.tail) * of > LONGEST for atom in product):
            mod = self.algebra.whole("%", Poly({product: 1}), of)
            return tied(self.algebra, block, "==", mod)
        first, rest = product[0], product[1:]
        if not rest:
            kept = block.narrowed(first.letter, first.stairs.mod(of).equals(0))
            return [] if kept is None else [kept]
        # What the first shares with `of`, the rest need not bring.
        left = first.stairs.mod(of)
        shared = Stairs([gcd(v, of) for v in left.head], [gcd(v, of) for v in left.tail], 0)
        parts = []
        for d in _divisors(of):
            kept = block.narrowed(first.letter, shared.equals(d))
            if kept is not None:
                parts += self.multiple(kept, rest, of // d)
        return tidy(parts)

    def two_products(self, block: Block, form: Poly) -> list[Block] | None:
        """``a*X == b*Y``: what both share cancels; where each factor of X is at least its partner in Y, all must be equal."""
        (p, a), (q, b) = form.terms.items()
        b = -b
        if a < 0:
            a, b = -a, -b
        x, y, shared = list(p), list(q), []
        for atom in p:
            if atom in y:
                x.remove(atom)
                y.remove(atom)
                shared.append(atom)
        if shared:
            zero = [part for atom in shared for part in self.atom(block, atom, "==", 0)]
            rest = self.algebra.poly({tuple(x): a, tuple(y): -b})
            equal = within(self.algebra, block, "==", rest)
            return equal + [part for z in zero for part in self.not_in(z, equal)]
        found = self.dominated(block, a, x, b, y)
        return self.dominated(block, b, y, a, x) if found is None else found

    def dominated(self, block, a, x, b, y) -> list[Block] | None:
        if len(x) != len(y) or not all(self.positive(block, atom) for atom in x):
            return None
        partner = {atom.letter: atom for atom in y if atom.stairs}
        if len(partner) != len(y) or {atom.letter for atom in x} != set(partner):
            return None
        pairs = []
        for atom in x:
            f, g = atom.stairs, partner[atom.letter].stairs
            if f.rise <= 0 or g.rise <= 0 or not self.positive(block, partner[atom.letter], 0):
                return None
            up, down = f.rise * len(g.tail), g.rise * len(f.tail)  # in the long run f/g
            pairs.append(Along(atom.letter, f * down - g * up))
            if not block.axes[atom.letter] <= pairs[-1].stairs.compare(">=", 0):
                return None
            a, b = a * up, b * down
        if a != b:
            return None
        blocks = [block]
        for pair in pairs:
            blocks = [part for each in blocks for part in within(self.algebra, each, "==", pair)]
        return blocks

    def bounded(self, block: Block, relation: str, products: dict[Product, int], constant: int) -> Block | None:
        """The block cut to what a sum of positive products leaves open: no single one can be larger than all together."""
        if relation not in ("==", "<=", "<"):
            return block
        if relation == "==" and all(c < 0 for c in products.values()):
            products, constant = {p: -c for p, c in products.items()}, -constant
        if not all(c > 0 and all(self.positive(block, atom) for atom in p) for p, c in products.items()):
            return block
        least = sum(products.values())
        for product, c in products.items():
            room = -constant - (least - c)
            for atom in product:
                kept = block.narrowed(atom.letter, atom.stairs.at_most(room // c))
                if kept is None:
                    return None
                block = kept
        return block

    def by_classes(self, block: Block, relation: str, form: Form) -> list[Block]:
        """Every combination tried where finitely many kinds of sizes are left; otherwise the relation stays as it is."""
        modulus = _modulus(form)
        classes = []
        letters = sorted(letters_of(form), key=list(block.axes).index)
        for letter in letters:
            found = self.classes(block.axes[letter], [s for s in _stairs(form) if s[0] == letter], modulus)
            if found is None:
                return tied(self.algebra, block, relation, form)
            classes.append(found)
        if prod(len(c) for c in classes) > COMBINATIONS:
            return tied(self.algebra, block, relation, form)
        boxes = _boxes(letters, classes, lambda at: RELATIONS[relation](self.algebra.value(form, at), 0))
        return [block._replace(axes={**block.axes, **box}) for box in boxes]

    def classes(self, numbers: Numbers, stairs: list[tuple[str, Stairs]], modulus: int | None) -> list[Numbers] | None:
        """The members in classes that no staircase of the relation tells apart; None if there are too many."""
        try:
            maps = [s.mod(modulus) if modulus else s for _, s in stairs]
        except TooLong:
            return None
        groups: dict[tuple[int, ...], list[int]] = {}
        if not numbers.endless:
            if len(numbers) > LARGEST_BOUND:
                return None
            for n in numbers:
                groups.setdefault(tuple(m(n) for m in maps), []).append(n)
            return [Numbers.of(group) for group in groups.values()]
        if any(m.rise for m in maps):
            return None
        classes = [numbers]
        for m in maps:
            values = sorted({*m.head, *m.tail})
            if len(values) * len(classes) > LARGEST_BOUND:
                return None
            classes = [part for c in classes for v in values if not (part := c & m.equals(v)).empty]
        return classes


def _boxes(letters: list[str], classes: list[list[Numbers]], truth: Callable[[dict[str, int]], bool]) -> list[dict[str, Numbers]]:
    """The combinations of classes for which ``truth`` holds, joined where they share all but the first letter."""

    def below(i: int, at: dict[str, int]):
        if i == len(letters):
            return ((),) if truth(at) else ()
        joined: dict[tuple, list[int]] = {}
        for k, numbers in enumerate(classes[i]):
            rest = below(i + 1, {**at, letters[i]: numbers.first()})
            if rest:
                joined.setdefault(rest, []).append(k)
        return tuple(((tuple(ks), *tail)) for rest, ks in joined.items() for tail in rest)

    found = []
    for row in below(0, {}):
        box = {}
        for letter, kinds, members in zip(letters, classes, row):
            numbers = kinds[members[0]]
            for k in members[1:]:
                numbers = numbers | kinds[k]
            box[letter] = numbers
        found.append(box)
    return found


def _solved(relation: str, c: int, value: int) -> tuple[str, int | None]:
    """``c*x <relation> value`` as ``x <relation> number``; None where no whole number can be equal."""
    if c < 0:
        relation, c, value = MIRROR[relation], -c, -value
    whole, odd = divmod(value, c)
    if relation in ("==", "!="):
        return relation, whole if not odd else None
    if relation in ("<=", ">"):
        return relation, whole
    return relation, whole + bool(odd)


def _divisors(n: int) -> list[int]:
    small = []
    d = 1
    while d * d <= n:
        if n % d == 0:
            small.append(d)
        d += 1
    return small + [n // d for d in reversed(small) if d * d != n]


def _stairs(form: Form) -> list[tuple[str, Stairs]]:
    """Every staircase a form rests on, those inside whole operations too."""
    found, stack = [], [form]
    while stack:
        top = stack.pop()
        if isinstance(top, Along):
            found.append((top.letter, top.stairs))
        elif isinstance(top, Poly):
            for product in top.terms:
                for atom in product:
                    if atom.stairs:
                        found.append((atom.letter, atom.stairs))
                    else:
                        stack += [a for a in atom.args if not isinstance(a, (int, float))]
    return found


def _modulus(form: Form) -> int | None:
    """The number that a condition on a single remainder looks at its product modulo."""
    atoms = [atom for product in form.terms for atom in product] if isinstance(form, Poly) else []
    if len(atoms) == 1 and atoms[0].op == "%" and isinstance(atoms[0].args[1], int):
        inside = atoms[0].args[0]
        if isinstance(inside, Poly) and all(atom.stairs for product in inside.terms for atom in product):
            return abs(atoms[0].args[1])
    return None


def solve(algebra: Algebra, blocks: list[Block], conditions: Iterable[tuple[str, Form]]) -> list[Block]:
    """The part of the blocks where all conditions ``form <relation> 0`` hold; those on one axis are applied first."""
    several = []
    for relation, form in conditions:
        if isinstance(form, Poly):
            several.append((relation, form))
        else:
            blocks = [part for block in blocks for part in within(algebra, block, relation, form)]
    for relation, form in several:
        blocks = [part for block in blocks for part in within(algebra, block, relation, form)]
        if len(blocks) > 1:
            blocks = tidy(blocks)
    return blocks


def everywhere(letters: Iterable[str]) -> Block:
    """All inputs."""
    return Block(dict.fromkeys(letters, ANY))


__all__ = ["everywhere", "solve", "within"]
