"""What sizes over free axes are in the end: a number, a staircase of one axis, or a sum of products of such.

A form is an ``int``; `Along` one letter, a staircase (`Stairs`); or a `Poly`, a sum of products of such staircases of several letters
(`Atom`), and of the few operations that do not dissolve into them (the floor of a product, the smaller of two axes).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from whyshape.sizes.maps import Stairs


class Along(NamedTuple):
    """A size that one free axis decides."""

    letter: str
    stairs: Stairs


class Atom:
    """What products are made of: a staircase of one letter, or an operation (``op``, ``args``) that stays whole."""

    __slots__ = ("args", "letters", "number", "op", "stairs")

    def __init__(self, number: int, letters: frozenset[str], stairs: Stairs | None = None, op: str = "", args: tuple = ()):
        self.number, self.letters, self.stairs, self.op, self.args = number, letters, stairs, op, args

    @property
    def letter(self) -> str:
        (letter,) = self.letters
        return letter

    def __lt__(self, other: Atom):
        return self.number < other.number


Product: TypeAlias = tuple[Atom, ...]


class Poly:
    """A sum of products: ``terms[product]`` is its coefficient; the product ``()`` is 1."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Product, int]):
        self.terms = terms


Form: TypeAlias = "int | Along | Poly"


def letters_of(form: Form) -> frozenset[str]:
    """The free axes that a form depends on."""
    if isinstance(form, int):
        return frozenset()
    if isinstance(form, Along):
        return frozenset((form.letter,))
    return frozenset().union(*(atom.letters for product in form.terms for atom in product))


__all__ = ["Along", "Atom", "Form", "Poly", "Product", "letters_of"]
