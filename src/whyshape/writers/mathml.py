"""Formulas in MathML, which browsers draw themselves."""

from __future__ import annotations

from html import escape

from whyshape.writers.latex import STRENGTH


def formula(tree, names: bool = False) -> str:
    """An expression tree (as `whyshape.sizes.tree` gives it) as a MathML element, with its numbers or, if asked, its names.

    >>> print(formula({"op": "*", "args": [{"leaf": "maps", "by": "chosen", "value": 20}, 16]}))
    <math><mrow><mn>20</mn><mo>&#xB7;</mo><mn>16</mn></mrow></math>
    """
    return f"<math>{_formula(tree, names)[0]}</math>"


def _formula(tree, names: bool) -> tuple[str, int]:
    if not isinstance(tree, dict):
        return f"<mn>{tree:g}</mn>" if isinstance(tree, float) else f"<mn>{tree}</mn>", 3 if tree >= 0 else 1
    if "leaf" in tree:
        return f"<mi>{escape(str(tree['leaf']))}</mi>" if names else f"<mn>{int(tree['value'])}</mn>", 3
    op, args = tree["op"], tree["args"]
    text = lambda i: _formula(args[i], names)[0]

    def held(i: int, least: int) -> str:
        inner, strength = _formula(args[i], names)
        return inner if strength >= least else f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"

    if op in ("//", "ceil//"):
        left, right = ("&#x230A;", "&#x230B;") if op == "//" else ("&#x2308;", "&#x2309;")
        return f"<mrow><mo>{left}</mo><mfrac><mrow>{text(0)}</mrow><mrow>{text(1)}</mrow></mfrac><mo>{right}</mo></mrow>", 3
    if op in ("min", "max"):
        inside = "<mo>,</mo>".join(text(i) for i in range(len(args)))
        return f"<mrow><mi>{op}</mi><mo>(</mo>{inside}<mo>)</mo></mrow>", 3
    if op == "scale":
        return f"<mrow><mo>&#x230A;</mo>{held(0, 2)}<mo>&#xB7;</mo><mn>{args[1]:.6g}</mn><mo>&#x230B;</mo></mrow>", 3
    if op == "neg":
        return f"<mrow><mo>-</mo>{held(0, 2)}</mrow>", 1
    sign = {"*": "&#xB7;", "%": "mod"}.get(op, op)
    return f"<mrow>{held(0, STRENGTH[op])}<mo>{sign}</mo>{held(1, STRENGTH[op] + (op in ('-', '%')))}</mrow>", STRENGTH[op]
