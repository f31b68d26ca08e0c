"""Families of polynomials, place by place: Chebyshev, Hermite, Laguerre, Legendre."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, rule
from whyshape.rules.dtypes import default_float
from whyshape.rules.pointwise import matched

_CHEBYSHEV = [f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"]


@rule(*[f"torch.special.{name}" for name in (*_CHEBYSHEV, "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
                                             "legendre_polynomial_p")])  # fmt: skip
class Polynomial(Rule):
    """The polynomial of degree ``n`` at every number."""

    title = "place by place"
    pointwise = True

    @staticmethod
    def shape(x, n, *, out=None):
        shape, dtype = matched(x, n)
        return Made(shape, default_float(dtype))
