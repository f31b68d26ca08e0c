"""Sums of products by letters: ``einsum("bhqd,bhkd->bhqk", q, k)``, and tensordot."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from whyshape.rules.base import Made, Rule, Spec, Unexplained, axes_of, given, rule
from whyshape.rules.dtypes import category, promote, summed
from whyshape.rules.linear import multiplied
from whyshape.sizes import Size, broadcast, need, product


class Equation(NamedTuple):
    """What an equation says of its operands: the letters of each (an axis under ``...`` has a number), and of the result."""

    operands: tuple[tuple, ...]
    result: tuple


def read_equation(equation: str, ranks) -> Equation:
    """The equation spelled out for operands of these ranks.

    >>> read_equation("...ij,jk", [3, 2])
    Equation(operands=((1, 'i', 'j'), ('j', 'k')), result=(1, 'i', 'k'))
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    need(len(terms) == len(ranks), "the equation {equation} names {wanted:operands}, {arrived:arrive}",
         equation=repr(equation), wanted=len(terms), arrived=len(ranks))  # fmt: skip
    operands, most = [], 0
    for term, rank in zip(terms, ranks):
        before, dots, after = term.partition("...")
        hidden = rank - len(before) - len(after)
        need(hidden >= 0 if dots else hidden == 0, "{term!r} names {wanted:axes}, the operand has {arrived}",
             term=term, wanted=len(before) + len(after), arrived=rank)  # fmt: skip
        most = max(most, hidden)
        # Axes under the dots are aligned at the last: number 1 is the last of them in every operand.
        operands.append((*before, *range(hidden, 0, -1), *after))
    dotted = tuple(range(most, 0, -1))
    if arrow:
        before, dots, after = right.partition("...")
        result = (*before, *(dotted if dots else ()), *after)
    else:
        times = Counter(c for o in operands for c in o if isinstance(c, str))
        result = (*dotted, *sorted(c for c, n in times.items() if n == 1))
    known = {c for o in operands for c in o}
    for c in result:
        need(c in known, "the result names {arrived!r}, which no operand has", arrived=c, wanted=1)
    need(len(set(result)) == len(result), "the result names a letter twice in {equation}", equation=repr(equation), arrived=2, wanted=1)
    return Equation(tuple(operands), tuple(result))


def letter_sizes(equation: Equation, shapes) -> dict:
    """The size each letter stands for; equal wherever it stands, or 1 and stretched."""
    sizes: dict = {}
    for letters, shape in zip(equation.operands, shapes):
        own: dict = {}
        for c, n in zip(letters, shape):
            if c in own:
                need(own[c] == n, "{letter!r} stands for {wanted} and {arrived} in one operand", letter=c, wanted=own[c], arrived=n)
            own[c] = n
        for c, n in own.items():
            sizes[c] = n if c not in sizes else broadcast(sizes[c], n, f"{c!r} stands for {{a}} and {{b}}")
    return sizes


def _summed_alone(equation: Equation) -> bool:
    """Whether a letter stands in one operand only: it is summed before anything is multiplied, as `sum` does it."""
    times = Counter(c for o in equation.operands for c in set(o))
    return any(n == 1 and c not in equation.result for c, n in times.items())


def _tensors(operands):
    operands = given(operands)
    if not all(hasattr(t, "shape") for t in operands):
        raise Unexplained("letters given as lists of numbers")
    return operands


def _dtype(spelled: Equation, tensors, sizes):
    """The dtype of the products; where letters are summed over two operands these are multiplied as matrices, like with like."""
    dtype, held = tensors[0].dtype, set(spelled.operands[0])
    for i, (letters, t) in enumerate(zip(spelled.operands[1:], tensors[1:]), 1):
        later = set(spelled.result).union(*map(set, spelled.operands[i + 1 :]))
        if any(int(sizes[c]) > 1 for c in held & set(letters) - later) and not (category(dtype) < 2 and _summed_alone(spelled)):
            multiplied(Spec((), dtype), Spec((), t.dtype))
        dtype = promote(dtype, t.dtype)
        held = (held | set(letters)) & later
    return dtype


@rule("einsum")
class Einsum(Rule):
    """Products over all letters, summed over those that the result does not name."""

    title = "sum of products"

    @staticmethod
    def shape(equation, *operands):
        if not isinstance(equation, str):
            raise Unexplained("letters given as lists of numbers")
        tensors = _tensors(operands)
        spelled = read_equation(equation, [len(t.shape) for t in tensors])
        sizes = letter_sizes(spelled, [t.shape for t in tensors])
        dtype = _dtype(spelled, tensors, sizes)
        if category(dtype) < 2 and _summed_alone(spelled):
            dtype = summed(dtype)
        return Made(tuple([sizes[c] for c in spelled.result]), dtype)

    @staticmethod
    def macs(call):
        """Contracted two by two from the left, as PyTorch does it without a path optimiser."""
        tensors = _tensors(call.operands)
        spelled = read_equation(call.equation, [len(t.shape) for t in tensors])
        sizes = letter_sizes(spelled, [t.shape for t in tensors])
        count: int | Size = 0
        held = set(spelled.operands[0])
        for i, letters in enumerate(spelled.operands[1:], 1):
            later = set(spelled.result).union(*map(set, spelled.operands[i + 1 :]))
            held = {c for c in held if c in letters or c in later}  # what nobody asks for any more was summed before
            count = count + product(sizes[c] for c in sizes if c in held or c in letters)
            held = (held | set(letters)) & later
        return count


@rule("tensordot")
class Tensordot(Rule):
    """Axes of one summed against axes of the other."""

    title = "sum of products"

    @staticmethod
    def shape(a, b, dims=2, out=None):
        x, y = a.shape, b.shape
        left, right = _pairs(dims, len(x), len(y))
        for i, j in zip(left, right):
            broadcast(x[i], y[j], f"axis {i} has {{a}}, the other's axis {j} {{b}}")
        multiplied(a, b)
        return (*[n for i, n in enumerate(x) if i not in left], *[n for j, n in enumerate(y) if j not in right])

    @staticmethod
    def macs(call):
        left, _ = _pairs(call.dims, len(call.a.shape), len(call.b.shape))
        return product(call.out.shape) * product(call.a.shape[i] for i in left)


def _pairs(dims, rank_a, rank_b):
    if hasattr(dims, "shape"):
        raise Unexplained("axes given as a tensor")
    if isinstance(dims, int):
        need(0 <= dims <= min(rank_a, rank_b), "{arrived:axes are} summed, there are {wanted}", arrived=dims, wanted=min(rank_a, rank_b))
        return tuple(range(rank_a - dims, rank_a)), tuple(range(dims))
    left, right = dims
    left, right = ((left,) if isinstance(left, int) else left), ((right,) if isinstance(right, int) else right)
    need(len(left) == len(right), "{wanted:axes are} summed against {arrived}", wanted=len(left), arrived=len(right))
    return (axes_of(left, rank_a) if left else ()), (axes_of(right, rank_b) if right else ())
