"""Arithmetic that a model's own code does with sizes: Python's result, and true wherever what was recorded holds."""

import itertools
import math

import pytest

from whyshape.sizes import INPUT, recording
from whyshape.sizes.algebra import Algebra
from whyshape.sizes.asked import Asked, Fraction
from whyshape.sizes.expr import RELATIONS, Leaf

EXPRESSIONS = [
    "math.ceil(h/2)",
    "math.floor(h/3)",
    "round(h/2)",
    "round(h/4)",
    "int(h/2)",
    "int(h*0.5)",
    "int(h*0.3)",
    "math.ceil(h*0.25)",
    "math.ceil((h-1)/2)+1",
    "h&1",
    "h&31",
    "h&(h-1)",
    "h|1",
    "h^5",
    "~h",
    "int(h**0.5)",
    "math.trunc(h/2)",
    "(h/2)//1",
    "(h/2)%1",
    "round(h*1.5)",
    "math.ceil(h/w)",
    "int(h/w)",
    "1 if h/w>1.5 else 0",
    "1 if (h/8).is_integer() else 0",
    "1 if h/2==h//2 else 0",
    "max(h/2,3)",
    "int(max(h/2,w/2))",
    "1 if h*0.3<5 else 0",
    "1 if not h/2-3 else 2",
    "int(float(h))",
    "math.floor(-h/2)",
    "int(-h/2)",
    "int((h/2)**2)",
    "round(h/3,1)",
    "abs(3-h/2)",
    "int(h/2+w/2)",
    "1 if h*0.5 in (3.0,4.0) else 0",
    "int(h*2.5-w/4)",
]
SIZES = list(itertools.product((1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 31, 32), (1, 2, 3, 7)))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_result_is_true_wherever_the_branches_hold(text):
    """At each size Python's own result; and its formula gives Python's result at every other size that meets the recorded branches."""
    python = eval(f"lambda h, w: {text}", {"math": math})
    for h, w in SIZES:
        letters = [Asked(n, "leaf", (), Leaf(name, INPUT, ("free", name))) for n, name in ((h, "H"), (w, "W"))]
        with recording() as facts:
            made = python(*letters)
            value = float.__float__(made) if isinstance(made, float) else int(made)
        assert value == python(h, w)
        algebra = Algebra()
        parts = (made.num, made.den) if isinstance(made, Fraction) else (made, 1)
        num, den = (algebra.normal(n) if isinstance(n, int) else n for n in parts)
        held = [(c.relation, algebra.plus(algebra.normal(c.left), algebra.times(algebra.normal(c.right), -1))) for c in facts.branches]
        for other in SIZES:
            at = dict(zip("HW", other))
            if all(RELATIONS[relation](algebra.value(form, at), 0) for relation, form in held):
                top = num if isinstance(num, float) else algebra.value(num, at)
                assert top / algebra.value(den, at) == python(*other), (h, w, other)


@pytest.mark.parametrize(
    "text", ["h / 2", "math.ceil(h / 2)", "math.floor(h / 3)", "h & 31", "~h", "h * 0.5", "math.ceil((h - 1) / 2) + 1", "-h / 2"]
)
def test_what_is_exact_costs_no_branch(text):
    """These remember all of it: one trace stands for every size."""
    with recording() as facts:
        eval(text, {"math": math, "h": Asked(29, "leaf", (), Leaf("H"))})
    assert facts.branches == []


def test_a_fraction_is_a_float_to_everybody_else():
    """Beside tensors, in texts, copied and pickled it is its value."""
    import copy
    import pickle

    half = Asked(29, "leaf", (), Leaf("H")) / 2
    assert isinstance(half, float) and f"{half}" == "14.5" and {half: 1}[14.5] == 1
    assert type(pickle.loads(pickle.dumps(half))) is float and copy.deepcopy(half) == 14.5
