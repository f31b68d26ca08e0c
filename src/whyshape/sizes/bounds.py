"""How small and how large a size can be inside a block: what decides a minimum or a comparison without looking at single sizes."""

from __future__ import annotations

from whyshape.sizes.algebra import Algebra, Along, Form, Poly
from whyshape.sizes.blocks import Block
from whyshape.sizes.maps import Stairs, TooLong
from whyshape.sizes.sets import Numbers

INF = float("inf")
Range = tuple[float, float]


def bounds(algebra: Algebra, block: Block, form: Form) -> Range:
    """A lower and an upper bound of the form inside the block; infinite where there is none that is easy to see."""
    if isinstance(form, int):
        return form, form
    if isinstance(form, Along):
        return _along(form.stairs, block.axes[form.letter])
    low: float = 0
    high: float = 0
    for product, c in form.terms.items():
        term: Range = (c, c)
        for atom in product:
            term = _times(term, _along(atom.stairs, block.axes[atom.letter]) if atom.stairs else _operation(algebra, block, atom))
        low, high = low + term[0], high + term[1]
    return low, high


def _operation(algebra: Algebra, block: Block, atom) -> Range:
    if not all(isinstance(a, (int, Along, Poly)) for a in atom.args):
        return -INF, INF
    (a, b), (c, d) = (bounds(algebra, block, arg) for arg in atom.args)
    match atom.op:
        case "min":
            return min(a, c), min(b, d)
        case "max":
            return max(a, c), max(b, d)
        case "//" if c == d and c > 0:
            return a // c if a > -INF else a, b // c if b < INF else b
        case "//" if a >= 0 and c >= 0:  # what divides is never 0
            return a // max(d, 1) if d < INF else 0, b // max(c, 1) if b < INF else b
        case "%" if c >= 0:
            return 0, max(d, 1) - 1
    return -INF, INF


def _times(a: Range, b: Range) -> Range:
    ends = [0 if not x or not y else x * y for x in a for y in b]  # 0 times anything is 0, endless or not
    return min(ends), max(ends)


def _along(stairs: Stairs, numbers: Numbers) -> Range:
    first, last = numbers.first() or 1, numbers.last()
    # From the first member on, one period after the head shows the lowest of a staircase that does not fall.
    start = max(first, len(stairs.head) + 1)
    shown = [stairs(n) for n in range(first, start)] + [stairs(n) for n in range(start, start + len(stairs.tail))]
    low: float = min(shown) if stairs.rise >= 0 else -INF
    high: float = max(shown) if stairs.rise <= 0 else INF
    if last is not None and stairs.rise:
        turns = max(0, (last - start) // len(stairs.tail) + 1) * stairs.rise
        if stairs.rise > 0:
            high = max(shown) + turns
        else:
            low = min(shown) + turns
    return low, high


def reduced(algebra: Algebra, block: Block, form: Form) -> Form:
    """An equal form inside the block, with every minimum, maximum and division gone that the block decides."""
    if not isinstance(form, Poly) or all(atom.stairs for product in form.terms for atom in product):
        return form
    form = aligned(algebra, block, form)
    if not isinstance(form, Poly):
        return form
    total: Form = 0
    for product, c in form.terms.items():
        term: Form = c
        for atom in product:
            term = algebra.times(term, Poly({(atom,): 1}) if atom.stairs else _decided(algebra, block, atom))
        total = algebra.plus(total, term)
    return total


def aligned(algebra: Algebra, block: Block, form: Poly) -> Form:
    """An equal form inside the block, whose staircases are multiples of each other where the block makes them so.

    Where H is a multiple of 32, ``floor((H + 3)/4)`` is 8 times ``floor((H + 3)/32)``: what is divided by it cancels.
    """
    found: dict[tuple, tuple[str, Stairs]] = {}
    divides = _staircases(form, found)
    twins: dict[tuple, Stairs] = {}
    for letter in sorted({letter for letter, _ in found.values()}) if divides else ():
        kept: list[Stairs] = []
        for high in sorted((s for of, s in found.values() if of == letter), key=lambda s: s.rise / len(s.tail)):
            low = next((low for low in kept if _multiple(block, letter, high, low)), None)
            if low is None:
                kept.append(high)
            else:
                twins[letter, high.key] = low * _times_as_steep(high, low)
    exchange = lambda letter, stairs: Along(letter, twins.get((letter, stairs.key), stairs))
    return algebra.mapped(form, exchange) if twins else form


def _staircases(form, found: dict[tuple, tuple[str, Stairs]]) -> bool:
    """Collects every staircase that a form rests on; whether it divides by a size."""
    if isinstance(form, Along):
        found[form.letter, form.stairs.key] = form
    if not isinstance(form, Poly):
        return False
    divides = False
    for atom in (atom for product in form.terms for atom in product):
        if atom.stairs:
            found[atom.letter, atom.stairs.key] = atom.letter, atom.stairs
            continue
        divides |= atom.op in ("//", "%") and not isinstance(atom.args[1], int)
        for arg in atom.args:
            divides |= _staircases(arg, found)
    return divides


def _times_as_steep(high: Stairs, low: Stairs) -> int:
    """How many times as steep as ``low`` a staircase is in the long run, in whole times; 0 where they are not."""
    times, odd = divmod(high.rise * len(low.tail), low.rise * len(high.tail)) if low.rise > 0 else (0, 0)
    return 0 if odd else times


def _multiple(block: Block, letter: str, high: Stairs, low: Stairs) -> bool:
    """Whether one staircase is a whole multiple of the other for every size in the block."""
    times = _times_as_steep(high, low)
    try:
        return times > 0 and block.axes[letter] <= (high - low * times).equals(0)
    except TooLong:
        return False


def _decided(algebra: Algebra, block: Block, atom) -> Form:
    a, b = (reduced(algebra, block, arg) if isinstance(arg, Poly) else arg for arg in atom.args)
    if atom.op in ("min", "max") and not isinstance(b, float):
        low, high = bounds(algebra, block, algebra.plus(a, algebra.times(b, -1)))
        if high <= 0:
            return a if atom.op == "min" else b
        if low >= 0:
            return b if atom.op == "min" else a
    return algebra.apply(atom.op, [a, b])


def tied(algebra: Algebra, block: Block, relation: str, form: Form) -> list[Block]:
    """The block where ``form <relation> 0``, the relation kept as it is and each axis cut to what it leaves open."""
    for product, c in algebra.terms(form).items():
        if len(product) != 1 or not product[0].stairs or relation == "!=":
            continue
        letter, alone = product[0].letter, product[0].stairs * c
        low, high = bounds(algebra, block, algebra.plus(form, Along(letter, alone * -1)))
        kept: Block | None = block
        if relation in ("<", "<=", "==") and low > -INF:  # alone + rest <= 0
            kept = kept.narrowed(letter, alone.at_most(-int(low)))  # type: ignore[union-attr]
        if kept and relation in (">", ">=", "==") and high < INF:
            kept = kept.narrowed(letter, ~alone.at_most(-int(high) - 1))
        if kept is None:
            return []
        block = kept
    found = block.tied(relation, form)
    return [found] if found else []


__all__ = ["aligned", "bounds", "reduced", "tied"]
